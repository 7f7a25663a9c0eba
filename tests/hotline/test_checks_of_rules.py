"""What has no effect in a city's own folder of rules is told: somebody believes that it counts."""

from importlib import resources
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.doctor.checks import faults

CALENDAR = 'id = "guangxi"\nversion = "2026.1"\nextends = "cn"\n[years.2026]\noff = [2026-04-20, 2026-04-21]\n'
LIMITS = """
id = "guangxi"
name = "广西"
version = "2026.1"
adcodes = ["45"]
calendar = "guangxi"

[[rules]]
id = "guangxi.resolve"
clock = "resolve"
amount = 5
unit = "working_days"
kinds = ["complaint"]
channels = ["sms"]
legal_basis = "-"
"""
DIRECTORY = """
id = "shenyang"
name = "沈阳"
version = "1"
adcodes = ["2101"]

[offices]
water = "水务局"

[[rules]]
id = "shenyang.water"
kinds = ["complaint"]
places = ["210102"]
organizers = ["water"]
"""


@pytest.fixture
def folder(tmp_path: Path, env: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "rules"
    env.setenv("HOTLINE_RULES__FOLDER", str(made))
    for name, text in (
        ("calendars/guangxi.toml", CALENDAR), ("deadlines/guangxi.toml", LIMITS), ("dispatch/shenyang.toml", DIRECTORY),
    ):  # fmt: skip
        (made / name).parent.mkdir(parents=True)
        (made / name).write_text(text, "utf-8")
    return made


def told() -> list[str]:
    return faults(load())


def changed(path: Path, old: str, new: str) -> None:
    """Write something else in the first place in which `old` stands in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_folder_in_order(folder: Path) -> None:
    assert told() == []


def test_a_calendar_by_which_nothing_counts_is_told(folder: Path) -> None:
    (folder / "deadlines/guangxi.toml").unlink()
    assert told() == [
        f'No time limit uses calendars/guangxi.toml in {folder}: write `calendar = "guangxi"` into a file of '
        "deadlines/, or remove it."
    ]


def test_a_calendar_that_ends_before_ours_is_told(folder: Path) -> None:
    """A city that wrote the next year into a copy of its own keeps that copy, and not what came with updates."""
    ours = (Path(str(resources.files("tickets.policies"))) / "calendars/cn.toml").read_text("utf-8")
    last = ours.rindex("[years.")
    (folder / "calendars/guangxi.toml").unlink()
    changed(folder / "deadlines/guangxi.toml", 'calendar = "guangxi"', "")
    none = ours[: ours.index("[years.")] + "[years]\n"
    for text, told_of in ((ours, False), (ours[:last], True), (none, True), (f"{ours}\n[years.2099]\n", False)):
        (folder / "calendars/cn.toml").write_text(text, "utf-8")
        assert ["replaces the one" in one for one in told()] == [True] * told_of


@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        ("deadlines/guangxi.toml", '"45"', '"4s"', "`adcodes` of deadlines/guangxi.toml names 4s,"),
        ("deadlines/guangxi.toml", '"45"', '"99"', "`adcodes` of deadlines/guangxi.toml names 99,"),
        ("deadlines/guangxi.toml", '"45"', '"9"', "`adcodes` of deadlines/guangxi.toml names 9,"),
        ("deadlines/guangxi.toml", '"complaint"', '"complain"', "`kinds` of the rule guangxi.resolve"),
        (
            "deadlines/guangxi.toml",
            "legal_basis",
            'pauses = ["extend"]\nlegal_basis',
            "`pauses` of the rule guangxi.resolve",
        ),
        ("deadlines/guangxi.toml", '"sms"', '"短信"', "`channels` of the rule guangxi.resolve"),
        ("dispatch/shenyang.toml", '"2101"', '"01"', "`adcodes` of dispatch/shenyang.toml names 01,"),
        ("dispatch/shenyang.toml", '"210102"', '"2101020"', "`places` of the rule shenyang.water"),
    ],
)
def test_what_is_for_nobody_is_told(folder: Path, file: str, old: str, new: str, where: str) -> None:
    changed(folder / file, old, new)
    (fault,) = told()
    assert fault.startswith(where)


@pytest.mark.parametrize("file", ["deadlines/guangxi.toml", "dispatch/shenyang.toml"])
@pytest.mark.parametrize("code", ["construction.utility", "constructoin", "constructoin.utilities", "transport.taxis"])
def test_a_category_that_there_is_not_is_told(folder: Path, file: str, code: str) -> None:
    changed(folder / file, 'kinds = ["complaint"]', f'categories = ["{code}"]')
    (fault,) = told()
    assert fault.startswith("`categories` of the rule ")
    assert f" names {code}, which does not exist" in fault


@pytest.mark.parametrize("code", ["construction", "construction.utilities", "transport.t", "010203", "城管/噪声"])
def test_a_category_of_ours_or_of_another_scheme_is_in_order(folder: Path, code: str) -> None:
    changed(folder / "dispatch/shenyang.toml", "kinds", f'categories = ["{code}"]\nkinds')
    assert told() == []


SECOND = LIMITS[LIMITS.index("[[rules]]") :].replace('"guangxi.resolve"', '"guangxi.later"')


@pytest.mark.parametrize(
    ("narrower", "is_told"),
    [
        ("", True),
        ("emergency = true", True),
        ('categories = ["construction"]', True),
        ("valid_from = 2026-01-01", True),
        ("by_clerk = true", False),
    ],
)
def test_a_time_limit_behind_one_that_is_for_the_same_is_told(folder: Path, narrower: str, *, is_told: bool) -> None:
    (folder / "deadlines/guangxi.toml").write_text(f"{LIMITS}\n{SECOND}{narrower}\n", "utf-8")
    assert ["guangxi.later in deadlines/guangxi.toml never applies: guangxi.resolve" in one for one in told()] == (
        [True] if is_told else []
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('kinds = ["complaint"]', 'kinds = ["complaint", "report"]'),
        ('kinds = ["complaint"]\n', ""),
        ('channels = ["sms"]\n', ""),
        ('clock = "resolve"', 'clock = "sign"'),
    ],
)
def test_a_wider_time_limit_behind_a_narrow_one_is_in_order(folder: Path, old: str, new: str) -> None:
    assert old in SECOND
    (folder / "deadlines/guangxi.toml").write_text(f"{LIMITS}\n{SECOND.replace(old, new)}", "utf-8")
    assert told() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("deadlines/guangxi.toml", "amount = 5", "amount = 7_000_000_000", "grants more than ten years"),
        ("deadlines/guangxi.toml", "amount = 5", "amount = 5\nextension_max = 4_000", "grants more than ten years"),
        (
            "deadlines/guangxi.toml",
            "amount = 5",
            "amount = 5\nvalid_from = 2026-07-01\nvalid_to = 2026-06-30",
            "is never in force",
        ),
        ("dispatch/shenyang.toml", 'organizers = ["water"]', "organizers = []", "has no responsible"),
        (
            "dispatch/shenyang.toml",
            "[[rules]]",
            f"{DIRECTORY[DIRECTORY.index('[[rules]]') :]}\n[[rules]]",
            "several rules",
        ),
        ("dispatch/shenyang.toml", 'version = "1"', 'version = "1"\nfirst_after_returns = -1', "number of returns"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(folder: Path, file: str, old: str, new: str, says: str) -> None:
    changed(folder / file, old, new)
    (fault,) = told()
    assert says in fault


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("kind.toml", "within = 14", 'within = "14"', "`within` is a text, and has to be a number"),
        ("kind.toml", "sure = 4.0", 'sure = "4"', "`sure` is a text, and has to be a number"),
        ("kind.toml", 'stands = ["report"]', 'stands = "report"', "`stands` is a text, and has to be a list"),
        ("category.toml", "least = 0.22", 'least = "0.22"', "`least` is a text, and has to be a number"),
        (
            "category.toml",
            "[classes]",
            '[topics."transport.own"]\nname = "-"\nsure = "月台"\n[classes]',
            "`sure` is a text",
        ),
        ("category.toml", "[classes]", "[classes]\nmoon = 1", "`moon` is a number, and has to be a text"),
        ("minors.toml", "\nat_school = [", "\nat_school = [8, ", "`at_school` holds a number"),
        ("machines.toml", '"退信"', '"退信", ""', "`subjects` holds an empty text"),
        ("quotes.toml", '"原始邮件"', '"原始邮件", " "', "`originals` holds an empty text"),
        ("machines.toml", 'this = "这是', 'this = 1\nthat = "这是', "`this` is a number, and has to be a text"),
        ("names.toml", 'near = "电话 手机"', 'near = ["电话"]', "`near` is a list, and has to be a text"),
        ("matters.toml", 'counters = "', 'counters = false\ncounter = "', "`counters` is true or false"),
    ],
)
def test_a_value_of_another_type_is_refused(folder: Path, name: str, old: str, new: str, says: str) -> None:
    copied(folder, name, old, new)
    assert says in told()[0]


@pytest.mark.parametrize("beginning", ["4", "45", "450100"])
def test_time_limits_may_be_for_a_region_of_several_provinces(folder: Path, beginning: str) -> None:
    (folder / "deadlines/guangxi.toml").write_text(LIMITS.replace('"45"', f'"{beginning}"'), "utf-8")
    assert told() == []


def test_a_file_that_an_editor_of_windows_saved_is_read(folder: Path) -> None:
    for file in ("calendars/guangxi.toml", "dispatch/shenyang.toml"):
        (folder / file).write_bytes(b"\xef\xbb\xbf" + (folder / file).read_bytes())
    assert told() == []


def copied(folder: Path, name: str, old: str, new: str) -> None:
    ours = (Path(str(resources.files("normalizers.rules"))) / name).read_text("utf-8")
    assert old in ours
    (folder / name).write_text(ours.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "emergency.toml",
            "\nunless = ",
            "\nunles = ",
            "has the unknown key `unles`: did you mean `unless`?",
        ),
        ("emergency.toml", 'level = "critical"', 'level = "critcal"', "The level in emergency.toml"),
        ("emergency.toml", 'classes = ["fire"]', 'classes = ["fires"]', "The class in emergency.toml"),
        ("kind.toml", "[kinds.complaint]", "[kinds.complaints]", "The kind in kind.toml"),
        ("kind.toml", 'stands = ["report"]', 'stands = ["reports"]', "The kind in [hearing] of kind.toml"),
        ("kind.toml", 'alone = ["praise"]', 'alone = ["thanks"]', "The kind in [hearing] of kind.toml"),
        ("kind.toml", "\n[weights]", "\nverson = 1\n[weights]", "did you mean `version`?"),
    ],
)
def test_what_is_misspelt_in_a_file_of_rules_is_told(folder: Path, name: str, old: str, new: str, says: str) -> None:
    copied(folder, name, old, new)
    (fault,) = told()
    assert says in fault


def test_rules_as_they_are_and_with_words_of_the_citys_own_are_in_order(folder: Path) -> None:
    for file in Path(str(resources.files("normalizers.rules"))).glob("*.toml"):
        (folder / file.name).write_bytes(file.read_bytes())
    copied(folder, "category.toml", "\n[classes]", '\n[classes]\nconstructions = "工地"\n')
    assert told() == []


@pytest.mark.parametrize("name", ["kind.toml", "kind_heard.tsv"])
def test_rules_in_another_encoding_say_which_one_they_must_have(folder: Path, name: str) -> None:
    ours = Path(str(resources.files("normalizers.rules"))) / name
    (folder / name).write_bytes(ours.read_text("utf-8").encode("gb18030"))
    assert told() == [f"{folder / name} is not written in UTF-8: save it as UTF-8."]


def test_a_policy_in_another_encoding_says_which_one_it_must_have(folder: Path) -> None:
    (folder / "dispatch/shenyang.toml").write_bytes(DIRECTORY.encode("gb18030"))
    assert f"{folder / 'dispatch/shenyang.toml'} is not written in UTF-8: save it as UTF-8." in told()


def test_a_sentence_with_a_mark_that_there_is_not_says_which_there_are(folder: Path) -> None:
    (folder / "heard.tsv").write_text("expected\tclasses\ttext\nalarm\tfyre\t着火了\n", "utf-8")
    (fault,) = told()
    assert "unknown marks (alarm, fyre): use alarm, mentioned, none, and for alarm the classes: " in fault
    assert "fire, " in fault
    assert "着火" not in fault


def test_towns_can_be_added_and_the_programs_tables_stay_its_own(folder: Path) -> None:
    (folder / "towns.csv").write_text("city,names\n210102,星澜湾\n", "utf-8")
    assert ["Line 2 of" in sentence for sentence in told()] == [True]
    (folder / "towns.csv").write_text("city,names\n210100,星澜湾\n", "utf-8")
    assert told() == []
    for name in ("divisions.csv", "words_of_two.csv"):
        (folder / name).write_text("adcode,name,former\n", "utf-8")
    assert ["it belongs to the program" in sentence for sentence in told()] == [True, True]
