"""Informants, accused bodies and health data: recall on lists by other hands, and few false alarms."""

import json
from pathlib import Path

import pytest

from normalizers.enrich import informants
from normalizers.enrich.confidentiality import level_of
from normalizers.rules import DEFAULT_RULES
from normalizers.text.fold import fold
from tests.normalizers.findings.test_duties import message, told
from tests.rows import each_row

HERE = Path(__file__).parent
DATA = Path(__file__).parents[4] / "shared" / "data"


def level(text: str) -> str:
    return level_of(message(text).features.codes, DEFAULT_RULES)[0]


def levels(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"informant": [], "ordinary": []}
    for line in (HERE / name).read_text().splitlines():
        label, _, text = line.partition("\t")
        found[label].append(level(text))
    return found


@pytest.mark.parametrize(
    ("name", "recall", "false"),
    [
        ("informants_own.tsv", 1.0, 0.0),
        ("informants_strangers_1.tsv", 0.95, 0.025),
        ("informants_strangers_2.tsv", 0.95, 0.0125),
    ],
)
def test_informants_are_restricted_and_ordinary_messages_are_not(name: str, recall: float, false: float) -> None:
    found = levels(name)
    assert found["informant"].count("restricted") >= recall * len(found["informant"])
    assert found["ordinary"].count("restricted") <= false * len(found["ordinary"])


@each_row(
    ("text", "accused"),
    [
        ("民政局科长贪污救灾款，请查", ["official"]),
        ("派出所民警收了赌场的钱通风报信", ["official"]),
        ("村支书把低保给了自己的亲戚", ["official"]),
        ("窗口工作人员态度恶劣，百般刁难", ["service"]),
        ("环保局不作为，举报多次没人管", ["service"]),
        ("民政局几点上班", []),
        ("派出所门口的路灯坏了", []),
    ],
)
def test_an_accused_official_or_body_is_told(text: str, accused: list[str]) -> None:
    assert told(message(text), "accused") == accused


@each_row(
    "text",
    [
        "隔壁租户吸毒，经常半夜闹事",
        "楼上有精神病人不吃药",
        "邻居得了肺结核还到处跑",
        "他查出HIV了单位要开除他",
        "艾滋病人的药在哪里领",
    ],
)
def test_health_data_are_at_least_confidential(text: str) -> None:
    made = message(text)
    assert told(made, "health") == ["sensitive"]
    assert level(text) in ("confidential", "restricted")


@pytest.mark.parametrize("text", ["传染病医院怎么坐车", "精神文明建设做得好", "戒毒所的电话是多少"])
def test_a_hospital_s_name_is_nobody_s_health(text: str) -> None:
    assert told(message(text), "health") == []


@pytest.mark.skipif(not DATA.is_dir(), reason="no real messages here")
def test_few_real_messages_are_taken_for_informants() -> None:
    said = [json.loads(line) for line in (DATA / "messages" / "category_dev.jsonl").read_text().splitlines()]
    found = [informants.informants(fold(f"{one['subject']}\n{one['body']}"), is_secret=False) for one in said]
    restricted = sum(any(one.value == "restricted" for one in each) for each in found)
    assert restricted <= 0.06 * len(said), "none of them was written as an informant's; some are"
