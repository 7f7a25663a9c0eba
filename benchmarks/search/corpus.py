"""Made-up tickets: each has a matter and a place, so which ones answer a question is known and not guessed.

The texts are ours. A matter is written in the ways in which citizens write it; nothing here knows the synonyms.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from normalizers.text.fold import fold
from schemas import ids
from schemas.records import Ticket
from schemas.records.ticket import Location

AT = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
CITY = "210100"

MATTERS: dict[str, tuple[str, ...]] = {
    "heating": (
        "家里暖气不热，室内只有十五度",
        "供暖温度不达标，老人孩子都冻感冒了",
        "暖气片冰凉，热力公司一直没人来",
        "供热开始一周了屋里还是冷",
        "地暖不热，交了采暖费没有效果",
    ),
    "noise_site": (
        "工地夜间施工噪音太大，无法休息",
        "半夜还在施工，噪声扰民严重",
        "建筑工地凌晨打桩，声音很吵睡不着觉",
        "夜里十一点以后工地机器轰鸣，影响居民休息",
    ),
    "noise_square": (
        "广场舞音响声音太大，噪音扰民",
        "每天晚上跳广场舞，噪声很大",
        "跳舞的大妈音响开得震天响，孩子没法写作业",
    ),
    "bus_wait": (
        "公交车等了四十分钟才来",
        "公共汽车间隔太长，上班总迟到",
        "公交班次太少，早高峰挤不上去",
        "等巴士等了半个多小时一辆没有",
    ),
    "bus_driver": ("公交司机态度恶劣，骂乘客", "公交车驾驶员甩站不停车", "公交车司机开车打电话，很危险"),
    "taxi": ("出租车拒载，问了几个都不去", "打车司机绕路多收钱", "出租车司机不打表，要求一口价", "的士拒绝载客"),
    "metro": ("地铁站扶梯坏了很久没有修", "地铁口的电动扶梯停运", "轨道交通站内没有无障碍电梯"),
    "lift": (
        "电梯经常困人，物业不管",
        "电梯故障停用一周了，老人下不了楼",
        "电梯坏了没人修，高层住户爬楼梯",
        "升降梯运行时有异响，不敢坐",
    ),
    "water_cut": (
        "家里停水两天了没有通知",
        "自来水断水，什么时候能恢复",
        "没有水用，楼上几户都停了",
        "突然断水，物业说不知道原因",
    ),
    "water_dirty": ("自来水发黄有异味", "水龙头流出来的水浑浊", "自来水有股铁锈味，不敢喝", "自来水水质差，都是泥沙"),
    "power_cut": (
        "小区停电一晚上",
        "家里断电，供电局电话打不通",
        "频繁跳闸停电，冰箱里的东西都坏了",
        "没电了，整栋楼都黑着",
    ),
    "gas": ("闻到天然气味道，担心漏气", "燃气灶打不着火，煤气没气了", "天然气表坏了无法充值", "煤气管道老化，要求更换"),
    "street_lamp": (
        "路灯不亮，晚上走路看不见",
        "路灯坏了一个多月没有修",
        "照明灯全灭了，一片漆黑",
        "路灯白天亮着晚上不亮",
    ),
    "manhole": ("井盖丢失，差点掉下去", "窨井盖破损，车辆经过很响", "下水井盖塌陷，非常危险", "井盖松动没有人管"),
    "flood": (
        "下雨就积水，车都过不去",
        "路面积水严重，行人无法通过",
        "一下大雨就内涝，水漫进楼道",
        "排水不畅，雨水倒灌",
    ),
    "sewer": ("下水道堵塞，污水外溢", "化粪池满了，粪水流到路上", "下水管堵了返味严重", "排污管道破裂，臭气熏天"),
    "garbage": (
        "垃圾堆放很久没有清运",
        "垃圾桶满了没人收，臭气难闻",
        "生活垃圾乱扔，蚊蝇很多",
        "废弃物堆成山，环卫不来清理",
    ),
    "road": ("路面坑洼不平，电动车摔倒", "马路上有个大坑，没有警示", "道路破损严重，要求修复", "柏油路面开裂下陷"),
    "parking": (
        "小区门口车辆乱停，堵住消防通道",
        "违章停车占道，行人没路走",
        "停车位不够，车乱停乱放",
        "私家车违停没有交警管",
    ),
    "parking_fee": ("停车场乱收费，半小时收十元", "停车费涨价没有公示", "停车收费不给发票", "泊车费用太高不合理"),
    "illegal_build": (
        "邻居私搭乱建，影响采光",
        "楼顶违章建筑没有拆",
        "一楼住户违建占用公共绿地",
        "有人加盖房子，属于违法建设",
    ),
    "property": (
        "物业不作为，卫生没人打扫",
        "物业费涨价没有征求业主意见",
        "物业公司服务差，收费高",
        "物业管理混乱，保安不在岗",
    ),
    "fund": (
        "公积金提取需要什么材料",
        "住房公积金怎么取出来",
        "想提取公积金还房贷，办不下来",
        "咨询住房公积金支取的条件",
    ),
    "fund_loan": ("公积金贷款额度是多少", "公积金贷款审批太慢，两个月没有下来", "住房公积金贷款怎么申请"),
    "pension": ("退休金没有按时发放", "养老金计算有误，少发了", "养老保险断缴了怎么补", "咨询社保养老待遇"),
    "medical": ("医保卡刷不了，药店说没有余额", "医疗保险报销比例太低", "异地就医医保怎么报销", "医保断缴如何补缴"),
    "wage": (
        "工地拖欠农民工工资三个月",
        "老板欠薪跑路，联系不上",
        "公司不发工资，要求讨薪",
        "辞职以后薪水一直没有结清",
    ),
    "school": ("孩子上小学学区怎么划分", "咨询小学入学报名条件", "外地户口孩子如何入学", "学校划片不公平"),
    "class_fee": ("学校补课乱收费", "老师私下办补习班收钱", "校外培训机构倒闭不退费", "培训班关门，学费退不回来"),
    "kindergarten": ("幼儿园伙食差，孩子吃不饱", "幼儿园收费太高", "幼儿园老师体罚孩子", "托儿所没有资质"),
    "dog": ("邻居遛狗不牵绳，吓到孩子", "流浪狗成群，咬伤了人", "养犬扰民，半夜狗叫", "大型犬没有拴绳"),
    "smoke": ("烧烤店油烟扰民", "饭店排烟口正对居民窗户", "餐馆厨房油烟味很大，不敢开窗", "露天烧烤烟熏火燎"),
    "burn": ("有人焚烧秸秆，烟雾很大", "露天烧垃圾，空气呛人", "农民烧荒，满天黑烟"),
    "food": ("超市卖过期食品", "饭店吃完拉肚子，怀疑不卫生", "外卖里吃出虫子", "食堂饭菜变质，食物中毒"),
    "refund": (
        "网购商品质量差，商家不给退款",
        "商场拒绝退货",
        "美容院办的卡，店关门了钱退不回来",
        "健身房跑路，会员卡没法用",
    ),
    "fraud": ("接到诈骗电话，被骗两万元", "网上刷单被骗", "有人冒充客服骗钱", "老人买保健品上当受骗"),
    "house_cert": (
        "房产证办不下来，开发商拖了三年",
        "不动产登记需要什么手续",
        "买房五年没有房本",
        "产权证迟迟不给办理",
    ),
    "leak": ("楼上漏水，天花板都泡了", "屋顶渗水，顶楼住户没法住", "外墙渗漏，墙皮脱落", "卫生间漏水，楼上不配合"),
    "demolition": ("房屋征收补偿太低", "拆迁款一直没有发", "动迁安置房什么时候交付", "拆迁补偿标准不公开"),
    "network": (
        "宽带经常断网，客服推脱",
        "家里网络太慢，运营商不处理",
        "手机没有信号，打不了电话",
        "上网卡顿，宽带达不到承诺速度",
    ),
    "tree": ("行道树倒了压住电线", "树枝遮挡窗户，要求修剪", "树木枯死没有人处理", "大树被风刮断挡住路"),
    "traffic_light": (
        "红绿灯坏了，路口很乱",
        "信号灯时间太短，老人过不去",
        "路口没有红绿灯，事故多发",
        "交通信号灯不亮",
    ),
    "hukou": ("户口迁移需要什么材料", "新生儿上户口怎么办理", "户籍迁入手续太复杂", "落户政策咨询"),
    "id_card": ("身份证丢了怎么补办", "办理居民身份证要多久", "异地能不能换身份证"),
    "toilet": ("公共厕所没有人打扫，很脏", "公厕晚上锁门", "附近没有卫生间，很不方便"),
    "bike": ("共享单车乱停放，占用盲道", "共享单车堆在路口，没法走", "小黄车押金退不了"),
}

ESTATES = (
    "阳光花园", "傅家庄", "金色家园", "锦绣江南", "万科城", "碧桂园", "怡景苑", "龙湖小区", "翠湖新村", "和平里",
    "铁路宿舍", "滨河新城", "御景台", "华府天地", "新华家属院", "东湖名邸", "学府花园", "桃源居",
    "盛京雅居", "丁香湖畔",
)  # fmt: skip
MISHEARD = {
    "傅家庄": ("付家庄",),
    "怡景苑": ("宜景苑",),
    "翠湖新村": ("翠胡新村",),
    "桃源居": ("桃园居",),
    "锦绣江南": ("锦秀江南",),
}
"""How people write the name of an estate that they know by ear."""

ROADS = (
    "人民路", "中山路", "建设大街", "文化路", "长江街", "解放北路", "和平大街", "青年大街", "兴工街", "长春路",
    "南京南街", "黄河大道", "沈辽路", "重工街", "北海街", "东陵路",
)  # fmt: skip
OPENINGS = ("", "市民反映：", "您好，", "来电人称，", "我是这里的居民，", "反映一个问题：", "领导你好，")
ENDINGS = ("", "，请尽快处理。", "，希望有关部门管一管。", "，多次反映没有结果。", "，谢谢。", "，要求给个说法！")


class Made(NamedTuple):
    """A ticket and what it is about."""

    ticket: Ticket
    matter: str
    estate: str | None
    road: str | None
    number: int | None


def tickets(count: int, seed: int = 12345) -> Iterator[Made]:
    """Yield made-up tickets, the same for the same seed."""
    draw = random.Random(seed)
    names = list(MATTERS)
    for number in range(count):
        yield _made(draw, number, names[number % len(names)])


def _made(draw: random.Random, number: int, matter: str) -> Made:
    estate = draw.choice(ESTATES) if draw.random() < 0.6 else None
    road = draw.choice(ROADS) if estate is None or draw.random() < 0.3 else None
    door = draw.choice((*range(1, 31), *range(101, 131))) if road and draw.random() < 0.7 else None
    told = estate and draw.choice((estate, estate, estate, *MISHEARD.get(estate, ())))
    where = "".join(filter(None, (road, f"{door}号" if door else None, told)))
    said = draw.choice(MATTERS[matter])
    text = draw.choice(OPENINGS) + draw.choice((f"{where}，{said}", f"{where}{said}", f"{said}，地址在{where}"))
    text += draw.choice(ENDINGS)
    return Made(_ticket(number, _written(draw, text), road), matter, estate, road, door)


def _written(draw: random.Random, text: str) -> str:
    """Return a text as some phones write it: full-width digits."""
    if draw.random() < 0.05:
        return text.translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    return text


def _ticket(number: int, text: str, road: str | None) -> Ticket:
    message = ids.message_id("/hotline/web/search", str(number))
    identifier, at = ids.ticket_id(CITY, message), AT - timedelta(minutes=17 * number)
    return Ticket(
        ticket_id=identifier,
        ticket_no=ids.ticket_no(CITY, at, number + 1),
        version=1,
        jurisdiction=CITY,
        status=("registered", "in_progress", "resolved")[number % 3],
        status_at=at,
        channel=("web", "sms", "phone", "wechat")[number % 4],
        channel_kind="app",
        channel_account="bench",
        request_kind=("complaint", "consultation", "request_for_help")[number % 3],
        title=text[:12],
        text=text,
        search_text=fold(f"{text[:12]}\n{text}"),
        location=Location(text=road, adcode=f"2101{number % 9 + 2:02}") if road else None,
        received_at=at,
        ingested_at=at,
        updated_at=at,
        first_message_id=message,
        message_count=1,
        cluster_id=identifier,
        masked=True,
    )
