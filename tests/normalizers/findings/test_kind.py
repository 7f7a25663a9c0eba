"""The kind of a request, by what people say."""

from pathlib import Path

from normalizers.enrich.request_kind import request_kind
from normalizers.rules import Rules
from normalizers.text.fold import fold
from tests.rows import each_row

CASES = Path(__file__).parent / "kind_cases.tsv"
"""Short messages of our own in three lists, each written before the rules that hear it; the third was only measured."""

ROWS = [line.split("\t") for line in CASES.read_text("utf-8").splitlines()[1:]]


def kind(text: str, title: str = "", folder: Path | None = None) -> str | None:
    found = request_kind(fold(title), fold(text), Rules.load(folder))
    return found[0].value if found else None


@each_row(
    ("text", "expected"),
    [
        ("请问灵活就业人员的医保怎么办理？需要哪些材料？", "consultation"),
        ("想咨询一下，新生儿落户什么时候可以办？", "consultation"),
        ("我们楼停水三天了，家里有老人，请尽快安排人来维修。", "help_request"),
        ("楼道路灯不亮，请帮忙修一下", "help_request"),
        ("投诉幸福超市乱收费，服务态度恶劣，店长推诿。", "complaint"),
        ("楼下烧烤店每晚扰民，多次反映没人管，苦不堪言！", "complaint"),
        ("举报城南一家黑作坊无证生产豆腐，请依法查处。", "report"),
        ("实名举报村干部贪污低保款", "report"),
        ("建议在第三小学门口增设红绿灯。", "suggestion"),
        ("希望公交公司能开通去开发区的夜班车", "suggestion"),
        ("我要表扬12路公交的王师傅，拾金不昧，特此感谢！", "praise"),
        ("给窗口的工作人员点赞，服务热情周到", "praise"),
        ("工单号370100，问题已经解决了，非常感谢！", "praise"),
        ("谢谢你们，问题解决了", "praise"),
        ("路灯修好了，辛苦师傅们，谢谢", "praise"),
        ("回复说已经解决了，其实根本没人来过，请给个说法", "complaint"),
        ("营业执照网上怎么注销", "consultation"),
        ("营业执照丢了咋补", "consultation"),
        ("违规停车扣几分啊", "consultation"),
        ("個人偽造病歷怎麼處罰", "consultation"),
        ("社區衛生站週末開門嗎", "consultation"),
        ("加油站着火", "help_request"),
        ("烟花爆竹违规燃放", "report"),
        ("今天天气不错", None),
        ("", None),
    ],
)
def test_people_say_what_they_want(text: str, expected: str | None) -> None:
    assert kind(text) == expected


def test_a_thank_you_at_the_end_is_no_praise() -> None:
    assert kind("小区的下水道堵塞，污水横流，请尽快派人疏通，万分感谢！") == "help_request"


def test_a_complaint_line_that_nobody_answers_is_no_complaint_by_its_name() -> None:
    assert kind("投诉电话是多少，请问几点上班？") == "consultation"


def test_the_title_counts_more_than_the_text() -> None:
    assert kind("公园的路太窄，晚上没有灯。", "关于拓宽公园步道的建议") == "suggestion"


def test_two_parts_of_a_cue_stand_in_one_sentence() -> None:
    assert kind("恳请。他说问题已经解决") == kind("他说问题已经解决")
    assert kind("恳请尽快帮我们协调") == "help_request"


def test_a_finding_says_how_sure_it_is_and_by_which_rules() -> None:
    told = request_kind("", fold("请问怎么办理居住证？"))
    assert told is not None
    found, _ = told
    assert (found.kind, found.source, found.version) == ("request_kind", "rule", "2026.5")
    assert 0.5 < found.score <= 1


def test_a_city_has_rules_of_its_own(tmp_path: Path) -> None:
    own = """
version = "city.1"
within = 10
not = ["没有"]
weights = {sure = 4.0, likely = 2.0, hints = 1.0, title = 2.0, least = 1.0, most = 3}
kinds.praise = {sure = ["蓝月"], likely = [], hints = []}
"""
    (tmp_path / "kind.toml").write_text(own, encoding="utf-8")
    assert kind("蓝月七号", folder=tmp_path) == "praise"
    assert kind("蓝月七号") is None


def test_a_city_may_write_words_in_capitals_or_traditional_characters(tmp_path: Path) -> None:
    own = """
version = "city.1"
within = 10
not = ["舉報電話"]
weights = {sure = 4.0, likely = 2.0, hints = 1.0, title = 2.0, least = 1.0, most = 3}
kinds.report = {sure = ["藍月", "KTV…沒證|ＶＩＰ"], likely = [], hints = []}
"""
    (tmp_path / "kind.toml").write_text(own, encoding="utf-8")
    for said in ("蓝月", "藍月", "ktv没证", "KTV的vip"):
        assert kind(said, folder=tmp_path) == "report", said


def test_a_book_takes_no_longer_than_its_ends() -> None:
    assert kind("请问" + "啊" * 100_000 + "怎么办理") == "consultation"
    assert kind("啊" * 50_000 + "投诉" + "啊" * 50_000) is None


def test_a_few_words_say_what_somebody_wants() -> None:
    told = [(expected, text) for number, expected, text in ROWS if number != "3"]
    assert len(told) >= 100
    assert sum(kind(text) == expected for expected, text in told) >= 0.95 * len(told)
