"""Thanks for a completed rescue, smoke of ordinary sources and lost things ring nobody; a danger beside them does."""

from normalizers.enrich.emergency import screen
from normalizers.text.fold import fold
from tests.rows import each_row


def alarms(text: str) -> bool:
    found = screen(text, fold(text))
    return found is not None and found.level != "mentioned"


@each_row(
    "text",
    [
        "表扬派出所民警，帮我找到走失的老人",
        "感谢派出所两位警官，我父亲走失六个小时，是他们帮忙找回来的",
        "多亏保安，走丢的孩子送回来了",
        "感謝警察幫我找回走失的兒子",
        "感谢消防员，厨房起火十分钟就扑灭了",
        "感谢路人，我妈晕倒在路边，被他救了过来",
    ],
)
def test_thanks_for_a_completed_rescue_ring_nobody(text: str) -> None:
    assert not alarms(text)
    found = screen(text, fold(text))
    assert found is not None
    assert found.level == "mentioned"


@each_row(
    "text",
    [
        "感谢民警帮我找到走失的老人，可是今天他又走丢了",
        "感谢民警找回走失的老人，现在他昏迷不醒，叫不醒",
        "谢谢民警一直帮忙找，走失的孩子到现在还没找到",
        "我爸走丢了，谢谢你们帮我找到他",
        "求你们帮我找回走丢的孩子，谢谢了",
        "我要表扬你们，请帮我找到走失的老人",
        "感谢警察找回我的钱包，我女儿走丢了",
        "我女儿走丢了，感谢警察，她的书包找到了",
        "两个孩子走失，感谢保安，只找到一个，另一个还没有消息",
        "感谢消防员扑灭了火，可是现在又冒烟了",
        "感谢救援队救出了三个人，里面还埋着两个",
        "没能找回走失的老人，感谢大家",
        "老人走失，鞋找到了人没找到",
        "感谢民警找回我女儿，她又把一条腿跨到护栏外面去了",
        "感谢民警找回我女儿，她把一条腿跨到护栏外面去了",
    ],
)
def test_a_danger_that_remains_or_comes_back_alarms_beside_thanks(text: str) -> None:
    assert alarms(text)


@each_row(
    "text",
    [
        "小区烧烤摊冒烟，呛得人喘不过气",
        "厨房油烟倒灌，呛得我们喘不过气来",
        "邻居在楼道抽烟，呛得人喘不过气",
        "铁板烧店冒白烟，油烟味很重",
    ],
)
def test_smoke_of_an_ordinary_source_rings_nobody(text: str) -> None:
    assert not alarms(text)


@each_row(
    "text",
    [
        "楼下烧烤店起火，楼道里全是烟，下不去",
        "以为是烧烤的烟，结果是三楼着火了，窗户冒火苗",
        "我爸吃烧烤的时候突然喘不过气",
        "饭店里冒出浓烟，有人被困",
        "屋里烧炭烤火，老人喘不过气，头晕",
        "炒菜的时候油锅着了，满屋子烟",
    ],
)
def test_fire_and_sudden_illness_alarm_beside_an_ordinary_source(text: str) -> None:
    assert alarms(text)


@each_row(
    "text",
    ["井盖不见了，晚上很危险", "井蓋不見了，晚上很危險", "我家孩子的校服不见了", "公园护栏不见了，孩子玩的时候很危险"],
)
def test_a_lost_thing_rings_nobody(text: str) -> None:
    assert not alarms(text)


@each_row(
    "text",
    [
        "奶奶不见了，晚上很危险",
        "井盖不见了，孩子掉下去了，快来人",
        "窨井盖丢了没人管，一位老人掉井里了还没上来",
        "我爸有痴呆，骑车出去就不见了",
        "孩子骑电动车出去不见了，天都黑了",
    ],
)
def test_a_lost_person_alarms_beside_a_thing(text: str) -> None:
    assert alarms(text)


@each_row(
    "text",
    [
        "假如煤气泄漏应该打哪个电话，想记到冰箱上",
        "我爸有老年痴呆，怕以后走丢，手环哪里领",
        "装修钻得楼板嗡嗡响，像要塌了一样",
        "听说有孩子坠楼的新闻，儿童锁有没有标准",
        "树倒了，没压到人和车，请清理",
    ],
)
def test_a_supposed_danger_rings_nobody(text: str) -> None:
    assert not alarms(text)


@each_row(
    "text",
    [
        "楼里像要塌了一样，墙裂开了，里面还有老人",
        "发现有人触电了应该怎么办，人倒在地上",
        "我爸触电应该怎么办，他倒地上不动",
        "我怕他跳楼，他站在楼顶边上",
        "万一爆炸怎么办，现在煤气漏得嘶嘶响",
        "刚看到着火的新闻就是我们楼，现在楼道全是烟，下不去",
        "没压到人，可是老人困在屋里出不来",
        "路边车辆残骸里还有人卡着出不来",
    ],
)
def test_a_present_danger_alarms_beside_a_supposition(text: str) -> None:
    assert alarms(text)
