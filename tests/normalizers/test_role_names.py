"""Names right behind a word for a person, whatever follows; and the words that stand there as well."""

from normalizers.text.lexicon import is_word
from tests.rows import each_row
from tickets.masking.mask import mask_text


@each_row(
    ("text", "masked"),
    [
        ("法人毕福林失联", "法人＊＊＊失联"),
        ("公司法人叫于得水，关机", "公司法人叫＊＊＊，关机"),
        ("经办人宋清如隐瞒材料", "经办人＊＊＊隐瞒材料"),
        ("投诉人：李鸣联系不上", "投诉人：＊＊联系不上"),
        ("债务人邹平安转移财产", "债务人＊＊＊转移财产"),
        ("老板牛莉诱导老人", "老板＊＊诱导老人"),
        ("医生孟钊推诿", "医生＊＊推诿"),
        ("我朋友仁青卓玛被骗", "我朋友＊＊＊＊被骗"),
        ("中介苏曼让我交钱", "中介＊＊让我交钱"),
        ("姓名阿不都热依木·玉山江，", "姓名＊＊＊＊＊＊＊＊＊＊，"),
        ("外教Andrew打孩子", "外教＊＊＊＊＊＊打孩子"),
        ("学生家长Natalia Petrova反映", "学生家长＊＊＊＊＊＊＊＊＊＊＊反映"),
        ("我孙小武实名举报", "我＊＊＊实名举报"),
        ("向你投诉喻花处理不公", "向你投诉＊＊处理不公"),
        ("华莺莺（房东）不退押金", "＊＊＊（房东）不退押金"),
        ("房东（华莺莺）不退押金", "房东（＊＊＊）不退押金"),
        ("我是奚美娟，想问落户", "我是＊＊＊，想问落户"),
        ("表扬保洁员水阿姨", "表扬保洁员＊阿姨"),
        ("司马医生不开转院", "＊＊医生不开转院"),
        ("我姓褚，单名一个健字", "我姓＊，单名一个＊字"),
        ("隔壁老金家的狗", "隔壁＊＊家的狗"),
    ],
)
def test_a_name_is_hidden_whatever_the_sentence_goes_on_with(text: str, masked: str) -> None:
    assert mask_text(text + "。请尽快处理") == masked + "。请尽快处理"


@each_row(
    "text",
    [
        "乙方应根据车辆的大小选择", "业主方实际支付", "业主向银行贷款", "律师费才五千", "居民安宁生活",
        "经营者简化流程",
        "我是楚熙水郡业主", "我是安卓系统", "我是文科生", "乘客特别多", "朋友特别热心",
        "老板高要价",
        "任课老师拖堂",
        "高级教练不来", "责任护士不检查", "提高教练员素质", "对于教练员", "向查房护士反映",
        "感谢老师们", "房东乌鲁木齐人",
        "家长和老师", "客服call center不接", "学生English class取消",
        "本村18户贫困户", "经理马上来", "司机超载",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_name_there_stays(text: str) -> None:
    assert mask_text(text + "。请尽快处理") == text + "。请尽快处理"


@each_row(
    ("text", "masked"),
    [
        ("Hello, I am David Thompson, the light is broken", "Hello, I am ＊＊＊＊＊＊＊＊＊＊＊, the light is broken"),
        ("I'm Michael O'Brien and live here", "I'm ＊＊＊＊＊＊＊＊＊＊＊ and live here"),
        ("我叫Anna Müller，德国人", "我叫＊＊＊＊＊＊＊＊＊＊＊，德国人"),
        ("此致 敬礼 Jack Wilson", "此致 敬礼 ＊＊＊＊＊＊＊＊＊＊＊"),
        ("I am very angry about the noise", "I am very angry about the noise"),
        ("I am writing to report a lift", "I am writing to report a lift"),
    ],
)
def test_names_in_latin_letters_are_told_from_words(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_words_are_told_from_names() -> None:
    assert is_word("联系")
    assert not is_word("牛莉")
    assert not is_word("联")
