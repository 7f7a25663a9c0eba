"""Identifiers (标识符) in a folded text that are known by their form or the word before them: a table of detectors.

Numbers of orders and parcels, codes of registers and cases, addresses in a network, shared files, doors in many
parts. Each leads to one person, household or shop as a telephone does. What is everybody's (路灯编号, 工单编号) stays.
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from itertools import pairwise
from typing import NamedTuple

from normalizers.pii.numbers import HOTLINE
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.fold import Span
from normalizers.text.matcher import trie

_IsOne = Callable[[str, re.Match[str]], bool]


class Detector(NamedTuple):
    """Finds identifiers of one kind: the last group of `pattern`, or all of it, is one if `is_one` agrees."""

    kind: str
    signs: tuple[str, ...]
    """One of these stands in each text that holds one; without any it is looked for in all texts."""

    pattern: re.Pattern[str]
    is_one: _IsOne = lambda _text, _found: True
    near_digits: bool = False
    """Whether each such identifier holds a `_CLUSTER`: it is looked for around these only."""

    core: re.Pattern[str] | None = None
    """What each of them holds, which is sooner looked for than the whole."""


_DIGITS = tuple("0123456789")
_CLUSTER = precompiled.pattern(r"[0-9](?:[0-9a-z\s·•_/|~.,:*#()-]{0,3}?[0-9]){3,}")
"""Four digits and more with hardly anything between."""

_BEFORE_A_CLUSTER, _BEHIND_A_CLUSTER = 40, 60
"""Characters in which the words before its number and what else belongs to it stand."""
_NO_TOKEN_BEFORE, _NO_TOKEN_BEHIND = r"(?<![0-9a-z])", r"(?![0-9a-z])"
_FILLER = r"[(\[]?(?:号码|号|码|编号|单号|代码|id|no\.?)?[\])'\"]?[:是为#“\"'(\[\s]{0,4}"

_PUBLIC = "(?<!工)(?<!工单)(?<!路灯)(?<!灯杆)(?<!电梯)(?<!井盖)(?<!站牌)(?<!线路)(?<!公交)(?<!电杆)"
_EACH_APART = precompiled.pattern(r"(?<![0-9a-z])(?:[0-9][ ·•_/|~*-]{1,3}){6,28}[0-9x](?![0-9a-z])")
"""Digit by digit, as a number is read out."""

_DAY = precompiled.pattern(r"(?:19|20)[0-9]{2}(?:[-/]?[01]?[0-9](?:[-/]?[0-3]?[0-9])?)?(?:[-/](?:19|20)[0-9]{2})?")
_OF_A_DAY = precompiled.pattern(r"(?:[a-z]{1,4}[ #.-]?)?(?:19|20)[0-9]{2}")
_LONGEST_DAY = 8
_LEAST_DIGITS = 5
_LEAST_WITH_LETTERS = 4

_CARRIED = precompiled.pattern(
    rf"{_NO_TOKEN_BEFORE}((?:sf|yt|jt|jd|jdv[a-z]?|jdk[a-z]?|zto|sto|yd|dpk|ems|cn|lp|tt|kye)"
    rf"[ -]?[0-9](?:[ -]?[0-9]){{9,17}}"
    rf"|[a-z]{{2}}[0-9]{{9}}cn){_NO_TOKEN_BEHIND}"
)
_CODE = precompiled.pattern(
    rf"{_NO_TOKEN_BEFORE}([a-z]{{1,4}}-?(?!(?:19|20)[0-9]{{6}}(?![0-9]))(?:[0-9]{{2,8}}-)?[0-9]{{8,24}})"
    rf"{_NO_TOKEN_BEHIND}"
)
"""Letters and eight digits or more, as shops, platforms and hospitals number one order: GH2405270083."""

_LONG_NUMBER = precompiled.pattern(
    r"(?<![0-9a-z.,-])(?!(?:19|20)[0-9]{2}[01][0-9][0-3][0-9])[1-9][0-9]{11,23}(?![0-9a-z.,-])"
)
"""No sum and no day has so many digits: a parcel or an order (中通的,78611204935527)."""

_NUMBERED = precompiled.pattern(r"(?<![a-z])no[.:] ?([0-9]{6,14})(?![0-9a-z])")

_THINGS = "路灯|灯杆|电梯|井盖|站牌|线路|公交|电杆|设备|箱|柜|桩|杆"
_PUBLIC_LABEL = precompiled.pattern(
    f"(?:工单|诉求|信访|信件|来信|来文|受理|票号|批号|许可证|标准|准字|{_THINGS})[^。!?;\n]{{0,24}}$"
)
_PUBLIC_BEHIND = precompiled.pattern(
    "[) ]?(?:[、,和及] ?[a-z]{1,4}[0-9]{8,})*"
    f"(?:诉求|工单|[两几]?件(?!上|里)|号(?:诉求|件|信|工单)|号?的?(?:{_THINGS}))"
)
_LONGEST_LABEL = 30
_NUMBER_TOLD = precompiled.pattern(r"[,;。\s]号码?[:是为]?([0-9]{6,12})(?![0-9a-z])")
"""我有扣扣,号594713628."""

_CREDIT_CODE = precompiled.pattern(
    rf"{_NO_TOKEN_BEFORE}[1-9any][1-59][1-6][0-9]{{5}}[ -]?[0-9a-hj-npqrtuwxy]{{9}}[0-9a-z]{_NO_TOKEN_BEHIND}"
)
_LICENCE = precompiled.pattern(rf"{_NO_TOKEN_BEFORE}(?:jy|sc|xk|qs|xc)[0-9]{{13,14}}{_NO_TOKEN_BEHIND}")
_CASE = precompiled.pattern(
    r"[(〔\[【]?(?:19|20)[0-9]{2}[)〕\]】]?\s?[\u4e00-\u9fff]{1,4}[0-9]{0,4}"
    r"(?:民|刑|行|执|商|知|赔|破|仲|财|诉|调|劳人)[\u4e00-\u9fff]{0,5}(?:字第|第)?[0-9]{1,6}(?:-[0-9]{1,3})?号"
)
_CASE_BY_SERIES = precompiled.pattern(
    r"[\u4e00-\u9fff]{1,8}(?:字|集用|国用|房权|农用|宅基|集建)[(〔\[【](?:19|20)[0-9]{2}[)〕\]】]第?\s?[0-9]{1,7}(?:-[0-9]{1,7})?号?"
)
"""历城劳人仲案字〔2024〕第318号, 鲁农集用(1998)第07-2216号."""

_PROPERTY = precompiled.pattern(
    r"[\u4e00-\u9fff]?[(〔\[](?:19|20)[0-9]{2}[)〕\]][\u4e00-\u9fff]{0,10}(?:不动产|房权|国用|集用|房地"
    r"|宅)[\u4e00-\u9fff]{0,6}[0-9]{4,12}号?"
)
_DECISION = precompiled.pattern(
    r"[\u4e00-\u9fff]{0,2}[鉴罚决裁伤扣拘罪证](?:(?![发办函通告令])[\u4e00-\u9fff]){0,3}"
    r"(?:[(〔\[](?:(?:19|20)[0-9]{2}|[0-9]{2})[)〕\]][\u4e00-\u9fff]{0,4} ?[0-9]{2,6}(?: ?号)?"
    r"|字第? ?(?:19|20)[0-9]{2}-[0-9]{1,6}号?)"
)
"""Of an office about one person (劳鉴〔2024〕0618, 公证字2024-58); others are for everybody (国发〔2024〕12号)."""

_OF_A_YEAR = precompiled.pattern("[(〔\\[](?:19|20)?[0-9]{2}[)〕\\]]|字第? ?(?:19|20)[0-9]{2}-")

_LETTERED_PAPER = precompiled.pattern(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][残优退烈](?:字?第?)[0-9]{6,9}号?"
    r"|[残优退烈][0-9]{10,16}(?![0-9])"
    r"|(?:军|士|兵|文|武|警|政|参|后|装|学|退|优|烈|残|南|北|东|西|中|海|空|沈|济|广|成|兰)[\u4e00-\u9fff]{0,3}字第?[0-9]{5,9}号?"
)

_ACCOUNT = precompiled.pattern(
    r"(?:[账帐]号|会员名|会员号|用户名|登录名|登陆名|登录号|昵称|网名|(?<![a-z])id号?|微博名?|抖音名?|快手名?|游戏名|旺旺|店铺名|收款码名)"
    r"(?:名称?|叫做?)?[:是为\s]{0,3}(?:[“\"「『【<]([^”\"」』】>\n]{1,20})[”\"」』】>]"
    r"|(?!https?:|www\.|[a-z]{1,12}(?:\.com|\.cn))([a-z](?=[a-z0-9]{0,20}[0-9_.@-])[a-z0-9_.@-]{3,30}[a-z0-9])"
    r"|([a-z0-9_]{0,20}(?:[\u4e00-\u9fff]{1,6}_[a-z0-9_]{1,20}|(?<=_)[\u4e00-\u9fff]{1,6}(?=[,。;、!?)\s]|$))))"
)

_ACCOUNTS = (
    *("账号", "帐号", "会员名", "会员号", "用户名", "登录名", "登陆名", "登录号", "昵称", "网名"),
    *("id", "微博", "抖音", "快手", "游戏", "旺旺", "店铺名", "收款码名"),
)
"""One of these stands in whatever `_ACCOUNT` finds."""

_PLATE_IN_PIECES = precompiled.pattern(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z][,.·\s-]{0,2}(?=[a-z,.·\s-]{0,4}[0-9])"
    r"[0-9a-z](?:[,.·\s-]{0,2}[0-9a-z]){4,5}(?![0-9a-z])"
)

_QQ_DIGIT = "[0-9〇零洞一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖]"
_QQ = precompiled.pattern(
    rf"(?:q ?q|扣扣|q扣|球球|企鹅|q号|抠抠)[群号码:是为\s]{{0,4}}(?=[\u4e00-\u9fff]{{0,9}}[0-9])"
    rf"([1-9](?:[ ·-]?[0-9]){{5,11}}(?![0-9])|{_QQ_DIGIT}{{5,12}})"
)
_WECHAT = precompiled.pattern(
    r"(?:微信|薇信|威信|v信|wx|vx|wechat)\s?(?:号码?|id)?(?:就是|是|为|叫|:)\s?([a-z][a-z0-9_-]{4,24})(?![a-z0-9])"
    r"|加我 ?(?:微信|vx?|wx)?[: ]?([a-z][a-z0-9_-]{5,24})(?![a-z0-9])"
    r"|(?:微信|薇信|威信)[\u4e00-\u9fff]{0,4}\(([a-z][a-z0-9_-]{4,24})\)"
)
_NICKNAME = precompiled.pattern(
    r"(?:(?:会员|用户|微信|微博|抖音|快手|群|店铺|淘宝|闲鱼|旺旺|qq|b站|账号|游戏)名称?|昵称|网名|群昵称|(?<![a-z])id|(?:抖音|快手|微博|小红书|b站|闲鱼|淘宝|游戏|群|微信"
    r"|平台|网|直播间)[里上]?(?:名字?)?叫做?)"
    r"(?:[:是为叫\s]{1,3}|(?<=叫))((?=[\u4e00-\u9fff]{0,10}[a-z0-9_#.])[\u4e00-\u9fffa-z0-9_#.-]{3,20})(?=[,，。;、!?)\s]|$)"
)
_MENTION = precompiled.pattern(r"@((?<![a-z0-9.]@)[\u4e00-\u9fff][\u4e00-\u9fffa-z_]{0,11}[0-9]{2,8})(?![0-9a-z@])")
_NICKNAMES = (
    *("会员", "用户", "微信", "微博", "抖音", "快手", "群", "店铺", "淘宝", "闲鱼", "旺旺"),
    *("qq", "b站", "账号", "游戏", "昵称", "网名", "id", "小红书", "平台", "网", "直播间"),
)
"""One of these stands in whatever `_NICKNAME` finds."""

_MAIL_IN_PIECES = precompiled.pattern(
    r"(?:邮箱|邮件|e-?mail|mail)(?:地址|是|为|[:\s]){0,3}([a-z0-9._%+-]{1,40}(?: [a-z0-9._%+-]{1,20}){1,3}\s{0,2})"
    r"(?=@|\(|\[|【|#|at |艾特|圈a|小老鼠)"
)
_MAIL_CUT_OFF = precompiled.pattern(r"(?<![a-z0-9._%+-])[a-z0-9._%+-]{3,64}@[a-z0-9-]{2,30}(?![a-z0-9-])")

_FARM_PLATE = precompiled.pattern(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][0-9]{2}[-·. ]?[0-9]{5}(?![0-9])"
)
_SPECIAL_PLATE = precompiled.pattern(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][·.\s-]?[a-z][·.\s-]?[0-9a-z]{4,5}[领使警学港澳挂试超临]"
)
_PLATE_TOLD = precompiled.pattern(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z](?:[,:\s]|后面|后边|然后|接着|后头|后是|是|的|尾号|尾数"
    r"|开头){1,4}(?=[a-z]{0,4}[0-9])([0-9a-z]{4,6})(?![0-9a-z])"
)

_IDEOGRAPHIC_DOT = precompiled.pattern("(?<=[0-9a-z])[。｡](?=[0-9a-z])")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = precompiled.pattern(rf"(?<![0-9.]){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9]|\.[0-9])(?::[0-9]{{2,5}}(?![0-9:]))?")
_VERSION = precompiled.pattern(r"(?:版本?|version|v|第|ver)[号.: ]{0,3}$")
_IPV6 = precompiled.pattern(
    r"(?:(?<![0-9a-z:])|(?<=[^0-9a-z:]:))(?!:[^:])(?=[0-9a-f:]*[0-9a-f]{2})[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![0-9a-z:])"
)
_IN_AN_IPV6 = precompiled.pattern("::|:[0-9a-f]{1,4}:[0-9a-f]{0,4}:")
_MAC = precompiled.pattern(
    r"[0-9a-f](?<![0-9a-z:-].)(?:[0-9a-f]([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|[0-9a-f]{3}\.[0-9a-f]{4}\.[0-9a-f]{4}"
    r"|(?:(?<=mac .)|(?<=mac:.)|(?<=mac写.)|(?<=mac是.)|(?<=mac写 .)|(?<=mac.)|(?<=地址.)|(?<=地址:.))[0-9a-f]{11})"
    r"(?![0-9a-z:-])"
)

_SHARING_CODE = precompiled.pattern(
    r"(?:提取码|访问码|分享码|提取密码|访问密码|分享密码|解压码|解压密码|文件密码|链接密码|取件密码)[:是为\s]{0,4}([a-z0-9]{4,12})(?![a-z0-9])"
)

_DOOR_IN_PARTS = precompiled.pattern(
    r"(?<![0-9a-z./-])(?:[a-z]{1,2}[0-9]{0,3}(?:-[0-9]{1,4}){2,4}|[0-9]{1,3}[a-z]?(?:-[0-9]{1,4}){3,4}"
    r"|[0-9]{1,3}#(?:[0-9]{1,3}-){1,3}[0-9]{1,4}|[0-9]{1,3}-[a-z][0-9]{0,2}-[0-9]{1,4})(?![0-9a-z-])"
)
_STEM = "[甲乙丙丁戊己庚辛]"
_PART = rf"(?:[0-9]{{1,4}}|{_STEM}[0-9]{{0,2}}|附[0-9]{{1,2}}|[东西南北左右中](?![0-9\u4e00-\u9fff])|[上下]叠)"
_DOOR_IN_PARTS_OF_HAN = precompiled.pattern(
    rf"(?:(?<![0-9a-z./-])(?=[0-9]{{1,4}}(?:-[0-9]{{1,4}}){{0,2}}-[甲乙丙丁戊己庚辛附上下东西南北左右中])[0-9]{{1,4}}"
    rf"|{_STEM}[0-9]{{0,2}})(?:-{_PART}){{2,4}}(?![0-9a-z-])"
)
_HAN_IN_PARTS = precompiled.pattern("[甲乙丙丁戊己庚辛][0-9]{0,2}-|-[甲乙丙丁戊己庚辛附上下东西南北左右中]")
_FORMAL = "[壹贰叁肆伍陆柒捌玖拾佰零〇一二三四五六七八九十0-9]"
_DOOR_FORMAL = precompiled.pattern(
    rf"(?:{_FORMAL}{{1,4}}(?:号楼|[栋幢座]))?{_FORMAL}{{1,4}}(?:单元|号楼"
    rf"|[栋幢座]){_FORMAL}{{1,4}}[层楼]{_FORMAL}{{1,4}}(?![层楼个年月%.])(?:[室户号](?!线))?"
)
_DOOR_IN_ENGLISH = precompiled.pattern(
    r"(?<![a-z])(?:tower|block|building|bldg|villa|house|court|phase)\.? ?[a-z0-9]{1,3}[, -]{1,3}(?:(?:unit|room|rm"
    r"|flat|apt|floor|#)\.? ?)*[0-9]{1,4}[a-z]?(?![0-9a-z])"
)
_DOOR_IN_A_LANE = precompiled.pattern(
    r"(?:[0-9]{1,4}|[一二三四五六七八九十百]{1,5})弄(?:[0-9]{1,4}|[一二三四五六七八九十百]{1,5})支?[号幢栋](?:楼)?"
    r"(?:[0-9]{2,4}(?![0-9])(?:[室户])?|(?:[0-9一二三][楼层])?"
    r"(?:[前后东西中统左右]?(?:客堂|厢房?)|[前后]楼|亭子间|[二三]层阁|阁楼|灶[披头]?间|过街楼|汽车间|晒台间))"
)
_DOOR_OF_A_HALL = precompiled.pattern(
    r"(?:[东西南北中][区苑园])?[0-9]{1,2}(?:舍|斋|号宿舍|宿舍楼?|公寓)(?:楼)?[a-z]?[0-9]{3,4}(?:[室寝]|[,\s-]?(?:[0-9]号?)?床(?:[0-9]号?"
    r"|位[0-9])?)?(?![0-9])"
)
_ORDINAL = "第?(?:[一二三四五六七八九十]{1,2}|[0-9]{1,2})"
_FLOOR = "(?:(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3}|顶)[楼层],?)?"
_ROW = rf"{_ORDINAL}[个条]?(?:胡同|巷子?|路口|街|排|道)"
_DOOR_COUNTED = precompiled.pattern(
    rf"(?:(?:[前后东西南北中上下老新]街|[东南西北][头边侧]|{_ROW}|村[东南西北]头?口?|[往从]?[东南西北]边?){{0,4}}{_FLOOR}"
    rf"[东西南北左右前后][边手面]?(?:[数起往]{{1,2}}|(?=第))|(?:村?[东南西北][头边侧])?{_ROW}[,的]?(?=第)){_ORDINAL}[个]?[家户院](?:人家)?"
    r"(?![具庭长里])"
)
_COUNTED_OFF = precompiled.pattern("[数起往第](?:[一二三四五六七八九十]{1,2}|[0-9]{1,2})个?[家户院]")
_DOOR_LETTERED = precompiled.pattern(
    r"(?:[0-9]{1,3}|[a-z])(?:号楼|[栋幢座#])[0-9]{1,3}[楼层f](?:[a-z][座户室号]?(?![a-z0-9])|[东西南北中]{1,2}[户室座])"
)
_DOOR_OF_A_YARD = precompiled.pattern(
    r"[0-9]{1,3}号?院(?:[0-9]{1,3}(?:号楼|[栋楼幢]))?[0-9]{0,2}(?:单元|门)[0-9]{2,4}(?![0-9])(?:[室户号](?!线))?"
)
_DOOR_BY_A_HAND = precompiled.pattern(
    r"(?:(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})(?:号楼|[栋幢]))?(?:(?:[0-9]{1,2}|[一二三四五六七八九十])单元)?"
    r"(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3}|顶)[楼层](?:[出上]电梯|上去)?(?:靠)?(?:[左右东西南北里外]|最里|把头|拐角)(?:手|首)?边?(?:第?[一二三1-3]个?)?(?:那"
    r"|的)*户(?![型外口内])"
)

_BY_A_HAND = precompiled.pattern(r"[楼层](?:[出上]电梯|上去)?(?:靠)?[左右东西南北里外最把拐]")


def _is_address(text: str, found: re.Match[str]) -> bool:
    if _VERSION.search(text, max(0, found.start() - 8), found.start()):
        return False
    return sum(len(octet) > 1 for octet in found[0].partition(":")[0].split(".")) > 1  # 1.3.5.7 counts something


def _is_ipv6(text: str, found: re.Match[str]) -> bool:
    try:
        ip_address(found[0])
    except ValueError:
        return False
    return "::" in found[0] or found[0].count(":") == 7


def _is_identifier(text: str, found: re.Match[str]) -> bool:
    """Say whether what stands behind a label is a number of one thing: no day, hotline, year or sum."""
    token = found[1]
    digits = sum(map(str.isdigit, token))
    least = _LEAST_DIGITS if digits == len(token) else _LEAST_WITH_LETTERS
    return digits >= least and _DAY.fullmatch(token) is None and HOTLINE.fullmatch(token) is None


def _is_not_public(text: str, found: re.Match[str]) -> bool:
    """Return False if a word beside a code says that it numbers a ticket or a public thing."""
    before = _PUBLIC_LABEL.search(text, max(0, found.start() - _LONGEST_LABEL), found.start())
    return before is None and _PUBLIC_BEHIND.match(text, found.end()) is None


def _is_long(_text: str, found: re.Match[str]) -> bool:
    """Say whether groups behind a label hold as many digits as a number of one thing has; a day does not."""
    digits, lettered = sum(map(str.isdigit, found[1])), found[1][0].isalpha()
    return digits > (_LEAST_DIGITS if lettered else _LONGEST_DAY) and not _OF_A_DAY.match(found[1])


def _is_no_row(_text: str, found: re.Match[str]) -> bool:
    """Say whether digits one by one are none of a row (1 2 3 4 5 6 7)."""
    digits = [int(one) for one in found[0] if one.isdecimal()]
    return sum(after - before == 1 for before, after in pairwise(digits)) < len(digits) // 2


def _is_no_hotline(_text: str, found: re.Match[str]) -> bool:
    """Say whether the digits at the end are none of a public line: @沈阳12345 is the city's own account."""
    name = found[1].rstrip("0123456789")
    return HOTLINE.fullmatch(found[1], len(name)) is None


