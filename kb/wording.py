"""Every fixed sentence that may stand on screen beside the quotes; nothing else is ever said.

Templates take counts, page numbers, term names and words of the query itself, and nothing more.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["MESSAGES", "REASONS", "STATES", "confidence_word", "reason_text"]

MESSAGES = MappingProxyType(
    {
        "answered": "以下为文件原文摘录，未作任何改写。",
        "listed": "共{total}项，已全部列出（{total}/{total}）。以下为文件原文摘录，未作任何改写。",
        "page": "所在页码见每条出处（{pages}）。以下为文件原文摘录，未作任何改写。",
        "no_pages": "这份文件没有页码，所在位置见每条出处的标题。以下为文件原文摘录，未作任何改写。",
        "heading": "所问内容所在的标题如下，由近到远。以下为文件原文摘录，未作任何改写。",
        "corrected": "已按“{right}”检索（您输入的是“{wrong}”）。",
        "related": "文件中没有直接回答这个问题。下面的原文只是与之相关，不是答案。",
        "not_found": "文件中没有找到能回答这个问题的内容。",
        "greeting": "您好！我只摘录《中小企业数字化转型指南》及其解读、名词解释的原文来回答问题，请直接提问。",
        "thanks": "不客气，欢迎继续提问。",
        "about": "我是“问指南”，只摘录《中小企业数字化转型指南》及其解读、名词解释的原文，不生成、不改写。",
    }
)

REASONS = MappingProxyType(
    {
        "input_empty": "请输入问题。",
        "input_too_long": "问题太长（超过{limit}字），请缩短后再问。",
        "asks_amount": "文件没有给出具体金额、比例或价格。",
        "asks_date": "文件没有给出具体日期、期限或时长。",
        "asks_contact": "文件没有给出电话、网址、地址等联系方式。",
        "asks_vendor": "文件没有点名具体的厂商、品牌或企业。",
        "asks_place": "文件没有点名具体的城市、地区或园区。",
        "asks_procedure": "文件没有写具体的申请条件、材料或办理流程。",
        "asks_statistics": "文件没有给出统计数字。",
        "term_absent": "“{term}”一词在文件中没有出现。",
        "term_undefined": "文件用到了“{term}”，但没有给出它的解释。",
        "number_exceeds": "文件里的{unit}一共只有{total}个，没有这么多。",
        "page_empty": "第{page}页没有可以摘录的正文。",
        "false_premise": "问题里的说法与文件原文不符，或文件没有这样的规定。",
        "asks_generation": "本助手只摘录原文，不代写、不总结、不翻译，也不给出评价和建议。",
        "asks_page": "没有可以对应页码的上一个问题，请先提问。",
        "off_topic": "这个问题不在文件的范围内。",
        "not_covered": "文件涉及这个话题，但没有说到所问的内容。",
        "nothing_more": "与上一个问题有关的原文已经全部列出，没有更多了。",
        "injection": "这类指令不会被执行；本助手只摘录文件原文。",
    }
)

STATES = MappingProxyType(
    {
        "starting": "正在准备，请稍候……",
        "missing": "还没有索引，正在自动建立，请稍候……",
        "stale": "文档或设置有变化，正在自动重建索引，请稍候……",
        "damaged": "索引文件已损坏，正在自动重建，请稍候……",
        "build_failed": "索引重建没有成功，请在终端运行 python -m kb build 查看原因。",
        "unreadable": "读写不了“{path}”（{why}），请检查路径、权限和磁盘空间后重新启动。",
        "interrupted": "准备过程意外中断，请查看终端里的信息后重新启动。",
        "local_only": "反馈和统计只能在运行本程序的电脑上用 127.0.0.1 打开页面查看和开关。"
        "如需对所有人开放，请用 KB_RECORDS=all 重新启动。",
    }
)

HIGH, MEDIUM = 0.85, 0.6


def confidence_word(confidence: float) -> str:
    """高, 中 or 低 for a probability in [0, 1]."""
    if confidence >= HIGH:
        return "高"
    return "中" if confidence >= MEDIUM else "低"


def reason_text(reason: str, **values: object) -> str:
    """The sentence of a reason code, filled in."""
    return REASONS[reason].format(**values)
