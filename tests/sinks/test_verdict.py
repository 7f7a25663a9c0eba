"""What each answer of Elasticsearch means for its document."""

from typing import Any

import pytest

from sinks.elastic.response import judge
from tests.fakes.sinks import document
from tests.rows import each_row

FIELDS = frozenset({"location", "location.adcode"})


def item(status: int, kind: str | None = None, reason: str | None = None) -> dict[str, Any]:
    error = {} if kind is None else {"error": {"type": kind, "reason": reason}}
    return {"index": {"status": status, **error}}


@each_row(
    ("answer", "heap"),
    [
        (item(200), "stored"),
        (item(201), "stored"),
        (item(409, "version_conflict_engine_exception"), "stale"),
        (item(429, "es_rejected_execution_exception"), "retry"),
        (item(503, "unavailable_shards_exception"), "retry"),
        (item(500, "null_pointer_exception"), "retry"),
        (item(502, "x"), "retry"),
        (item(504, "x"), "retry"),
        (item(408, "x"), "retry"),
        (item(404, "index_not_found_exception"), "retry"),
        (item(403, "cluster_block_exception"), "retry"),
        (item(400, "index_closed_exception"), "retry"),
        (item(400, "validation_exception"), "retry"),
        (item(400, "illegal_argument_exception", "no write index is defined for alias [hotline-link]. The"), "retry"),
        (item(400, "document_parsing_exception"), "rejected"),
        (item(400, "mapper_parsing_exception"), "rejected"),
        (item(400, "illegal_argument_exception"), "rejected"),
        (item(413, "too_large"), "rejected"),
    ],
    ids=lambda value: str(value["index"]) if isinstance(value, dict) else "",
)
def test_each_status_has_its_heap(answer: dict[str, Any], heap: str) -> None:
    verdicts = judge([document("a")], [answer], FIELDS)
    filled = [name for name in ("stored", "stale", "retry", "rejected") if getattr(verdicts, name)]
    assert filled == [heap]


def test_each_document_gets_its_own_answer() -> None:
    documents = [document(key) for key in "abcd"]
    answers = [item(201), item(400, "mapper_parsing_exception"), item(409, "x"), item(429, "x")]
    verdicts = judge(documents, answers, FIELDS)
    assert [d.key for d in verdicts.stored] == [b"a"]
    assert [r.document.key for r in verdicts.rejected] == [b"b"]
    assert [d.key for d in verdicts.stale] == [b"c"]
    assert [r.document.key for r in verdicts.retry] == [b"d"]


def test_an_answer_of_another_length_is_a_fault() -> None:
    with pytest.raises(ValueError, match="zip"):
        judge([document("a"), document("b")], [item(201)], FIELDS)


def test_a_reason_names_the_field_and_quotes_nothing() -> None:
    text = "failed to parse field [location.adcode] of type [keyword] in document 'a'. Preview: '[姓名]13800000000'"
    (refusal,) = judge([document("a")], [item(400, "document_parsing_exception", text)], FIELDS).rejected
    assert refusal.reason == "document_parsing_exception at location.adcode"
    assert refusal.code == "mapping_conflict"


@each_row("text", [None, "", "Preview of field's value: '[secret]'", "[name of a citizen]"])
def test_a_reason_without_a_field_of_ours_is_the_type_alone(text: str | None) -> None:
    (refusal,) = judge([document("a")], [item(400, "document_parsing_exception", text)], FIELDS).rejected
    assert refusal.reason == "document_parsing_exception"


def test_what_makes_the_server_fail_is_told_apart() -> None:
    (refusal,) = judge([document("a")], [item(500, "x")], FIELDS).retry
    assert refusal.code == "internal"


FLOOD = (
    "index [hotline-ticket-v1] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has "
    "read-only-allow-delete block];"
)


@each_row(
    ("answer", "reason"),
    [
        (item(500, "i_o_exception", "No space left on device"), "i_o_exception: a disk of Elasticsearch is full"),
        (item(500, "already_closed_exception", "engine is closed"), "already_closed_exception"),
        (item(500, "translog_exception", None), "translog_exception"),
        (
            item(429, "cluster_block_exception", FLOOD),
            "cluster_block_exception: a disk of Elasticsearch is nearly full, and the index takes nothing until there "
            "is room",
        ),
    ],
    ids=["full", "closed", "translog", "nearly full"],
)
def test_no_document_is_to_blame_for_a_disk(answer: dict[str, Any], reason: str) -> None:
    """However often it is tried, it is none that makes the server fail: a disk may be full for days."""
    (refusal,) = judge([document("a")], [answer], FIELDS).retry
    assert refusal.code != "internal"
    assert refusal.reason == reason


def test_what_a_document_says_is_not_taken_for_a_full_disk() -> None:
    answer = item(400, "document_parsing_exception", "Preview of field's value: 'No space left on device'")
    (refusal,) = judge([document("a")], [answer], FIELDS).rejected
    assert refusal.reason == "document_parsing_exception"