def _is_plate(_text: str, found: re.Match[str]) -> bool:
    signs = "".join(filter(str.isalnum, found[0]))
    return len(signs) in (7, 8) and sum(map(str.isdigit, signs)) > 1


def _is_no_day(text: str, found: re.Match[str]) -> bool:
    return not found[0].startswith(("19", "20")) or "-" not in found[0][:5]


_BY_FORM: tuple[Detector, ...] = (
    Detector("parcel", (), _CARRIED, near_digits=True),
    Detector("order", (), _CODE, _is_not_public, near_digits=True),
    Detector("order", (), _LONG_NUMBER, _is_not_public, near_digits=True),
    Detector("order", ("no",), _NUMBERED, near_digits=True),
    Detector("account", ("号",), _NUMBER_TOLD, near_digits=True),
    Detector("register", (), _CREDIT_CODE, near_digits=True),
    Detector("register", (), _LICENCE, near_digits=True),
    Detector("register", ("号",), _CASE),
    Detector("register", ("字", "用", "权", "宅", "集建"), _CASE_BY_SERIES, core=_OF_A_YEAR),
    Detector("register", ("不动产", "房权", "国用", "集用", "房地", "宅"), _PROPERTY),
    Detector("paper", tuple("鉴罚决裁伤扣拘罪证"), _DECISION, core=_OF_A_YEAR),
    Detector("paper", ("字", *"残优退烈"), _LETTERED_PAPER),
    Detector("labelled", (), _EACH_APART, _is_no_row, near_digits=True),
    Detector("account", _ACCOUNTS, _ACCOUNT),
    Detector("account", ("q", "扣", "球", "企鹅", "抠"), _QQ, _is_no_hotline),
    Detector("account", ("信", "x", "wechat", "加我"), _WECHAT),
    Detector("account", _NICKNAMES, _NICKNAME),
    Detector("mail", ("邮", "mail"), _MAIL_IN_PIECES),
    Detector("mail", ("@",), _MAIL_CUT_OFF),
    Detector("account", ("@",), _MENTION, _is_no_hotline),
    Detector("plate", _DIGITS, _FARM_PLATE),
    Detector("plate", tuple("领使警学港澳挂试超临"), _SPECIAL_PLATE),
    Detector("plate", ("后", "是", "尾", "的", "开头", ",", ":"), _PLATE_TOLD),
    Detector("plate", ("车", "牌"), _PLATE_IN_PIECES, _is_plate),
    Detector("network", (".",), _IPV4, _is_address),
    Detector("network", (":",), _IPV6, _is_ipv6, core=_IN_AN_IPV6),
    Detector("network", (":", "-", ".", "mac"), _MAC),
    Detector("shared file", ("码",), _SHARING_CODE),
    Detector("door", ("-",), _DOOR_IN_PARTS, _is_no_day),
    Detector(
        "door", tuple("甲乙丙丁戊己庚辛附叠左右东西南北中"), _DOOR_IN_PARTS_OF_HAN, _is_no_day, core=_HAN_IN_PARTS
    ),
    Detector("door", ("楼", "层", "f"), _DOOR_LETTERED),
    Detector("door", ("院",), _DOOR_OF_A_YARD),
    Detector("door", ("层", "楼"), _DOOR_FORMAL),
    Detector("door", ("tower", "block", "b", "villa", "house", "court", "phase"), _DOOR_IN_ENGLISH),
    Detector("door", ("弄",), _DOOR_IN_A_LANE),
    Detector("door", ("舍", "斋", "公寓"), _DOOR_OF_A_HALL),
    Detector("door", ("家", "户", "院"), _DOOR_COUNTED, core=_COUNTED_OFF),
    Detector("door", ("户",), _DOOR_BY_A_HAND, core=_BY_A_HAND),
)


