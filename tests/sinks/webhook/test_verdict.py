"""What each answer means."""

from datetime import UTC, datetime

import pytest

from schemas.errors import MisconfiguredError
from sinks.webhook.response import Outcome, judge
from tests.rows import each_row

NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)


@each_row(
    ("outcome", "statuses"),
    [
        (Outcome.DELIVERED, [200, 201, 202, 204]),
        (Outcome.AWAY, [301, 302, 303, 307, 308, 401, 403, 404, 405, 407, 429, 502, 503, 504]),
        (Outcome.LATER, [408, 409, 425, 500, 501, 505, 520, 599]),
        (Outcome.REFUSED, [400, 402, 406, 411, 413, 415, 418, 422, 451]),
    ],
)
def test_what_to_do_after_a_status(outcome: Outcome, statuses: list[int]) -> None:
    assert {judge("map", status, {}, 1, NOON).outcome for status in statuses} == {outcome}


def test_gone_stops_the_subscriber_in_one_sentence() -> None:
    with pytest.raises(MisconfiguredError, match=r"^Subscriber map answers 410 \(gone\): remove `sinks\.webhook\.map`"):
        judge("map", 410, {}, 1, NOON)


@each_row(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 25 Nov 2026 04:02:00 GMT", 120.0),
        ("Wed, 25 Nov 2026 03:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert judge("map", 503, {"retry-after": text}, 1, NOON).retry_after == seconds
