"""Explainable checks of what a query asks for: its kind of answer, numbers, words, and requests.

Each check returns a reason code of ``kb.wording.REASONS`` or None. They feed the judgement and
name the reason of a refusal; they never answer by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from kb.numerals import number_said
from kb.tokenizer import fold

__all__ = [
    "KINDS",
    "NumberAsked",
    "asked_kinds",
    "asked_number",
    "asking_clauses",
    "asks_generation",
    "contains_kind",
    "is_injection",
    "orders_writing",
    "sought_quotation",
    "without_place",
]

KINDS: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "asks_amount": (
        re.compile(
            r"多少(?:钱|元|块|万|费用|资金|预算|补贴|额度|利息|利率|比例|成本|个?百分点)|几(?:块|万|千|百|十)(?:块|元|钱|万)|几(?:块|万|千|百)(?=[，。？！,.?!吗呢啊吧]|$)|(?:金额|额度|比例|利率|利息|价格|报价|收费|单价|上限|下限|税率|费率)(?:是|有|为)?(?:多少|多高|几|怎么|如何|呢|是什么)?|"
            r"多高|贵不贵|几分|怎么收(?:费|钱|的)?|收不收(?:费|钱)|收费吗|要不要(?:交|付|给|花)?钱|报销(?:多少|几|比例|标准)|学费|退款|退钱|几个点|几成|百分之几|百分之多少|(?:价钱|价格|(?:收费|补贴|补助|奖励|资助|缴费|贴息)的?标准)|费用(?:标准|大概|大约|贵)|how much|price|cost|rate|percentage",
            re.IGNORECASE,
        ),
        re.compile(r"\d+(?:\.\d+)?\s*(?:%|％|元|万|亿)|百分之"),
    ),
    "asks_date": (
        re.compile(
            r"什么时(?:候|间)|啥时候|何时|几时|(?<!要是)(?<!如果)(?<!万一)(?<!假如)哪(?:一)?(?:年|天|月|日)|几月|几号|(?<![这那前近过好住头后十])几(?:年|个月|天)|多久|多长时间|期限|截止(?!了)|到期|日期|哪年|什么日子|年限|有效期|when|deadline|how long",
            re.IGNORECASE,
        ),
        re.compile(r"\d{4}\s*年|\d+\s*月|\d+\s*日|\d+\s*(?:天|个月|周)"),
    ),
    "asks_contact": (
        re.compile(
            r"电话|手机号|联系方式|联系谁|联系人|找谁(?:报名|申请|办)|网址|网站|官网|邮箱|微信(?!群|里|上)|公众号|二维码(?!追溯|溯源|标识|管理|贴|上料|扫)|热线|地址|在哪(?:里|儿)?(?:办|报名|申请|领|下载|登记|交)|去哪(?:里|儿)?(?:办|报名|申请|领|下载|登记|交|找)|哪个窗口|哪个科室|"
            r"phone|website|email|contact|address",
            re.IGNORECASE,
        ),
        re.compile(r"\d{7,}|www|http|@"),
    ),
    "asks_vendor": (
        re.compile(
            r"哪(?:家|个|些)?(?:公司|厂商|品牌|牌子|供应商|厂家|服务商|银行|平台|软件|产品|企业|机构)(?:好|比较|靠谱|最|更|便宜|入选|名单|可以推荐|牌子)|什么牌子|推荐(?:一|几|个|哪|下)|哪家|哪一家|牌子|品牌|(?<!城市)(?<!地区)(?<!区县)名单|型号|(?<!部分)(?<!原则)(?<!举措)(?<!标题)(?<!条)叫(?:什么|啥)名|"
            r"阿里|华为|腾讯|用友|金蝶|钉钉|飞书|企业微信|海尔|百度|京东|sap|oracle|siemens|西门子",
            re.IGNORECASE,
        ),
        re.compile(r"有限公司|集团公司"),
    ),
    "asks_place": (
        re.compile(
            r"哪(?:个|些|几个)?(?:城市|省份?|地区|地方(?!(?:里)?(?:讲|说|提|写|出现|引用))|市|县|区|园区|国家)|(?<!我们)(?<!我在)(?<!我是)(?<!位于)(?:北京|上海|深圳|广州|浙江|江苏|广东|山东|四川|成都|杭州|苏州|重庆|武汉|东莞|宁波|天津|福建|河南|湖南|湖北|温州|佛山|青岛|合肥|西安)(?!省?市?的?.{0,6}(?:厂|企业|公司|店|上班|老板))|(?:城市|地区|区县)(?:的)?名单|which (?:city|province)",
            re.IGNORECASE,
        ),
        re.compile(r"[省市县]"),
    ),
    "asks_procedure": (
        re.compile(
            r"(?:申请|申报|报名|办理|认定|审批|备案)(?:的)?(?:条件|标准|材料|流程|手续|步骤|表|书|资格|方式|程序|要求)|怎么(?:申请|申报|报名|办理|领|注册|安装|下载)|如何(?:申请|申报|报名|办理|领取|注册|安装)|(?:需要|要|带|交|准备)(?:什么|哪些|啥)(?:材料|资料|证件|手续|条件|资质)|符合什么条件|什么条件(?:才|可以|能)|门槛是|怎么个申报|怎么报名|how (?:to|do i) apply",
            re.IGNORECASE,
        ),
        re.compile(r"申请材料|申报条件|报名|受理"),
    ),
    "asks_statistics": (
        re.compile(
            r"多少(?:家|个企业|人|台|套|企业|户|名|次|所|个(?!方面|条|部分|举措|原则|步骤|问题|名词))|有几家|占比|统计|数据显示|增长率|成功率|失败率|普及率|全国(?:一共|共|有)|平均|排名|第几名|statistics|how many companies",
            re.IGNORECASE,
        ),
        re.compile(r"\d+(?:\.\d+)?\s*(?:万家|家|%|％)"),
    ),
}

GENERATES = re.compile(
    r"(?:帮|给|替|为)(?:我|我们|咱|俺|公司|厂)?.{0,6}(?:写|拟|起草|草拟|编|做(?:一|个|份|张)|画|设计(?:一|个)|列(?:一)?(?:个|份)(?:提纲|计划|方案|大纲)|算|改写|润色|翻译|总结|概括|缩写|归纳|评|打分|出(?:一|几|个|份|套)?(?:道)?题|制定|整理成|生成|策划)|"
    r"^(?:请)?(?:写|编|起草|拟|翻译|润色|改写|画|生成|创作|总结|概括|归纳|缩写|扩写|策划|模仿|评价|点评|预测|分析一下|制作)|"
    r"翻(?:译)?成(?:英|日|韩|法|德|俄|文言)|用.{1,8}的(?:口吻|语气|风格|话)|(?:一|几|两|三)句话(?:总结|概括|说清)|(?:总结|概括|归纳|提炼)(?:一下|成|出)|"
    r"(?:写|做|出|来)(?:一)?(?:个|份|篇|段|首|封|套|张)(?:.{0,12})(?:方案|报告|计划|文案|总结|稿|ppt|表|诗|信|邮件|合同|标书|制度|通知|海报|视频脚本|脚本|提纲|大纲|对联|口号|标语|新闻|论文|故事|代码|程序|流程图|思维导图)|"
    r"你(?:觉得|认为|怎么看|建议|推荐)|打(?:个|多少)?分|(?:write|draft|summari[sz]e|translate|compose|rewrite|generate|create|draw|make)\b.{0,40}\b(?:me|us|a|an|the|this|it|into|for)\b",
    re.IGNORECASE,
)
ORDERS = re.compile(
    r"(?:帮|替|给|请)(?:我|我们|咱们?|忙)?.{0,10}(?:指南|文件|全文|原文|文章|内容|资料|[这那](?:份|段|篇|个)).{0,8}(?:总结|概括|归纳|提炼|翻译|改写|改编|润色|缩写|压缩|浓缩|精简|编|写|画|做|整理|转)成|"
    r"(?:总结|概括|归纳|提炼|浓缩|压缩|缩写|缩|精简|改写|改编|整理|写|编|画|做)成(?:[一两二三四五六八十几百\d]+|个)?(?:句话|字|段话|页|首|张|份|篇|分钟|ppt|表格|思维导图|顺口溜|对联|海报|脚本|诗|歌|段子|故事|稿)(?!是[哪什])|"
    r"翻(?:译)?成(?:英|日|韩|法|德|俄|文言|粤)|用[一两二三四五几十\d]+(?:句话|个字|字)(?:以内|之内)?(?:总结|概括)|"
    r"^(?:请|麻烦)?(?:帮|替)(?:我|我们|忙).{0,6}(?:写|拟|起草|草拟|翻译|润色|改写|编)(?!.{0,4}(?:依据|时候|要|该|得|能引))",
    re.IGNORECASE,
)
"""What only an order to write can be; ``GENERATES`` are signs of one, which other questions have too."""

QUOTED = re.compile(r"[“\"「『]([^“”\"「」『』]{3,60})[”\"」』]")
WHICH = r"哪(?:一|几|些|个)?(?:页|段|句|条|处|部分|章节?|节|地方)"
ASIDE = (
    r"(?:请问|这句话?|那句话?|一句|一词|这个词|那个词|这个说法|的|是|在|出自|来自|说法|说|讲|写|引用|涉及|提及|提到|提没提|提|出现|过|到|原文|原话|原句|具体|表述"
    rf"|内容|指南|解读|正文|文件|里面|里|中|上|第几页|几页|哪里|哪儿|{WHICH}|哪|怎么|什么|啥|出处|页"
    r"|[这那][几两二三四五六七八]个字|[这那]一?条"
    r"|有没有|没有|没|也有|有|也|吗|呢|了|[，,。？?！!：: ])"
)
WHEREABOUTS = re.compile(
    rf"{ASIDE}*+"
)  # possessive: these words overlap, and would be tried in all ways
ASKS_PAGE = re.compile(r"第几页|哪一?页|(?<![一二两三四五六七八九十个有共多好])几页")
ASKS_WHERE = re.compile(
    rf"{ASKS_PAGE.pattern}|出处|出自|哪[一几]?[段句]|(?:在|是)?(?:{WHICH})(?:里)?(?:讲|说|提|写|引用)|(?:在|是)?哪一?条$|在哪几条$|(?:讲|说|提到?|写|出现|引用)(?:过|了)?(?:在|于)?(?:{WHICH})"
    r"|出现(?:过|在哪)|有没有出现|(?:哪里|哪儿)(?:提|说|写|出现)"
)
ASKS_MENTION = re.compile(
    r"(?:有没有|有无|是否|有)(?:提到|提及|提|说到|讲到|写到|涉及)|提没提|(?:提到|提及|提|写到|说到|讲到|涉及)(?:过|了)?(?:吗|没有?|么|不)(?:[？?。]|$)"
)
ASKS_WORDING = re.compile(
    r"哪|页|出处|出现|提到|提及|提没提|有没有|原文|原话|原句|表述|说法|怎么(?:说|写)"
)
LEADING = re.compile(
    r"^(?:请问|(?:指南|文件|原文|正文|解读)(?:里面|里|中)?|(?:哪里|哪儿|哪(?:一|几|些|个)?(?:[页段句条处]|部分|地方)|第几页)(?:里面|里|中|上)?|有没有|有无|是否|出现(?:过|了)|提没提到?|提及过?|涉及到?"
    r"|(?:提|说|讲|写)(?:到过?了?|过|了)|[，,：: ])++"
)
TRAILING = re.compile(rf"{ASIDE}$")
SHORTEST_SOUGHT = 2

INJECTS = re.compile(
    r"忽略(?:掉)?(?:以上|上面|之前|前面|所有|你的|一切)|无视(?:以上|上面|之前|所有|你的)|忘(?:掉|记)(?:以上|上面|之前|你的|所有)|(?:系统|开发者)(?:提示|消息|指令|模式|管理员)|提示词|越狱|扮演(?!着|了|什么|啥|怎样|何|哪|重要|关键|.{0,2}角色吗)|假装|假设你是|从现在(?:起|开始)|"
    r"(?:当作|作为|当成|算作|视为)(?:是)?(?:指南|原文|引用|文件)|照抄.{0,6}(?:原文|引用)|原文(?:里)?(?:加|插|写)(?:上|入|进)|伪造|篡改|<\s*(?:script|img|iframe|svg|b|a)\b|(?:drop|select|delete)\s+(?:table|\*|from)|"
    r"ignore (?:all|the|your|previous|above)|system prompt|jailbreak|pretend|you are now|act as|developer mode|\bDAN\b|repeat after me",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"第(?P<n>[零一二三四五六七八九十百\d]+)(?:个|项|条)?(?P<unit>条|项|个|点|问|部分|章|节|大?部分|举措|措施|原则|问题|名词|页)"
)


class NumberAsked(NamedTuple):
    """An ordinal in a query: its number and the unit it counts."""

    number: int
    unit: str


def asked_kinds(query: str) -> list[str]:
    """The kinds of answer that a query asks for: ``补贴多少钱`` -> ``[asks_amount]``."""
    text = fold(query)
    return [kind for kind, (asks, _) in KINDS.items() if asks.search(text)]


def contains_kind(kind: str, text: str) -> bool:
    """Whether a passage holds that kind of answer at all."""
    return bool(KINDS[kind][1].search(text))


def asks_generation(query: str) -> bool:
    """Whether the query asks to write, summarise, translate, judge or advise."""
    return bool(GENERATES.search(fold(query)))


def orders_writing(query: str) -> bool:
    """Whether the query can only be an order to write, summarise or translate."""
    return bool(ORDERS.search(fold(query)))


def sought_quotation(query: str) -> str | None:
    """The words whose place, or wording, is all that a query asks for; or None.

    They stand in quotation marks (“补一点”这句在哪), or are what is left of a question for a place
    (分类指导在第几页) or for a mention (有没有提到人工智能).
    """
    found = QUOTED.search(query)
    if found:
        rest = QUOTED.sub("", query)
        asks = not rest or ASKS_WORDING.search(rest)
        return found[1] if asks and WHEREABOUTS.fullmatch(rest) else None
    asks = ASKS_WHERE.search(query) or ASKS_MENTION.search(query)
    sought = _without_whereabouts(query) if asks else ""
    return sought if len(sought) >= SHORTEST_SOUGHT else None


def without_place(query: str) -> str:
    """A question for a place without its words for that, where anything else is left of it.

    补贴在第几页 -> 补贴: what stands somewhere has no likeness to a question for where it stands.
    """
    text = fold(query)
    subject = _without_whereabouts(text) if ASKS_WHERE.search(text) else ""
    left = len(subject) >= SHORTEST_SOUGHT and not ASKS_WHERE.search(subject)
    return subject if left else query


def _without_whereabouts(text: str) -> str:
    """A question for a place without the words that ask for it, at its start and at its end."""
    text = LEADING.sub("", text)
    while tail := TRAILING.search(text):
        text = text[: tail.start()]
    return text


def is_injection(query: str) -> bool:
    """Whether the query gives orders to the assistant or plants text."""
    return bool(INJECTS.search(fold(query)))


def asked_number(query: str) -> NumberAsked | None:
    """The first ordinal of a query: ``第二十条说什么`` -> ``(20, 条)``."""
    found = NUMBERED.search(fold(query))
    if found is None:
        return None
    number = number_said(found["n"])
    return None if number is None else NumberAsked(number, found["unit"])


def exceeds(asked: NumberAsked, totals: Mapping[str, int]) -> int | None:
    """The count that an ordinal exceeds, or None where it does not or the unit is not counted."""
    total = totals.get(asked.unit)
    return total if total is not None and asked.number > total else None


CLAUSE = re.compile(r"[，,；;。？?！!]+|(?<=[一-鿿]) +(?=[一-鿿])|以及|还有(?!没有|吗|呢)|同时")
ASKS = re.compile(
    r"什么|啥|谁|哪|怎|如何|咋|多少|几|吗|呢|么|能不能|要不要|可不可|有没有|是不是|what|who|how|which|why",
    re.IGNORECASE,
)
SHORTEST_CLAUSE, MOST_CLAUSES = 4, 3


def asking_clauses(text: str) -> list[tuple[int, int]]:
    """The spans of the clauses that each ask something, where a question has two or more."""
    ends = [(found.start(), found.end()) for found in CLAUSE.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    asking = []
    for start, end in zip(starts, [*(start for start, _ in ends), len(text)], strict=True):
        clause = text[start:end].strip()
        if len(clause) >= SHORTEST_CLAUSE and ASKS.search(clause):
            start += len(text[start:end]) - len(text[start:end].lstrip())
            asking.append((start, start + len(clause)))
    return asking[:MOST_CLAUSES] if len(asking) > 1 else []
