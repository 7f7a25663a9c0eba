"""What operators see of answers: the last state of each, counts by account, and nobody's address."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from rich.console import Console

from hotline.admin.explain import Explanation
from hotline.admin.replies import Wanted, _standing, answer_of
from hotline.cli import archive_view
from hotline.monitor.answers import AnswerCount, Answers
from schemas.codec import encode
from schemas.envelope import Envelope, type_of
from schemas.records import Outbox
from tests.connectors.outbox.answers import NOW, intent, outbound, state_of, withdrawn


class Read(NamedTuple):
    headers: list[tuple[str, bytes]]
    value: bytes


def intended(outbox: Outbox) -> Read:
    record = outbound(outbox)
    return Read(record.headers, record.value)


def stands(outbox: Outbox, state: str, *, seconds: float = 1) -> Read:
    told = state_of(outbox, state, seconds=seconds)
    envelope = Envelope(id="x", source="/s", type=type_of("outbox_state"), time=told.at, recordedtime=told.at)
    return Read(envelope.headers(), encode(told))


LOG = [
    intended(intent(1)),
    stands(intent(1), "sending"),
    stands(intent(1), "accepted"),
    intended(intent(2)),
    stands(intent(2), "sending"),
    intended(intent(3, account="hall")),
    stands(intent(2), "unknown"),
    intended(intent(1)),  # a repeat says nothing new
]


def standing(**wanted: str) -> list[str]:
    return [f"{one.ticket_no[-8:-2]} {one.state}" for one in _standing(LOG, Wanted(**wanted))]


def test_the_last_state_of_each_answer_is_listed() -> None:
    assert standing() == ["000001 accepted", "000002 unknown", "000003 intended"]
    assert standing(state="unknown") == ["000002 unknown"]
    assert standing(account="hall") == ["000003 intended"]
    assert standing(ticket=intent(1).ticket_id) == standing(ticket=intent(1).ticket_no) == ["000001 accepted"]


def test_an_erasure_says_nothing_of_an_answer_until_the_outbox_does() -> None:
    records = [withdrawn(intent(number)) for number in (1, 3, 9)]
    log = [*LOG, *(Read(one.headers, one.value) for one in records), stands(intent(3), "withheld")]
    states = [f"{one.ticket_no[-8:-2]} {one.state}" for one in _standing(log, Wanted())]
    assert states == ["000001 accepted", "000002 unknown", "000003 withheld"]


def test_no_line_holds_an_address() -> None:
    assert not any("citizen" in str(answer_of(record)) for record in LOG)


def test_what_a_later_version_wrote_is_passed_over() -> None:
    assert answer_of(Read([("ce_type", b"cn.hotline12345.other.v1")], b"{}")) is None
    assert answer_of(Read([("ce_type", type_of("outbox").encode())], b'{"outbox_id": 7}')) is None


class Kafka:
    """Hands out what is new, as `hotline.monitor.kafka.Kafka` does."""

    def __init__(self) -> None:
        self.new: list[Read] = []

    def places(self, topics: list[str]) -> list[str]:
        return [*topics]

    def since(self, places: list[str], moment: Any) -> dict[str, int]:
        return dict.fromkeys(places, 0)

    def ends(self, places: list[str]) -> dict[str, int]:
        return dict.fromkeys(places, 0)

    def read(self, positions: Any, ends: Any) -> Iterator[Read]:
        yield from self.new
        self.new = []


def test_a_look_counts_a_day_and_goes_on_from_the_last_one() -> None:
    kafka, answers = Kafka(), Answers()
    kafka.new = LOG[:5]
    assert answers.look(kafka, NOW) == [  # type: ignore[arg-type] # it asks no more than this
        AnswerCount(account="mayor", state="accepted", count=1),
        AnswerCount(account="mayor", state="sending", count=1),
    ]
    kafka.new = LOG[5:]
    counts = {(one.account, one.state): one.count for one in answers.look(kafka, NOW)}  # type: ignore[arg-type] # as above
    assert counts == {("mayor", "accepted"): 1, ("mayor", "unknown"): 1, ("hall", "intended"): 1}
    assert answers.look(kafka, NOW + timedelta(days=2)) == []  # type: ignore[arg-type] # as above


def test_explain_shows_what_the_citizen_was_told() -> None:
    answers = list(_standing(LOG, Wanted(account="mayor")))
    told = Explanation(ticket_id="t", ticket_no="n", cluster_id="t", version=1, status="received", answers=answers)
    console = Console(record=True, width=200)
    archive_view.explanation(told, console)
    shown = console.export_text()
    assert shown.count("answer by mayor  mailbox") == 2
    assert "unknown" in shown
