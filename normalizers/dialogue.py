"""Dialogue: of a call's transcript (通话转写) what the citizen says; what agents say is much the same in every call."""

import re

_AGENTS, _CITIZENS = (
    "坐席|座席|客服|话务员|接线员|agent|operator",
    "市民|来电人|诉求人|客户|用户|citizen|customer|caller",
)
_TURN = re.compile(rf"(?:^|(?<=[\s。？！?!，,]))(?:({_AGENTS})|{_CITIZENS})[:：]", re.IGNORECASE)

_CALL = re.compile("为您服务|有什么可以帮|有什么能帮|感谢您?的?来电|感谢您?的?致电")
"""Whoever hears a call writes one of them down, whether or not who speaks is told."""

_YOU, _SOFT = "[您你]", "[,:。!?]?"
_PHRASES = re.compile(
    "|".join(
        (
            rf"(?:{_YOU}好{_SOFT})?(?:这里是|欢迎[致拨]打?电?)?[^,。!?]{{0,8}}12345[^,。!?]{{0,12}}热线",
            r"(?:我是)?(?:工号)?[0-9一二三四五六七八九零〇幺]{1,8}号?(?:话务员|坐席|座席|客服|接线员)?(?:很高兴|竭诚)?为您服务",
            "(?:很高兴|竭诚)?为您服务",
            f"请?问?{_YOU}?(?:有什么|需要什么)(?:可以|能)?帮(?:到|助)?{_YOU}?(?:的吗|的)?",
            f"(?:请问{_YOU}?|{_YOU})(?:贵姓|怎么称呼)",
            f"请{_YOU}?(?:再?说|讲|提供|描述)一下(?:具体|详细)?的?(?:地址|位置|情况|电话|联系方式|联系电话)",
            f"{_YOU}?(?:反映|说|咨询|投诉)的(?:这个|这些)?(?:问题|情况|诉求|事情)?,?(?:我|我们|这边)*(?:已经?|会)?(?:为{_YOU}|帮{_YOU}|给{_YOU})?"
            "(?:做?好?登记|记录|下来|了|好)+",
            "(?:我们?|这边)?会?(?:及时|尽快)?(?:转|转给|转交|反馈给|派给|交由)(?:到|至)?(?:相关|有关|属地|职能)?(?:部门|单位)(?:进行)?(?:核实|处理)*",
            f"请{_YOU}?(?:注意)?保持(?:电话|手机|通讯)畅通",
            f"请?问?{_YOU}?还有(?:什么|没有)?(?:其他|别)的?(?:问题|需要|诉求|事情|需要帮助)?(?:的|吗|需要)*",
            f"感谢{_YOU}?的?[来致]电(?:12345)?",
            f"祝{_YOU}?(?:生活|工作|身体)?(?:愉快|健康|顺利)",
            "再见",
        )
    )
)
"""Of an agent; each may end where speech recognition put a stop."""


def without_phrases(folded: str) -> str:
    """Return a folded text without what agents say in every call, if it is what was said in one."""
    return _PHRASES.sub("", folded) if _CALL.search(folded) is not None else folded


def own_words(text: str) -> str:
    """Return a text without the turns of an agent, and without the citizen's name before each of theirs.

    One in which not both of them speak stays as it is.
    """
    if ":" not in text and "：" not in text:
        return text
    turns = list(_TURN.finditer(text))
    if len({turn[1] is None for turn in turns}) < 2:
        return text
    ends = [turn.start() for turn in turns[1:]] + [len(text)]
    said = [text[turn.end() : end] for turn, end in zip(turns, ends, strict=True) if turn[1] is None]
    return text[: turns[0].start()] + "".join(said)
