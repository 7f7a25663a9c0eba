"""Doors of homes in a folded text, in the forms people write them in; the house, the estate and the road stay."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.fold import Span
from normalizers.text.matcher import trie

_HAN = "[〇零一二三四五六七八九十百两壹贰叁肆伍陆柒捌玖拾]"
_COUNTED = (
    r"(?: ?(?:[年月元块万千百亿人米个层级栋幢梯台辆吨多余分秒点度次班位套间名份亩斤条棵根岁届期组号路线#㎡℃%]"
    r"|日(?!租)|方(?!便|面|向|案)|平(?!时|常|日)|楼(?![上下道顶])|单元|来[个户人]|公里|立方|小时|厘米|医院|国道|省道|县道|高速)"
    r"|[0-9a-z]|\.[0-9])"
)
"""What follows a number that counts something, or that names a road: no door."""

_COUNTS = precompiled.pattern(_COUNTED)

_ROOM = rf"(?!1(?:10|19|20|22)(?![0-9]))[1-9][0-9]?(?:0[1-9]|[12][0-9])(?![0-9]|{_COUNTED})"
"""A floor and one of its rooms; years, prices and the emergency numbers are none."""

_HAN_ROOM = (
    "(?:[一二三四五六七八九十幺]{1,2}(?:[〇零][一二三四五六七八九幺]|[一二幺][〇零一二三四五六七八九])"
    "|[一二三四五六七八九]百[零〇一二][一二三四五六七八九十]{1,2}"
    "|[一二三四五六七八九]千[一二三四五六七八九]百(?:[零〇][一二三四五六七八九]|[一二三四五六七八九]?十[一二三四五六七八九]?))"
)
_NUMBER = rf"(?:[0-9]{{1,3}}|{_HAN}{{1,3}}|[甲乙丙丁东西中南北a-z])"
_BEHIND_A_FLOOR = "(?:(?<=单元)|(?<=[0-9一二三四五六七八九十][层楼]))"
_ITS_DOOR = (
    rf" ?(?:(?:{_NUMBER} ?(?:单元|层|楼|梯|区|号?门洞?|f-?)|顶[楼层]) ?){{0,3}}"
    rf"(?:-?(?:[0-9]{{1,2}}|[a-z])-[0-9]{{1,4}}(?![0-9-]|{_COUNTED}| ?[户天])"
    rf"|[a-h]?[0-9]{{2,4}}[a-h]?(?![0-9a-z])(?: ?[室房号](?!线|楼)|(?<!0) ?户(?!型)|(?!{_COUNTED}| ?户))"
    rf"|[东西中南北]{{1,2}}户"
    r"|(?<=[楼层])(?:[东西南北左右][边侧手面]?|中间?|靠[东西南北])的?那一?[户家](?!型)"
    rf"|[1-9][0-9]?[零〇][1-9](?![0-9]|{_COUNTED})"
    rf"|{_BEHIND_A_FLOOR}[东西中南北]门(?![口外卫])"
    rf"|{_BEHIND_A_FLOOR}(?:(?:[0-9]|{_HAN}) ?[室号](?!线|楼|门|电|机|路)|[左右][手边侧]|[东西](?=[,。;、]|$))"
    rf"|{_HAN_ROOM}(?!{_HAN}|{_COUNTED}|户)[室房]?"
    rf"|{_HAN}{{2,5}}[室房号](?!线|楼)"
    rf"|[,(-]?(?:{_NUMBER} ?单元[,)-]?)?的?{_ROOM}(?!-)[室户]?)"
)
_IN_A_BUILDING = precompiled.pattern(
    rf"[号栋幢#座单](?:(?<=号)楼|(?<=[栋幢#])楼?|(?<=座)(?<![一两]座)|(?<=单)元){_ITS_DOOR}"
)
"""It begins with one of a set, which is looked for; words and sets in turn would be tried at each character."""

_IN_A_LETTERED_BUILDING = precompiled.pattern(rf"楼(?<=[a-z甲乙丙丁东西]楼){_ITS_DOOR}")
_IN_A_HALL = precompiled.pattern(rf"[舍寓宅](?<=宿舍|公寓|住宅|[0-9]舍)楼?({_ROOM}(?! ?[户铺店档街])[室房]?)")
_BUILDING = precompiled.pattern(
    rf"(?:(?<![0-9a-z])[0-9]{{1,4}} ?|(?<![a-z])[a-z][0-9]{{0,2}} ?|(?<!{_HAN}){_HAN}{{1,3}}"
    "|[甲乙丙丁东西南北])$"
)
_NAME_OF_A_BUILDING = 5
"""Characters: that of a number and a blank."""

_ALONE = precompiled.pattern(
    r"[0-9](?<![0-9a-z][0-9])(?:"
    r"[0-9]? ?[楼层] ?[东西中南北]{1,2}户"
    r"|[0-9]{0,3} ?(?:室|号房|寝室|宿舍(?!楼))"
    r"|[0-9]? ?[楼层] ?[a-z][0-9]? ?室"
    r"|[0-9]?-[a-z]-[0-9]{3,4}(?![0-9a-z])"
    r"|[0-9]?楼之[0-9]{1,2}"
    rf"|[0-9]? ?楼 ?[0-9]{{1,2}} ?门 ?[0-9]{{1,4}}(?:号(?![楼线])|(?![0-9]|{_COUNTED}))"
    rf"|[0-9]? ?(?:门|[楼层]|f-?) ?{_ROOM}"
    r"|[0-9]?f-[0-9]{2}(?![0-9a-z-])"
    r"|[0-9]? ?排 ?[0-9]{1,2} ?[户号](?![楼院线座位])"
    r"|[0-9]{0,2}-[0-9]{1,2}-[0-9]{3,4}(?![0-9a-z])"
    rf"|(?<![.路街道巷弄][0-9])[0-9]?-{_ROOM}(?!-)"
    r"|[0-9]?/[0-9]{1,2}/(?!(?:19|20)[0-9]{2})[1-9][0-9]?(?:0[1-9]|[12][0-9])(?![0-9/])"
    r"|(?<=(?:小区|花园|公寓|家园|新村|社区)[0-9])[0-9]{0,2}(?:-[0-9]{3,4}|(?:-[0-9]{1,4}){2,3})(?![0-9a-z元块人-])"
    r"|(?<!0)(?<![./-][0-9])(?<![0-9]:[0-9])(?P<room>[0-9]?(?:0[1-9]|[12][0-9])(?![0-9]))"
    r")"
)
_NUMBER_OF_A_ROOM = precompiled.pattern(
    r"(?:(?:房间?|室)号[是为: ]{0,3}([0-9]{1,4}(?:-[0-9]{1,4}){0,3})(?![0-9]|号?[楼栋线])"
    rf"|(?:房间|[,;、\s]室)[是为: ]{{0,2}}([0-9]{{3,4}})(?![0-9]|号?[楼栋线]|{_COUNTED}))"
)
_HAN_ALONE = precompiled.pattern(f"(?:{_HAN}{{2,4}}|[壹贰叁肆伍陆柒捌玖零]{{3,4}})(?:室|号房)")
_LETTERED_ROOM = precompiled.pattern(r"[a-z](?<![a-z0-9][a-z])-?[0-9]{3,4} ?(?:室|号房)")
_ON_A_FLOOR_BY_SIDE = precompiled.pattern(
    "[楼层](?<=[0-9一二三四五六七八九十顶][楼层])[,的 ]{0,2}"
    "(?:[东西中南北]{1,2}户|(?:[东西南北左右][边侧面]?|中间?|靠[东西南北])的?那一?户)(?![型外口内])"
)
_BEHIND_A_HOUSE = precompiled.pattern(
    rf"号(?<=[0-9甲乙丙丁]号|{_HAN}号)(?:附 ?[0-9]{{1,2}}(?![0-9])号?|之(?:[0-9]{{1,2}}(?![0-9])|{_HAN}{{1,2}}))"
    "(?:[前后左右]座)?(?:阁楼)?(?!号?(?:门[面市]|商?铺|店|摊|仓|车))"
)
"""One of the doors that share the number of a house: 12号附3, 12号之二."""

_BEHIND_A_GATE = precompiled.pattern(
    rf"门(?:(?<=[0-9一二三四五六七八九十][楼栋][一二三四五六七八九]门)洞?|(?<=[0-9一二三四五六七八九东西南北中]门)洞"
    r"|(?<=[甲乙丙丁戊]门)洞?) ?"
    rf"({_ROOM}|{_HAN_ROOM}(?!{_HAN}))"
)
_IN_A_GROUP = precompiled.pattern(
    r"[组社队排层楼](?<=[0-9一二三四五六七八九十沟湾坡寨屯庄坪底].)(?:(?<![层楼])|(?<=底[层楼]))"
    r"第?([0-9]{1,4}号(?:附[0-9]{1,2}号?)?)(?![0-9线楼院杆井灯桥路机泵车塔型门台区专地田])"
)
_WHOLE_ADDRESS = precompiled.pattern("(?:[镇乡场屯]|大院)[^,。;!?\n]{1,12}$")
"""A household by its number in a group of a village or a row of a farm, behind the town: 石桥镇向阳村六组38号.

