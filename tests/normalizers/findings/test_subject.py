"""Kind and category where the channel did not say them."""

import json
from pathlib import Path
from typing import Any

import pytest

from normalizers import Policy, normalize
from normalizers.rules import Rules
from schemas.errors import MisconfiguredError
from schemas.records import Finding, Message, raw_message
from tests.normalizers.conftest import TAKEN

LETTER = "举报城南黑作坊无证生产豆腐，废水直排河道，请依法查处。"


def message(policy: Policy | None = None, **fields: Any) -> Message:
    value = json.dumps({"id": "1", "text": LETTER, **fields}, ensure_ascii=False).encode()
    raw = raw_message(
        channel="record", channel_kind="record", account="a", jurisdiction="210100", identifier="1", value=value,
        content_type="application/json", time=TAKEN, recorded=TAKEN, sender="a",
    )  # fmt: skip
    return normalize(raw, policy or Policy()).message


def found(made: Message, kind: str) -> list[Finding]:
    return [finding for finding in made.findings if finding.kind == kind]


def test_the_rules_find_what_the_channel_does_not_say() -> None:
    made = message()
    assert [finding.value for finding in found(made, "request_kind")] == ["report"]
    assert [finding.value for finding in found(made, "category")] == ["environment.water"]
    assert {"request_kind.report", "category.environment.water"} <= set(made.features.codes)


def test_what_the_channel_says_stands() -> None:
    made = message(kind="咨询", category="市容")
    assert [(finding.value, finding.source) for finding in found(made, "request_kind")] == [("consultation", "channel")]
    assert [(finding.value, finding.source) for finding in found(made, "category")] == [("市容", "channel")]
    assert not [code for code in made.features.codes if code.startswith("category.")]


def test_a_kind_that_nobody_knows_is_asked_of_the_rules() -> None:
    values = [finding.value for finding in found(message(kind="诉求"), "request_kind")]
    assert values == ["unknown", "report"]


def test_title_and_text_are_told_apart() -> None:
    made = message(title="建议\n增设红绿灯", text="学校门口车多")
    assert [finding.value for finding in found(made, "request_kind")] == ["suggestion"]


@pytest.mark.parametrize("text", ["version = ", f"within = {'9' * 5_000}"], ids=["cut", "digits"])
def test_a_rule_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "kind.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=r"kind\.toml"):
        Rules.load(tmp_path).toml("kind")
