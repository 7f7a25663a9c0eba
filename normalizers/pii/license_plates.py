"""Number plates (车牌) in a folded text, as GA 36-2018 and other kinds of plates write them, and as people do."""

from collections.abc import Iterator

from normalizers.rules import precompiled
from normalizers.text.fold import SPOKEN_DIGITS, Span

_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_NAMES = (
    "北京|天津|上海|重庆|河北|河南|云南|辽宁|黑龙江|湖南|安徽|山东|新疆|江苏|浙江|江西|湖北|广西|甘肃|山西|内蒙古?|陕西|吉林|福建|贵州|广东"
    "|青海|西藏|四川|宁夏|海南"
)
_NUMBER = (
    "(?:[a-z0-9]{5,6}(?![a-z0-9])|[a-z][·•. -][0-9]{5}(?![a-z0-9])|[a-z0-9]{4}[警挂学港澳试超领]"
    "|[a-z0-9] [0-9]{5}(?![a-z0-9])"
    "|[a-z0-9]{2} [a-z0-9]{3,4}(?![a-z0-9])|[a-z0-9]{3} [a-z0-9]{2,3}(?![a-z0-9])|[a-z0-9]{4} [a-z0-9]{1,2}(?![a-z0-9])"
    rf"|[{SPOKEN_DIGITS}]{{5}}(?![{SPOKEN_DIGITS}]))"
)
"""Five characters behind the letter, six of new-energy cars, four before a word."""

_EACH_APART = (
    r"[\s·•.-]{0,2}[a-z](?=[\s·•.a-z-]{1,15}[0-9])"
    r"(?:(?:[\s·•.-]{1,2}[a-z0-9]){5,6}(?![a-z0-9])|(?:[\s·•.-]{1,2}[a-z0-9]){4}[\s·•.-]{0,2}[警挂学港澳试超领])"
)
"""辽 A 1 2 3 4 5, as it is read out."""

_PLATE = precompiled.pattern(
    rf"{_PROVINCE}(?:(?:牌照?)?[ (-]?[a-z](?:[·•.,\s)_/:-]{{0,2}}|临)(?=[a-z]{{0,5}}[·•. -]?[0-9{SPOKEN_DIGITS}])"
    rf"{_NUMBER}|{_EACH_APART})"
)
_NAMED_PLATE = precompiled.pattern(
    r"[a-z](?<=[京津海庆北南宁江徽东疆苏西古肃林建州川夏省市区照牌号 ].)[·•.\s-]{0,2}"
    rf"(?=[a-z]?[0-9]){_NUMBER}(?![元万块人年栋楼座室路]|号[文令通公案楼])"
)
"""Behind the province's whole name: 浙江A12345."""

_PROVINCE_BEFORE = precompiled.pattern(rf"(?:{_NAMES})(?:省|市|(?:壮族|回族|维吾尔)?自治区)?(?:车?牌照?号?)?[ ]?$")
_LONGEST_PROVINCE = 13

_ARMED = precompiled.pattern(
    rf"wj(?<![a-z0-9]wj) ?{_PROVINCE}?[·• -]?(?:[0-9]{{2}}[·•-])?[0-9]{{4,5}}[a-z0-9]?(?![a-z0-9])"
)
"""Of the armed police (武警)."""

_ARMY = precompiled.pattern(r"军[a-z](?:[·• -]{0,2}[a-z]?[0-9]{4,5})(?![a-z0-9])")
_EMBASSY = precompiled.pattern("使(?<![致迫促即假行驱唆]使) ?[0-9]{3}·?[0-9]{3}(?![0-9.,元万块多余个人户名家吨米])")
_CONSULATE = precompiled.pattern(rf"{_PROVINCE}[0-9]{{3}}·?[0-9]{{3}}(?:领(?![导取])|使(?!用))")

_AIR_FORCE = precompiled.pattern("空[a-z][·• -]?[0-9]{5}(?![0-9a-z])")
_FOUR_BEHIND_A_DOT = precompiled.pattern(rf"{_PROVINCE}[a-z][·•][a-z0-9]{{4}}(?![a-z0-9])")
_FRAME = precompiled.pattern(
    r"l(?<![a-z0-9]l)(?=[0-9]{0,11}[a-z])[a-hj-npr-z0-9]{11}[a-hj-npr-z0-9][0-9]{4}(?![a-z0-9])"
)
"""The number of a car's frame (车架号, GB 16735), of those made in China."""

_OTHERS = {
    "wj": (_ARMED,),
    "军": (_ARMY,),
    "使": (_EMBASSY, _CONSULATE),
    "领": (_CONSULATE,),
    "空": (_AIR_FORCE,),
    "·": (_FOUR_BEHIND_A_DOT,),
    "l": (_FRAME,),
}
"""By what stands in each of them."""


def plates(text: str) -> Iterator[Span]:
    """Yield the number plates in a folded text."""
    yield from [match.span() for match in _PLATE.finditer(text)]
    for mark, patterns in _OTHERS.items():
        for pattern in patterns if mark in text else ():
            yield from [match.span() for match in pattern.finditer(text)]
    for plate in _NAMED_PLATE.finditer(text):
        if _PROVINCE_BEFORE.search(text, max(0, plate.start() - _LONGEST_PROVINCE), plate.start()):
            yield plate.span()