The group stays, it is the place; without the town (阳光村3组25号) so does the number.
"""

_NEAR_TOWN = 14
"""Characters of a village and its group at most."""

_ROOM_OF_A_YARD = precompiled.pattern(
    rf"号(?<=[0-9]号)(?:[前后]?院(?:[里内的]|子)?)?([东西南北][屋房厢](?![子顶檐价产])|第{_HAN}间(?![公商]))"
)
_IN_A_ROW = precompiled.pattern(f"排(?<={_HAN}排){_HAN}{{1,3}}[户号](?![楼院线座位])")
_HAN_REACHED = precompiled.pattern(rf"到(?<=[水漏渗流淹]到)({_HAN_ROOM})(?!{_HAN}|{_COUNTED})")
_IN_A_STREET = precompiled.pattern(
    r"号(?<=[0-9]号)(?<!月[0-9]号)(?<!月[0-9][0-9]号)"
    rf"(?: ?[甲乙丙丁] ?({_ROOM})| ?\(?([0-9]{{1,2}}-[0-9]{{1,2}}(?:-[0-9]{{1,4}})?)(?![0-9-]|{_COUNTED}| ?[户天])"
    rf"| ?[0-9]{{1,2}} ?[层楼] ?({_ROOM})"
    rf"| ?({_ROOM}(?:-[0-9]{{1,2}}(?![0-9-]))?)(?=[的住家]|出租|租|[^\u4e00-\u9fff-]|$))"
)
"""The number of the house stays: it is the place."""

_IN_A_LETTERED_HOUSE = precompiled.pattern(rf"-(?<=[a-z0-9]-){_ROOM}(?!-)")
_LETTERED_HOUSE = precompiled.pattern(r"(?<![a-z0-9])(?<![编型货]号)(?<![编型货]号:)[0-9]{0,2}[a-z][0-9]{0,2}$")

_LONGEST_LETTERED_HOUSE = 6

_NO_ROOM = precompiled.pattern("1(?:10|19|20|22)|20[0-2][0-9]")
"""Emergency numbers and years."""

_BEFORE_A_DOOR = precompiled.pattern(
    "(?:(?:楼[上下]|隔壁|对门)(?:,?就)?|门(?=[是为:])|第[一二三四]家|[我他她]家|家住|住在?"
    "|房号|房间|门牌号?|[水漏渗流淹][到至])[的是为: ]{0,2}$"
)
_ENDS_BEFORE_A_DOOR = frozenset("间牌上下壁门家就住号到至在的是为: ")
_LONGEST_BEFORE = 5
_NEXT = precompiled.pattern(rf" ?(?:[/、,和与及跟到至~-]|还有) ?({_ROOM})(?:[室房户])?(?!-|号?[楼线])")
"""The next of a list of doors."""

_BED = precompiled.pattern(
    r"床位?号?(?<=号)[:是为 ]{0,2}([0-9]{1,3}(?![0-9]))"
    r"|[0-9](?<![有共加设约达至到第0-9.-][0-9])[0-9]{0,2}号?病?床(?![位垫单罩头板品上被铺榻])"
)
_CARE = precompiled.pattern("住院|病房|病区|科|医院|护[士工理]|患者|病人|养老|敬老")
_NEAR_CARE = 20

_OF_A_DOOR = precompiled.pattern(
    "房(?![价屋补款产型租贷改东源子地管])|漏水|漏到|渗水|渗到|噪音"
    "|(?:正?在|天天|每天|半夜|夜里|一直|总是?|又在)?(?:装修(?!公司|队|材料|店|城|市场|垃圾)|砸墙|打麻将|弹琴|唱歌|跳绳|养[狗鸡](?!场)|敲墙|打洞)"
    "|的?(?:业主|住户|租户|租客|房客|邻居|户主|房东|老人|老太|大爷|大妈|小孩|狗)"
)


_PLACED = rf"(?:{_HAN}{{1,4}}|[0-9]{{1,4}}|[a-z][0-9]?|[甲乙丙丁])"
_SIDES = "[东西中南北]{1,2}"
_TOWER = (
    rf"(?:{_PLACED} ?(?:号?塔?楼|#楼?|[栋幢]楼?|座(?<![一两]座)(?![城谈位机])|[排组队社])"
    rf"|{_SIDES}(?:塔楼?|楼|座|单元楼))"
)
_STAIRCASE = rf"(?:{_PLACED}|{_SIDES}) ?(?:单元|梯|门洞|号门)"
_FLOOR = rf"(?:(?:负|地下)?{_PLACED} ?[层楼]|[顶底][层楼])"
_LAST = (
    rf"(?:第{_PLACED}户(?![型外内口])"
    rf"|第?{_PLACED} ?(?:室(?![外内])|号?房(?![价屋补款产型租贷改东源子地管])|号(?:铺位?|车[库位]))"
    rf"|(?:{_SIDES}|[a-h])户(?![型外])"
    rf"|门牌号?[0-9]{{1,4}}(?![0-9])|[左右]手(?:[边侧]|(?=[,。;!的]|$))"
    rf"|[a-z]?-?[0-9]{{2,4}}[a-z]?(?:-[0-9]{{1,3}})?(?![0-9a-z-]|{_COUNTED}| ?户)"
    rf"|[0-9]{{1,2}} ?[a-h](?![0-9a-z])|[a-h](?=室)"
    rf"|[〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]{{3,4}}(?!{_HAN}|{_COUNTED}))"
)
_BY_ITS_SIDE = "[东西南北左右中][边侧面头手]的?那?一?[户家](?![型门])"
_RUN = precompiled.pattern(
    rf"(?<![0-9a-z])(?<!{_HAN})(?!{_FLOOR}{_BY_ITS_SIDE})(?:(?:{_TOWER}[ -]?(?:{_STAIRCASE}[ -]?)?(?:{_FLOOR}[ -]?)?"
    rf"|{_STAIRCASE}[ -]?(?:{_FLOOR}[ -]?)?)(?:{_LAST}|{_BY_ITS_SIDE})|{_FLOOR}[ -]?{_LAST})"
)
"""A household by two or more of its steps, from the house to the door, in figures, characters or letters."""

_STEPS = tuple("楼层栋幢座元梯门排组队社塔#")


def doors(text: str) -> Iterator[Span]:
    """Yield the doors in a folded text, and those that a list goes on with."""
    walked: set[int] = set()
    for start, end in _first_doors(text):
        yield start, end
        while end not in walked and (further := _NEXT.match(text, end)):
            walked.add(end)
            yield further.span(1)
            end = further.end()


def _first_doors(text: str) -> Iterator[Span]:
    """Yield the doors with their building, and alone where the sentence tells of a home."""
    yield from [match.span() for match in _ALONE.finditer(text) if not match["room"] or _is_told_of(text, match)]
    if any(step in text for step in _STEPS):
        yield from [match.span() for match in _RUN.finditer(text)]
    if "房号" in text or "房间" in text or "室" in text:
        yield from [match.span(match.lastindex or 0) for match in _NUMBER_OF_A_ROOM.finditer(text)]
    if "到" in text:
        yield from [match.span(1) for match in _HAN_REACHED.finditer(text)]
    if "室" in text or "号房" in text:
        yield from [match.span() for match in _HAN_ALONE.finditer(text)]
        yield from [match.span() for match in _LETTERED_ROOM.finditer(text)]
    if "床" in text:
        yield from _beds(text)
    if "号" in text:
        for group in _IN_A_GROUP.finditer(text):
            if _WHOLE_ADDRESS.search(text, max(0, group.start() - _NEAR_TOWN), group.start()):
                yield group.span(1)
    if "号" in text:
        yield from [match.span(1) for match in _ROOM_OF_A_YARD.finditer(text)]
    if "排" in text:
        yield from [match.span() for match in _IN_A_ROW.finditer(text)]
    if "号楼" in text or "单元" in text or "栋" in text or "幢" in text or "座" in text or "#" in text:
        yield from _behind(_BUILDING, _NAME_OF_A_BUILDING, _IN_A_BUILDING, text)
    if "舍" in text or "公寓" in text or "住宅" in text:
        yield from [match.span(1) for match in _IN_A_HALL.finditer(text)]
    if "楼" in text or "层" in text:
        yield from [match.span() for match in _ON_A_FLOOR_BY_SIDE.finditer(text)]
    if "门" in text:
        yield from [match.span(1) for match in _BEHIND_A_GATE.finditer(text)]
    if "楼" in text:
        yield from ((match.start() - 1, match.end()) for match in _IN_A_LETTERED_BUILDING.finditer(text))
    if "附" in text or "之" in text:
        yield from ((match.start() + 1, match.end()) for match in _BEHIND_A_HOUSE.finditer(text))
    if "号" in text:
        yield from [match.span(match.lastindex or 0) for match in _IN_A_STREET.finditer(text)]
    if "-" in text:
        yield from _behind(_LETTERED_HOUSE, _LONGEST_LETTERED_HOUSE, _IN_A_LETTERED_HOUSE, text)


def _beds(text: str) -> Iterator[Span]:
    """Yield whose bed it is, where people are cared for: 骨科23床."""
    for bed in _BED.finditer(text):
        if _CARE.search(text, max(0, bed.start() - _NEAR_CARE), min(len(text), bed.end() + _NEAR_CARE)):
            yield bed.span(bed.lastindex or 0)


def _behind(house: re.Pattern[str], longest: int, door: re.Pattern[str], text: str) -> Iterator[Span]:
    """Yield each door together with the house that ends right before it; both begin in the middle to be found fast."""
    for match in door.finditer(text):
        named = house.search(text, max(0, match.start() - longest), match.start())
        if named:
            yield named.start(), match.end()


def _is_told_of(text: str, room: re.Match[str]) -> bool:
    """Say whether the words around these digits are about a home."""
    start, end = room.span()
    if _OF_A_DOOR.match(text, end) is None:
        if text[start - 1 : start] not in _ENDS_BEFORE_A_DOOR or _COUNTS.match(text, end):
            return False
        if _BEFORE_A_DOOR.search(text, max(0, start - _LONGEST_BEFORE), start) is None:
            return False
    return _NO_ROOM.fullmatch(room[0]) is None


# Doors of homes (门牌) in a folded text that are known by who lives there, or by the words that tell of a home.
#
# A house in a village has a number and no more, so it is a door where a home is told of (家住, 住址：), and the
# place of the matter elsewhere.

_HOMES_ROOM = r"(?!1(?:10|19|20|22)(?![0-9])|20[0-2][0-9](?![0-9]))[1-9][0-9]?(?:0[1-9]|[12][0-9])(?![0-9])"
_ANY = rf"(?:[0-9]{{1,2}}(?:-[0-9]{{1,4}}){{1,3}}|{_HOMES_ROOM})"
_HOMES_HAN_ROOM = "[一二三四五六七八九十]{1,2}[〇零][一二三四五六七八九]"
_BEFORE_A_NAME = precompiled.pattern(
    rf"((?<![0-9./年-])(?<![0-9]:)(?<!公交)(?<!航班){_ANY}|{_HOMES_HAN_ROOM})"
    r"(?:室|号?房|户|家)?(?:的|那[个家户位]|住的|业主|住户|邻居|[\s-])?$"
)
_BEHIND_A_NAME = precompiled.pattern(rf"[\s,、(]{{1,2}}({_ANY})(?=[\s,、)。;]|$)")
_ENDS_BEFORE_A_NAME = frozenset("0123456789一二三四五六七八九室房户家的个位住主居- ")
_NEAR = 16

_FAR = 40
_IN_THREE_NUMBERS = precompiled.pattern(r"[0-9](?<![0-9-][0-9])[0-9]{0,2}(?:-[0-9]{1,2}){2,3}(?![0-9-])")

_HOMES_BEHIND_A_HOUSE = precompiled.pattern(r"号(?<=[0-9]号) ?([1-9][0-9]{2,3})(?=[,。;!\s]|$)")
"""231甲3号451: a flat of a house, by its staircase, floor and door."""

_IN_A_YARD = precompiled.pattern(
    "院(?:子|儿|里|内|的){0,2}([东西南北](?:厢房?|屋|房|边?第?[0-9一二三四五六七八九]间)(?![子顶檐价产]))"
    "|房(?<=[平瓦]房)((?:[东西南北][头边]?)?(?:数|起|往){0,2}第?[0-9一二三四五六七八九十]{1,2}间)"
)
"""A room of a yard: 院子东厢, 平房第三间."""

_WHO = precompiled.pattern(rf"是(?<=[我们里边俺]是) ?({_ANY})(?=的?(?:[,。;!\s]|$)|业主|住户|租户)")
_IN_BRACKETS = precompiled.pattern(rf"\((?<=[户家居主上下壁门]\()({_ANY})[室户]?\)")
_HOUSEHOLD_AT_AN_END = precompiled.pattern(r"头第(?<=[东西南北]头第)([0-9一二三四五六七八九十]{1,3}户(?![外型口内]))")
_HOMES_IN_A_STREET = precompiled.pattern(r"[0-9](?<=[街路里区巷][0-9])[0-9]{0,2}-[0-9]{1,2}-[0-9]{1,2}号(?![楼线])")
_ON_A_FLOOR = precompiled.pattern(
    r"[楼层](?<=[0-9][楼层])(?:(?<=[上下壁门家住在][0-9][楼层])|(?<=[上下壁门家住在][0-9]{2}[楼层]))"
    r" ?([0-9]{1,2}号)(?![楼线窗机电柜台桌院])"
)
_OWNED = precompiled.pattern(
    r"[0-9](?<![0-9-][0-9])[0-9]{0,2}(?:-[0-9]{1,3}){2}(?=室?的?(?:户主|业主(?!大会|委|群)|住户|租户|租客|邻居))"
)
_BY_A_WORD = (_WHO, _IN_BRACKETS, _HOUSEHOLD_AT_AN_END, _ON_A_FLOOR)
_WITH_HYPHENS = (_HOMES_IN_A_STREET, _OWNED)
_ENGLISH = ("room", "rm", "suite", "unit", "flat", "apt", "apartment")
_IN_ENGLISH = precompiled.pattern(
    r"(?:room|rm|suite|unit)[. #:]{0,3}(?:no\.? ?)?([0-9]{1,2}[a-z]|[0-9]{3,4}[a-z]?|[0-9]{1,2}-[0-9]{2,4})(?![0-9a-z])"
    r"|(?:flat|apt|apartment)[. #:]{0,3}(?:no\.? ?)?([0-9]{1,4}[a-z]?)(?![0-9a-z])"
)


class Homes(NamedTuple):
    """What tells of a home; made of `[homes]` in `rules/names.toml`."""

    told_of: re.Pattern[str]
    told_behind: re.Pattern[str]
    house: re.Pattern[str]
    household: re.Pattern[str]


@part("names.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Homes:
    """Return what tells of a home by the city's own file, or ours."""
    found = rules.toml("names")["homes"]
    told_of, told_behind = (trie(found[name].split()) for name in ("told_of", "told_behind"))
    village = trie(found["villages"])
    number = r"[0-9]{1,4}(?:-[0-9]{1,3})?(?:附[0-9]{1,2})?[号户]"
    return Homes(
        told_of=precompiled.pattern(rf"(?:{told_of}|(?<![发题映店司生])地址)[^。;!?\n]*$"),
        told_behind=precompiled.pattern(rf"[^。;!?\n]{{0,12}}{told_behind}"),
        house=precompiled.pattern(rf"{village}[第的]?({number})(?![线楼院杆井灯桥路])"),
        household=precompiled.pattern(rf"第(?<={village}第)([0-9]{{1,3}}户)"),
    )


