"""Questions that analysts type, each with the tickets that answer it. Written before the synonyms."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.search.corpus import Made
from normalizers.text.fold import fold

Judge = Callable[[Made], bool]


class Question(NamedTuple):
    """What is typed, and which tickets answer it."""

    group: str
    text: str
    answers: Judge


def about(
    *matters: str, named: str = "", estate: str | None = None, road: str | None = None, door: int | None = None
) -> Judge:
    """Return what holds for tickets about one of these matters (none: any), at this place.

    A ticket that names the thing by this very word (`named`) answers, too, whatever else it is about.
    """

    def answers(made: Made) -> bool:
        return (
            (not matters or made.matter in matters or bool(named and named in made.ticket.search_text))
            and estate in (None, made.estate)
            and road in (None, made.road)
            and door in (None, made.number)
        )

    return answers


NOISE = ("noise_site", "noise_square")

TOPIC_AT_ESTATE = (
    ("阳光花园 暖气", "heating", "阳光花园"), ("阳光花园 供暖", "heating", "阳光花园"),
    ("金色家园 供热", "heating", "金色家园"), ("万科城 暖气不热", "heating", "万科城"),
    ("碧桂园 电梯", "lift", "碧桂园"), ("龙湖小区 电梯", "lift", "龙湖小区"),
    ("和平里 停水", "water_cut", "和平里"), ("滨河新城 断水", "water_cut", "滨河新城"),
    ("御景台 停电", "power_cut", "御景台"), ("华府天地 断电", "power_cut", "华府天地"),
    ("铁路宿舍 路灯", "street_lamp", "铁路宿舍"), ("新华家属院 井盖", "manhole", "新华家属院"),
    ("东湖名邸 积水", "flood", "东湖名邸"), ("学府花园 垃圾", "garbage", "学府花园"),
    ("盛京雅居 违建", "illegal_build", "盛京雅居"), ("丁香湖畔 物业", "property", "丁香湖畔"),
    ("和平里 漏水", "leak", "和平里"), ("万科城 渗水", "leak", "万科城"),
    ("碧桂园 油烟", "smoke", "碧桂园"), ("阳光花园 燃气", "gas", "阳光花园"),
    ("金色家园 煤气", "gas", "金色家园"), ("龙湖小区 天然气", "gas", "龙湖小区"),
    ("滨河新城 下水道", "sewer", "滨河新城"), ("御景台 拆迁", "demolition", "御景台"),
    ("华府天地 动迁", "demolition", "华府天地"), ("铁路宿舍 宽带", "network", "铁路宿舍"),
    ("学府花园 红绿灯", "traffic_light", "学府花园"), ("盛京雅居 信号灯", "traffic_light", "盛京雅居"),
    ("丁香湖畔 公厕", "toilet", "丁香湖畔"), ("东湖名邸 房产证", "house_cert", "东湖名邸"),
    ("新华家属院 遛狗", "dog", "新华家属院"), ("和平里 幼儿园", "kindergarten", "和平里"),
    ("阳光花园 工资", "wage", "阳光花园"), ("金色家园 欠薪", "wage", "金色家园"),
    ("碧桂园 公交", "bus_wait bus_driver", "碧桂园"), ("万科城 公共汽车", "bus_wait bus_driver", "万科城"),
    ("龙湖小区 出租车", "taxi", "龙湖小区"), ("滨河新城 违停", "parking", "滨河新城"),
    ("御景台 退款", "refund", "御景台"), ("华府天地 诈骗", "fraud", "华府天地"),
    ("盛京雅居 医保", "medical", "盛京雅居"), ("丁香湖畔 养老金", "pension", "丁香湖畔"),
    ("铁路宿舍 户口", "hukou", "铁路宿舍"), ("学府花园 噪音", "noise_site noise_square", "学府花园"),
    ("东湖名邸 噪声", "noise_site noise_square", "东湖名邸"),
)  # fmt: skip

TOPIC = (
    ("暖气", "heating"), ("供暖", "heating"), ("供热", "heating"), ("噪音", "noise_site noise_square"),
    ("噪声", "noise_site noise_square"), ("公交车", "bus_wait bus_driver"), ("巴士", "bus_wait bus_driver"),
    ("出租车 拒载", "taxi"), ("的士", "taxi"), ("公积金", "fund fund_loan"), ("公积金贷款", "fund_loan"),
    ("农民工 工资", "wage"), ("井盖", "manhole"), ("窨井盖", "manhole"), ("路灯", "street_lamp"),
    ("身份证", "id_card"), ("共享单车", "bike"), ("幼儿园", "kindergarten"), ("医疗保险", "medical"),
    ("社保", "pension"), ("断网", "network"), ("公共厕所", "toilet"), ("油烟", "smoke"), ("天然气", "gas"),
    ("路面积水", "flood"), ("垃圾", "garbage burn"),
)  # fmt: skip

SENTENCES = (
    ("公积金怎么提取", "fund"), ("怎么提取公积金", "fund"), ("我想问一下住房公积金怎么取出来", "fund"),
    ("公积金贷款要多久才能批下来", "fund_loan"), ("家里暖气一直不热怎么办", "heating"),
    ("半夜工地还在施工吵得睡不着", "noise_site"), ("广场舞噪音太大影响孩子学习", "noise_square"),
    ("公交车司机态度不好骂人", "bus_driver"), ("等公交车等了很久都不来", "bus_wait"),
    ("电梯坏了物业一直不修", "lift"), ("小区停水好几天没有通知", "water_cut"),
    ("路灯坏了没有人修", "street_lamp"), ("楼上漏水把天花板泡了", "leak"),
    ("老板拖欠工资联系不上", "wage"), ("停车场乱收费没有人管", "parking_fee"),
    ("买房好几年房产证办不下来", "house_cert"), ("流浪狗咬伤了人", "dog"), ("烧烤店油烟太大不敢开窗", "smoke"),
    ("超市卖过期的食品", "food"), ("健身房跑路会员卡不能用", "refund"), ("身份证丢了在哪里补办", "id_card"),
    ("医保断缴以后怎么补缴", "medical"), ("小学入学报名需要什么条件", "school"), ("网上刷单被骗了钱怎么办", "fraud"),
)  # fmt: skip

SOUNDS = (
    ("付家庄", None, "傅家庄"), ("傅家庄", None, "傅家庄"), ("宜景苑", None, "怡景苑"), ("怡景苑", None, "怡景苑"),
    ("翠胡新村", None, "翠湖新村"), ("桃园居", None, "桃源居"), ("锦秀江南", None, "锦绣江南"),
    ("付家庄 电梯", "lift", "傅家庄"), ("宜景苑 停水", "water_cut", "怡景苑"), ("桃园居 暖气", "heating", "桃源居"),
    ("锦秀江南 路灯", "street_lamp", "锦绣江南"), ("fujiazhuang", None, "傅家庄"),
    ("gongjiao", "bus_wait bus_driver", None), ("nuanqi", "heating", None), ("jinggai", "manhole", None),
    ("yangguanghuayuan dianti", "lift", "阳光花园"), ("gongjijin", "fund fund_loan", None),
)  # fmt: skip

WRITTEN = (
    ("萬科城 電梯", "lift", "万科城", None), ("陽光花園 暖氣", "heating", "阳光花园", None),
    ("噪音擾民", "noise_site noise_square", None, None), ("人民路", None, None, "人民路"),
    ("中山路 路灯", "street_lamp", None, "中山路"), ("建设大街 井盖", "manhole", None, "建设大街"),
    ("文化路 积水", "flood", None, "文化路"), ("青年大街 公交", "bus_wait bus_driver", None, "青年大街"),
    ("长春路 红绿灯", "traffic_light", None, "长春路"), ("解放北路 违停", "parking", None, "解放北路"),
    ("兴工街 垃圾", "garbage", None, "兴工街"), ("重工街 噪音", "noise_site noise_square", None, "重工街"),
)  # fmt: skip

DOORS = (("人民路12号", "人民路", 12), ("人民路１２号", "人民路", 12), ("中山路8号", "中山路", 8),
         ("建设大街101号", "建设大街", 101), ("文化路1号", "文化路", 1), ("长江街16号", "长江街", 16))  # fmt: skip


def _names(matters: str | None) -> tuple[str, ...]:
    return tuple((matters or "").split())


def _last(text: str) -> str:
    return fold(text.split()[-1])


def questions() -> Iterator[Question]:
    """Yield every question."""
    for text, matters, estate in TOPIC_AT_ESTATE:
        yield Question("topic and estate", text, about(*_names(matters), named=_last(text), estate=estate))
    for text, matters in TOPIC:
        yield Question("topic", text, about(*_names(matters), named=_last(text)))
    for text, matters in SENTENCES:
        yield Question("sentence", text, about(*_names(matters)))
    for text, some, at in SOUNDS:
        yield Question("sound", text, about(*_names(some), estate=at))
    for text, some, at, road in WRITTEN:
        yield Question("written otherwise", text, about(*_names(some), named=_last(text), estate=at, road=road))
    for text, road, door in DOORS:
        yield Question("road and number", text, about(road=road, door=door))
    yield Question("operator", "井盖 或 路灯", about("manhole", "street_lamp"))
    yield Question("operator", "停水|停电 阳光花园", about("water_cut", "power_cut", estate="阳光花园"))
    yield Question("operator", '"广场舞" -孩子', about("noise_square"))
    yield Question("operator", "公积金 -贷款", about("fund"))
    yield Question("operator", "出租车 | 地铁", about("taxi", "metro"))
    yield Question("operator", "碧桂园 -电梯 漏水", about("leak", estate="碧桂园"))