@part("names.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> tuple[Detector, ...]:
    """Return the table by the city's own file, or ours."""
    found = {name: words.split() for name, words in rules.toml("names")["identifiers"].items()}
    papers = [*found["carriers"], *found["orders"], *found["registers"]]
    numbered = r"(?:[\u4e00-\u9fff]{0,3}(?:号码?|编号|代码))?"
    labelled = (
        rf"{_PUBLIC}(?:{trie([*papers, *found['devices']])}){numbered}{_FILLER}"
        r"(?<![0-9a-z])((?=[a-z_/-]{0,8}[0-9])[a-z0-9]{1,30}(?:[_/-][a-z0-9]{1,20}){0,6})"
        r"(?![0-9a-z]|\.[0-9]|[年月日号]?[0-9]|\s?[年月日天元万块个户人次分秒时点折件台岁米层楼栋%])"
    )
    grouped = (
        rf"{_PUBLIC}(?:身份证|证件|{trie(papers)}){numbered}(?:\([\u4e00-\u9fff]{{1,4}}\))?{_FILLER}"
        r"(?<![0-9a-z])((?:[a-z]{1,4}[ #.-]?)?[0-9]{1,14}(?:\s?[ /|_.,*-]\s?[0-9a-z]{2,10}){1,8})(?![0-9a-z])"
    )
    hosts = "|".join(re.escape(one) for one in found["sharing"])
    shared = rf"(?:https?://)?(?<![a-z0-9])(?:[a-z0-9-]+\.)*(?:{hosts})[a-z0-9.-]*/[^\s,。;,'\"<>()\u4e00-\u9fff]+"
    return (
        Detector("labelled", (), precompiled.pattern(labelled), _is_identifier, near_digits=True),
        Detector("labelled", (), precompiled.pattern(grouped), _is_long, near_digits=True),
        Detector("shared file", ("/",), precompiled.pattern(shared)),
        *_BY_FORM,
    )


def identifiers(text: str, rules: Rules = DEFAULT_RULES) -> Iterator[Span]:
    """Yield what the detectors find in a folded text."""
    text = _IDEOGRAPHIC_DOT.sub(".", text)
    clusters = _around_clusters(text)
    for detector in rulebook(rules):
        if detector.signs and not any(sign in text for sign in detector.signs):
            continue
        if detector.core is not None and detector.core.search(text) is None:
            continue
        for start, end in clusters if detector.near_digits else ((0, len(text)),):
            for found in detector.pattern.finditer(text, start, end):
                if detector.is_one(text, found):
                    yield found.span(found.lastindex or 0) if detector.kind != "network" else found.span()


def _around_clusters(text: str) -> list[Span]:
    """Return the parts of a text around its clusters of digits, in order and without overlap."""
    parts = list[Span]()
    for found in _CLUSTER.finditer(text):
        start, end = max(0, found.start() - _BEFORE_A_CLUSTER), min(len(text), found.end() + _BEHIND_A_CLUSTER)
        if parts and start <= parts[-1][1]:
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    return parts
