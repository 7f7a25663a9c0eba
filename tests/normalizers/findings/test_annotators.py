"""Kind and category where the channel did not say them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from normalizers.base import Policy
from normalizers.enrich import annotators
from normalizers.pipeline import alarming, normalize
from normalizers.rules import Rules
from schemas.errors import MisconfiguredError
from schemas.records import Finding, Message, RawMessage, raw_message
from tests.normalizers.conftest import TAKEN

LETTER = "举报城南黑作坊无证生产豆腐，废水直排河道，请依法查处。"


def raw(**fields: Any) -> RawMessage:
    value = json.dumps({"id": "1", "text": LETTER, **fields}, ensure_ascii=False).encode()
    return raw_message(
        channel="record", channel_kind="record", account="a", jurisdiction="210100", identifier="1", value=value,
        content_type="application/json", time=TAKEN, recorded=TAKEN, sender="a",
    )  # fmt: skip


def message(**fields: Any) -> Message:
    return normalize(raw(**fields), Policy()).message


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


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    def fails(_: annotators.Reading) -> Iterator[Finding]:
        yield Finding(kind=name, value="half", score=1.0)
        raise error

    changed = [one._replace(annotate=fails) if one.name == name else one for one in annotators.ANNOTATORS]
    monkeypatch.setattr(annotators, "ANNOTATORS", tuple(changed))


NEIGHBOUR = "我是幸福路12号的居民，楼下黑作坊无证生产豆腐，废水直排河道，要求保密，请依法查处。我对法院判决不服"
OPTIONAL = {
    "request_kind": ["request_kind"],
    "category": ["category"],
    "place": ["place", "place_road", "place_road_number"],
    "acceptance": ["not_accepted"],
}
"""The kinds of what each finds in that text."""


@pytest.mark.parametrize("name", [one.name for one in annotators.ANNOTATORS])
def test_a_message_on_which_an_annotator_fails_lacks_its_findings_alone(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = normalize(raw(text=NEIGHBOUR), Policy())
    assert not whole.failures
    failing(monkeypatch, name, RecursionError())
    if name not in OPTIONAL:  # without its findings a ticket would be shown to more people than may see it
        with pytest.raises(RecursionError):
            normalize(raw(text=NEIGHBOUR), Policy())
        return
    made = normalize(raw(text=NEIGHBOUR), Policy())
    assert made.failures == (annotators.Failure(name, "RecursionError"),)
    left = [one for one in whole.message.findings if one not in made.message.findings]
    assert [one.kind for one in left] == OPTIONAL[name]
    assert {*made.message.findings} < {*whole.message.findings}


def test_an_emergency_is_handed_over_without_its_place_where_the_place_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "place", ValueError())
    urgent = alarming(raw(text="幸福路12号着火了，有人被困"), Policy())
    assert urgent is not None
    assert urgent.emergency is not None
    assert not urgent.findings


def test_rules_that_cannot_be_used_are_nobodys_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "category", MisconfiguredError("kind.toml cannot be read"))
    with pytest.raises(MisconfiguredError):
        message()
