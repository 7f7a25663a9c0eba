"""Codes that other systems send: fields that stay in clear hold a code or a known word, never somebody's name."""

import re
from functools import lru_cache

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,63}")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_HOTLINE = re.compile(r"[0-9]{3,6}")
_MEDIA_TYPE = re.compile(
    r"(?:application|audio|chemical|example|font|image|message|model|multipart|text|video)/[A-Za-z0-9!#$&^_.+*-]{1,100}"
    r"(?:; ?charset=[A-Za-z0-9_.:-]{1,40})?"
)

_REACHES_A_PERSON = re.compile(r"(?<![0-9])(?:1[3-9][0-9]{9}|[1-9][0-9]{16}[0-9Xx]|[1-9][0-9]{14})(?![0-9])")
"""A mobile number, or an id number of 18 or 15 digits."""

_FIELDS = (
    "城乡|城市|城镇|市政|市容|环卫|环境|环保|保护|生态|卫生|污染|噪音|噪声|扬尘|油烟|污水|垃圾|分类|建设|建筑|施工|工程|工地|房产|房地产"
    "|房屋|住房|住建|住宅|物业|小区|公积金|保障|保险|社会|社保|社区|街道|拆迁|征地|征收|土地|国土|自然|资源|规划|道路|公路|桥梁"
    "|交通|运输|公交|地铁|出租车|网约车|停车|车辆|交警|铁路|航空|港口|物流|快递|邮政|供水|供热|供暖|供气|供电|水务|水利|电力"
    "|燃气|能源|热力|给排水|排水|通信|通讯|电信|网络|互联网|信息|科技|科学|技术|工业|信息化|商贸|商务|商业|旅游|市场|监管|监督"
    "|消费|消费者|维权|物价|价格|质量|食品|药品|餐饮|安全|生产|应急|消防|公安|治安|户籍|户政|司法|法律|行政|执法|审批|政务|服务"
    "|效能|作风|纪检|监察|民政|养老|救助|殡葬|残疾人|妇女|儿童|未成年人|退役|军人|军队|武装|劳动|人事|人力|人才|就业|工资|欠薪"
    "|教育|文化|文体|体育|文物|新闻|出版|广电|广播|电视|学校|培训|招生|医疗|医保|医药|计生|卫健|健康|疫情|防控|计划|生育|农业"
    "|农村|农林|林业|渔业|牧业|畜牧|园林|绿化|乡村|振兴|扶贫|财政|税务|税收|金融|银行|证券|经济|发展|改革|审计|统计|宗教|民族"
    "|侨务|外事|气象|地震|公共|公用|事业|设施|管理|综合|其他|其它|问题|投诉|举报|咨询|求助|建议|意见|表扬|违法|违章|违建|占道"
    "|经营|路灯|井盖|路面|积水|照明|广告|招牌|犬只|动物|宠物|电梯|漏水|路政|组织|党建|党务|企业|民生|权益|突发|事件"
)
_CATEGORY = re.compile(rf"(?:{_FIELDS}|[和与及、/·-]|类)+")


_REMEMBERED = 1_024
"""Answers: a system sends the same few accounts, kinds and categories with every record."""


@lru_cache(_REMEMBERED)
def is_code(text: str) -> bool:
    """Say whether `text` is written as a code or an account, and holds no number that reaches a person."""
    return _CODE.fullmatch(text) is not None and _REACHES_A_PERSON.search(text) is None


@lru_cache(_REMEMBERED)
def is_kind(text: str) -> bool:
    """Say whether `text` is written as the kinds of channels are: `letter`, `wechat_mp`."""
    return _KIND.fullmatch(text) is not None and _REACHES_A_PERSON.search(text) is None


def is_hotline(text: str) -> bool:
    """Say whether `text` is a short number such as 12301 or 968111."""
    return _HOTLINE.fullmatch(text) is not None


@lru_cache(_REMEMBERED)
def is_category(text: str) -> bool:
    """Say whether `text` is a code, or made of nothing but words for fields of public service."""
    return is_code(text) or (len(text) <= 64 and _CATEGORY.fullmatch(text) is not None)


@lru_cache(_REMEMBERED)
def is_media_type(text: str) -> bool:
    """Say whether `text` is an IANA media type, with a charset at most, and holds no number that reaches a person."""
    return _MEDIA_TYPE.fullmatch(text) is not None and _REACHES_A_PERSON.search(text) is None
