"""A reader by a released schema does what the contract asks of every reader."""

import copy
from typing import Any

import pytest

from schemas.contract import releases
from schemas.contract.compatibility import read
from schemas.errors import SchemaError
from tests.rows import each_row
from tests.schemas.shapes import TODAY

GOLDEN = releases.current().golden


def changed(record: str, **more: Any) -> Any:
    return copy.deepcopy(GOLDEN[record]) | more


def seen(record: str, **more: Any) -> Any:
    return read(TODAY.schemas[record], changed(record, **more))


@each_row("name", TODAY.schemas)
def test_what_is_written_today_is_read_without_loss(name: str) -> None:
    assert read(TODAY.schemas[name], GOLDEN[name]) == GOLDEN[name]


def test_unknown_fields_are_left_out_wherever_they_stand() -> None:
    location = GOLDEN["ticket"]["location"] | {"village": "红旗村"}
    assert seen("ticket", mood="calm", location=location) == GOLDEN["ticket"]


def test_unknown_words_are_unknown() -> None:
    found = seen("ticket", status="forgotten", channels=["sms", "telepathy"], request_kind=None)
    assert (found["status"], found["channels"], found["request_kind"]) == ("unknown", ["sms", "unknown"], None)
    assert found["channel"] == GOLDEN["ticket"]["channel"]


def test_unknown_kinds_of_changes_are_unknown_and_the_others_stay() -> None:
    changes = [{"change": "praised", "by": "a city"}, *GOLDEN["event"]["changes"]]
    assert seen("event", changes=changes)["changes"] == [{"change": "unknown"}, *GOLDEN["event"]["changes"]]


def test_what_is_absent_has_its_default_or_stays_not_asked() -> None:
    record = changed("ticket")
    for name in ("urgency", "title", "acceptance"):
        del record[name]
    found = read(TODAY.schemas["ticket"], record)
    assert (found["urgency"], found["title"]) == ("normal", None)
    assert "acceptance" not in found


@each_row(
    ("record", "change", "place"),
    [
        ("ticket", {"version": "7"}, "$.version"),
        ("ticket", {"version": 7.5}, "$.version"),
        ("ticket", {"version": True}, "$.version"),
        ("ticket", {"status": None}, "$.status"),
        ("ticket", {"received_at": "2026-11-24T09:12:03"}, "$.received_at"),
        ("ticket", {"received_at": "yesterday"}, "$.received_at"),
        ("ticket", {"labels": "one"}, "$.labels"),
        ("ticket", {"labels": [1]}, "$.labels[]"),
        ("ticket", {"edges": [{"kind": "merged"}]}, "$.edges[]"),
        ("ticket", {"masked": "no"}, "$.masked"),
        ("ticket", {"lineage": {"rules_versions": {"emergency": 7}}}, "$.lineage.rules_versions.*"),
        ("handover", {"spans": [[1, 2, 3]]}, "$.spans[]"),
        ("message", {"part": GOLDEN["message"]["part"] | {"bytes": "not base64"}}, "$.part.bytes"),
        ("event", {"changes": [{"ticket_id": "210100-a"}]}, "$.changes[]"),
        ("event", {"changes": [{"change": "reopened"}]}, "$.changes[]<reopened>"),
        ("ticket", {"requester": []}, "$.requester"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(record: str, change: dict[str, Any], place: str) -> None:
    with pytest.raises(SchemaError) as caught:
        seen(record, **change)
    assert str(caught.value).startswith(f"{place} is not ")


def test_a_record_without_what_every_record_has_is_refused_and_not_quoted() -> None:
    record = changed("ticket")
    del record["ticket_id"]
    with pytest.raises(SchemaError, match=r"^\$ is not an object with ticket_id$"):
        read(TODAY.schemas["ticket"], record)
