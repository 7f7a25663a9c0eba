"""How sure an alarm is: the same word of danger is critical in a call for help, and rings nobody in a complaint."""

from pathlib import Path

from normalizers import rules
from normalizers.enrich.confidence import MOST_JUDGED
from normalizers.enrich.emergency import rulebook, screen
from normalizers.rules import DEFAULT_RULES, Rules
from tests.rows import each_row

FIRE = "三楼着火了，快来人"


def level(text: str, folder: Path | None = None) -> str | None:
    found = screen(text, rules=Rules.load(folder))
    return found.level if found is not None else None


@each_row(
    "text",
    [
        "夜市的烤串摊一直冒烟，衣服晾不出去，请管一管",
        "后厨的油烟倒灌进楼道，呛得人喘不过气，物业说止回阀坏了",
        "感谢民警当天就帮我找回孩子，想问锦旗送到哪里",
    ],
)
def test_smoke_fumes_and_thanks_ring_nobody(text: str) -> None:
    assert level(text) in (None, "mentioned")


@each_row(
    ("calls", "complains"),
    [
        ("楼道里电动车起火了，我们下不去", "起火的那辆电动车还扔在楼道里，什么时候拖走"),
        ("围墙倒了，压着一个人，快来", "围墙倒了一截，没压到人，请清理"),
        ("有人站在楼顶要跳楼，快来", "楼顶的门锁着，物业说怕人跳楼，到底该不该锁，想问消防"),
        ("厨房着火了，消防车进不来，里面有老人", "楼道堆着杂物，真着火了跑不掉，希望清理"),
    ],
)
def test_a_word_of_danger_is_critical_with_a_second_fact_alone(calls: str, complains: str) -> None:
    assert level(calls) == "critical"
    assert level(complains) != "critical"


@each_row("text", [FIRE, "救命啊", "我家着火了，幸福路12号3楼，快来", "zhao huo le, kuai lai ren", "着火"])
def test_few_words_and_a_call_for_help_need_no_comparison(text: str) -> None:
    assert level(text) == "critical"


def test_a_calm_sign_leaves_an_alarm_urgent() -> None:
    assert level("投诉物业三年没修外墙，什么时候修，刚才砖头掉下来砸到一个老人，头上都是血，人昏迷了") in (
        "urgent",
        "critical",
    )


def test_what_stands_behind_many_alarms_keeps_the_level_of_its_rule() -> None:
    many = "".join(f"听说{number}号楼以前着火，现在想问什么时候修。" for number in range(2 * MOST_JUDGED))
    assert level(f"{many}{FIRE}") == "critical"


def test_rules_of_a_city_from_before_have_our_weights(tmp_path: Path) -> None:
    text = Path(rules.__file__).with_name("emergency.toml").read_text("utf-8")
    before, _, behind = text.partition("\n[confidence]\n")
    (tmp_path / "emergency.toml").write_text(before + behind[behind.index("\n[lists]\n") :], "utf-8")
    assert rulebook(Rules(tmp_path)).confidence.weights == rulebook(DEFAULT_RULES).confidence.weights
    assert level(FIRE, tmp_path) == "critical"


def test_a_city_may_want_more_or_less_sureness(tmp_path: Path) -> None:
    text = Path(rules.__file__).with_name("emergency.toml").read_text("utf-8")
    (tmp_path / "emergency.toml").write_text(
        text.replace("\ncritical = 2.5\nplain = 0.5", "\ncritical = 99.0\nplain = 99.0"), "utf-8"
    )
    assert level(FIRE, tmp_path) == "urgent"