def homes(text: str, rules: Rules = DEFAULT_RULES) -> Iterator[Span]:
    """Yield the doors that the words around them tell of."""
    known = rulebook(rules)
    for pattern in (known.household, *_BY_A_WORD, *(_WITH_HYPHENS if "-" in text else ())):
        yield from [match.span(match.lastindex or 0) for match in pattern.finditer(text)]
    yield from _told_of(text, known)
    if ("m" in text or "t" in text) and any(word in text for word in _ENGLISH):
        for door in _IN_ENGLISH.finditer(text):
            if not text[door.start() - 1 : door.start()].isalpha():
                yield door.span(door.lastindex or 0)


def _told_of(text: str, known: Homes) -> Iterator[Span]:
    """Yield the houses behind a word for a home, in its sentence."""
    for pattern in (known.house, _HOMES_BEHIND_A_HOUSE, _IN_A_YARD, *((_IN_THREE_NUMBERS,) if "-" in text else ())):
        for house in pattern.finditer(text):
            told = known.told_of.search(text, max(0, house.start() - _FAR), house.start() + 1)
            if told or (pattern is known.house and known.told_behind.match(text, house.end())):
                yield house.span(house.lastindex or 0)


def beside(text: str, named: Iterable[Span]) -> Iterator[Span]:
    """Yield the doors of those who are named: 502的张阿姨, 王喆 3-502."""
    for start, end in named:
        if text[start] < "\u4e00":
            continue
        if text[start - 1 : start] in _ENDS_BEFORE_A_NAME and (
            before := _BEFORE_A_NAME.search(text, max(0, start - _NEAR), start)
        ):
            yield before.span(1)
        if behind := _BEHIND_A_NAME.match(text, end):
            yield behind.span(1)
