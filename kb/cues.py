"""The words by which a follow-up shows that it leans on what came before, as patterns."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = [
    "ASKS_ON",
    "BACK",
    "BOTH",
    "CHANGE",
    "COMPARES_ONE",
    "DOCUMENTS",
    "ELLIPSIS",
    "ENGLISH_PRONOUN",
    "FILLER",
    "LEANING_START",
    "MORE",
    "NAMED_FIRST",
    "NAMED_ONLY",
    "NO_SUBJECT",
    "ORDINAL_FIRST",
    "ORDINAL_ONLY",
    "PAGE",
    "PRONOUN",
    "SOURCE",
    "TERM_PRONOUN",
    "asked_party",
]

CHANGE = re.compile(
    r"^(?:好的?|嗯|行|算了|哦|谢谢|明白了?|知道了?)?[，,。！ ]*(?:换个(?:话题|问题)|另外(?:问|再问)?(?:一?下|个|一个)?"
    r"|再问(?:一个|个|一下)?(?:别的|其他的)?|问个别的|不说这个了?|说点别的|顺便(?:问(?:一下|下|一句)?)?"
    r"|by the way|another question)[，,。：: ]*",
    re.IGNORECASE,
)
FILLER = re.compile(r"^(?:好的?吧?|嗯|行|哦|噢|明白了?|知道了?|谢谢|了解|懂了)[，,。！!、 ]+")
PAGE = re.compile(r"(?:在|是)?(?:原文)?(?:的)?(?:第几页|哪一?页|几页|页码)")
MORE = re.compile(
    r"^(?:还有(?:吗|没有?|别的|其他|呢|什么|啥)+|还有哪些|就这些吗?|没了吗?|别的呢|其他的?呢|继续|接着说)[？?。！，, 了的吗呢]*$"
)

TAIL = (
    r"(?:点|条|个|项|呢|展开|具体|详细|细|再|讲|说|聊|是什么|是啥|什么意思|怎么|咋|理解|解释|意思|有啥|有什么|包括|内容"
    r"|要求|原则|举措|措施|一下|吧|些|给我|我|听听|做|的|都|有|哪些|看看|，|,|？|\?|。| )*$"
)
ORDINAL = (
    r"(?:第(?P<n>[一二三四五六七八九十\d]+)(?!方(?!面))|(?P<last>最后)(?:一)?|(?P<next>下一?|再下一?))"
    r"(?:个|条|点|项)?(?:点|条|个|项|方面|步|款|部分|路径|招|类|原因|理由|意义|思路|要求|原则|举措)?"
)
ORDINAL_ONLY = re.compile(r"^(?:那|那么|请|再|把|来|还有|然后|接着)?" + ORDINAL + TAIL)
ORDINAL_FIRST = re.compile(r"^(?:那|那么|这|还有|然后)?" + ORDINAL)
NAMED = (
    r"^(?:那么?|再|把|说说|讲讲|看看)*(?P<name>[^，。？?！!这那]{1,8}?)"
    r"[那这]一?(?:块|条|点|项|个|招|部分)"
)
NAMED_ONLY = re.compile(NAMED + TAIL)
NAMED_FIRST = re.compile(NAMED)

DOCUMENTS = (
    ("interpretation", re.compile(r"解读|问答|解答")),
    ("glossary", re.compile(r"名词解释|术语表")),
    ("guide", re.compile(r"指南|原文|正文")),
)
SOURCE = re.compile(
    r"^(?:那么?|在)?《?(?:(?:官方|政策|指南的?)?解读|(?:政策)?(?:问答|解答)|名词解释|术语表|指南|原文|正文)》?"
    r"(?:对应|里面|里头|里|中|上|那边|这边|部分|原文|原话|的|是|也|又|都|对|这个|这块|这段|这点|这条|那段|那块|此"
    r"|怎么|咋|如何|有没有|有|提|说|讲|写|到|过|了|吗|呢|么|啥|什么|看看|给我|一下|[，,？?。！! ])*$"
)

LEANING_START = re.compile(
    r"^(?:那么?|然后|这|该|其中|其|它们?|他们|她们|前者|后者|为什么|为啥|凭什么|具体|怎么(?:做|办|弄|个)|咋(?:做|办|弄)|谁来|反过来|"
    r"举(?:个|些)?例|比如|and\b|what about|how about|why\b|再|要不要|还要|还|只|到底|跟|和)",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"它们?|他们|[这那][几两三四五六]|这个|那个|这些|那些|这样|这种|这块|[这那]件?事|[这那]方面|上面|刚才|前面|里头|里面|其中|此事"
)
ENGLISH_PRONOUN = re.compile(r"\b(?:[Ii]ts?|[Tt]hey|[Tt]heir)\b")  # not IT
ASKS_ON = re.compile(
    r"(?:再|展开|详细|具体|仔细|细)(?:说|讲|聊|谈|解释)(?:说|讲|聊|谈)?(?:一下|看|点|吧|呗|些)*[。.？?！!]*$"
)
NO_SUBJECT = re.compile(
    r"^(?:都|又|还|到底)?(?:谁(?:来|去|在)?(?:组织|干|做|管|负责|牵头|出钱|出|建|推|弄|搞|办)|(?:弄这些|搞这些)?图个?(?:啥|什么)|凭啥"
    r"|怎么(?:搞|落实|推|用|实现)|咋(?:搞|落实|推|用)|有(?:没有)?(?:什么|啥)?(?:具体)?(?:的)?例子|有(?:什么|啥|没有)?(?:好处|坏处|用处|风险|要求|条件)"
    r"|(?:对我们|对企业|对小厂|对咱们?)?有(?:啥|什么)用|用在(?:哪|什么|啥).{0,4})[啊呢呀吗的了么]*[？?。！! ]*$"
)
BACK = re.compile(
    r"(?:说|绕|讲|聊|转)回(?:到|去)?|回到|(?:刚才|刚刚|之前|前面|前头|一开始|最开始|开头|最早)(?:说|讲|提|问|聊)?(?:到|过)?的?|\bback to\b",
    re.IGNORECASE,
)
COMPARES_ONE = re.compile(
    r"^(?:那|那么)?(?P<rest>(?:跟|和|与|同).{1,16}(?:不同|不一样|区别|差别|差在|一回事|相比|比).*)"
)
TERM_PRONOUN = re.compile(r"它|这个系统|这个软件|这种系统|这东西|这玩意儿?|\b[Ii]ts?\b")
BOTH = re.compile(
    r"[它他]俩|它们|[这那](?:俩|[两二](?:者|个|样|种|款|套|项))(?:系统|软件|东西|词)?|(?<![^那，。,])[两二]者"
    r"|\b(?:these|those|the) two\b|\bboth\b(?!.*\band\b)",
    re.IGNORECASE,
)
ELLIPSIS = re.compile(r"^那?么?(?P<name>.{1,12}?)(?:方面|这边|那边|那头)?呢[？?]?$")

SIDE = r"(?:自己|自身|本身|内部|里面|里头|[这那]一?(?:边|头|块)|方面|们)*"


@lru_cache(maxsize=8)
def asked_party(parties: tuple[str, ...]) -> re.Pattern[str]:
    """A party and nothing of a subject: 那银行呢, 政府在这事上干啥, 企业内部怎么弄."""
    does = (
        r"(?:在[这那此]件?(?:事|块|方面)情?[上里]?)?(?:又|该|要|得|能|可以|应该|需要|都|去)*"
        r"(?:怎么|咋)?(?:做|干|弄|搞|办|帮)(?:点|些)?(?:什么|啥|嘛|哪些|忙)*[啊呢呀吗的了事]*"
    )
    names = "|".join(map(re.escape, parties))
    return re.compile(
        rf"(?:那么?|然后|反过来)?[，, ]*(?:我们|咱们?)?(?:{names}){SIDE}(?:呢?|{does})[？?。 ]*"
    )
