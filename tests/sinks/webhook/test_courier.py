"""The courier against a real HTTP server on loopback; time passes as fast as it is slept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from msgspec import UNSET

from schemas.codec import decode
from schemas.errors import MisconfiguredError, UnreachableError
from schemas.records import DeadLetter, Delivery, Ticket
from sinks.base import Document
from sinks.webhook.client import WebhookSink
from sinks.webhook.dispatcher import Courier
from sinks.webhook.response import Answer
from tests.sinks.webhook.receiver import Receiver, for_ticket, never, receiving, status
from tests.sinks.webhook.snapshots import snapshot, subscriber

pytestmark = pytest.mark.integration

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
"""When the courier's clock begins."""


@dataclass
class Trip:
    """A courier to a receiver, what it buried and wrote, and how long it slept."""

    receiver: Receiver
    slept: list[float] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    lines: list[Delivery] = field(default_factory=list)
    kafka_faults: int = 0
    knew: datetime = YEAR - timedelta(hours=11)
    on_sleep: Callable[[], Any] | None = None

    def make(self, **fields: Any) -> Courier:
        settings = subscriber(fields.pop("url", self.receiver.url), **fields)
        self.sink = WebhookSink("map", settings)
        return Courier(
            self.sink, "map", settings, self.bury, self.write,
            clock=lambda: self.time, now=lambda: YEAR + timedelta(seconds=self.time),
            sleep=self.sleep, jitter=lambda: 1.0, stood=self.stood,
        )  # fmt: skip

    async def stood(self, _: TopicPartition) -> datetime:
        self.fail()
        return self.knew

    @property
    def time(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.on_sleep:
            await self.on_sleep()
        await asyncio.sleep(0)

    async def bury(self, letters: Any) -> None:
        self.fail()
        self.letters += letters

    async def write(self, line: Delivery) -> None:
        self.fail()
        self.lines.append(line)

    def fail(self) -> None:
        if self.kafka_faults:
            self.kafka_faults -= 1
            raise UnreachableError("Kafka is away: wait")

    @property
    def outcomes(self) -> list[tuple[str, str, int]]:
        return [(line.outcome, line.answer, line.attempts) for line in self.lines]


@pytest.fixture
async def trip() -> AsyncIterator[Trip]:
    async with receiving() as receiver:
        made = Trip(receiver)
        yield made
        await made.sink.close()


async def test_a_delivery_is_verified_and_written_down(trip: Trip) -> None:
    await trip.make().deliver([snapshot("210100-a", 7)])
    (got,) = trip.receiver.got
    assert (got.id, got.headers["content-type"]) == ("map:210100-a:7", "application/json")
    assert trip.outcomes == [("delivered", "204", 1)]
    assert (trip.lines[0].ticket_id, trip.lines[0].version) == ("210100-a", 7)
    assert trip.letters == []


async def test_faults_are_tried_again_later_and_later_under_the_same_id(trip: Trip) -> None:
    trip.receiver.answers = [status(500), status(503), status(500), status(204)]
    await trip.make().deliver([snapshot()])
    assert trip.receiver.ids == ["map:210100-a:1"] * 4
    assert trip.slept == sorted(trip.slept)
    assert trip.slept[-1] >= 4
    assert trip.outcomes == [("retrying", "500", 1), ("delivered", "204", 4)]


async def test_every_attempt_has_a_signature_of_its_own_time(trip: Trip) -> None:
    trip.receiver.answers = [status(500), status(204)]
    await trip.make(authorization="Token token=x").deliver([snapshot()])
    assert {one.headers["authorization"] for one in trip.receiver.got} == {"Token token=x"}
    assert all(one.headers["webhook-signature"].startswith("v1,") for one in trip.receiver.got)


@pytest.mark.parametrize("number", [500, 503, 302, 401])
async def test_after_two_hours_it_is_a_dead_letter(trip: Trip, number: int) -> None:
    trip.receiver.answers = [status(number, location="/elsewhere")]
    one = snapshot()
    await trip.make().deliver([one])
    assert 7200 <= trip.time <= 7500
    assert 20 < len(trip.receiver.got) < 50
    assert max(trip.slept) == 300
    (letter,) = trip.letters
    assert (letter.stage, letter.code, letter.retryable) == ("sink:webhook.map", "undeliverable", True)
    assert (letter.key, letter.value, letter.headers, letter.position) == (
        one.key,
        one.value,
        one.headers,
        one.position,
    )
    assert letter.reason == f"subscriber map did not take it in 120 minutes ({number})"
    assert trip.outcomes == [("retrying", str(number), 1), ("dead", str(number), len(trip.receiver.got))]


async def test_what_is_refused_is_a_dead_letter_at_once(trip: Trip) -> None:
    trip.receiver.answers = [status(422)]
    await trip.make().deliver([snapshot()])
    assert trip.slept == []
    assert [(one.reason, one.retryable) for one in trip.letters] == [("subscriber map refuses it (422)", False)]
    assert trip.outcomes == [("dead", "422", 1)]


async def test_a_receiver_may_say_when_to_come_again(trip: Trip) -> None:
    trip.receiver.answers = [status(429, retry_after="120"), status(500, retry_after="60"), status(204)]
    await trip.make().deliver([snapshot()])
    assert sum(trip.slept) >= 180
    assert [round(seconds) for seconds in trip.slept if seconds > 10] == [120, 60]


async def test_a_receiver_may_not_ask_for_ever(trip: Trip) -> None:
    trip.receiver.answers = [status(503, retry_after="99999999"), status(204)]
    await trip.make().deliver([snapshot()])
    assert trip.time == 3600


async def test_an_endpoint_that_is_not_there_yet_gets_it_later(trip: Trip) -> None:
    async with receiving() as gone:
        port = int(gone.url.split(":")[2].split("/")[0])
    back = receiving(port)

    async def starts() -> None:
        if len(trip.slept) == 3:
            trip.receiver = await back.__aenter__()

    trip.on_sleep = starts
    try:
        await trip.make(url=f"http://127.0.0.1:{port}/hook").deliver([snapshot()])
        assert trip.receiver.ids == ["map:210100-a:1"]
    finally:
        await back.__aexit__(None, None, None)
    assert trip.outcomes[0] == ("retrying", "connection", 1)
    assert trip.outcomes[1][0] == "delivered"


async def test_an_answer_that_does_not_come_is_a_fault(trip: Trip) -> None:
    trip.receiver.answers = [never, status(204)]
    await trip.make(request_timeout_seconds=5).deliver([snapshot()])  # the second answer may be slow, too
    assert trip.outcomes == [("retrying", "timeout", 1), ("delivered", "204", 2)]


async def test_a_redirect_is_not_followed(trip: Trip) -> None:
    trip.receiver.answers = [status(307, location=trip.receiver.url), status(204)]
    await trip.make().deliver([snapshot()])
    assert len(trip.receiver.got) == 2
    assert trip.outcomes[0] == ("retrying", "307", 1)


async def test_gone_is_a_persons_business(trip: Trip) -> None:
    trip.receiver.answers = [status(410)]
    with pytest.raises(MisconfiguredError, match="Subscriber map answers 410"):
        await trip.make().deliver([snapshot(), snapshot("210100-b")])
    assert trip.letters == []


async def test_a_tickets_versions_keep_their_order(trip: Trip) -> None:
    trip.receiver.answers = [for_ticket("210100-a", status(500)), for_ticket("210100-a", status(500)), status(204)]
    courier = trip.make()
    batches = [
        [snapshot("210100-a", 1, offset=1), snapshot("210100-a", 2, offset=2)],
        [snapshot("210100-a", 3, offset=3)],
    ]
    await asyncio.gather(*(courier.deliver(batch) for batch in batches))
    assert trip.receiver.ids == ["map:210100-a:1"] * 3 + ["map:210100-a:2", "map:210100-a:3"]


async def test_what_waits_of_a_ticket_that_was_erased_is_not_sent(trip: Trip) -> None:
    """Its texts could be in it: `"erased":true`."""
    courier = trip.make()
    before = snapshot(version=1, offset=1, title='"erased":true')
    later, other = snapshot(version=2, offset=2, erased=True), snapshot("210100-b", 1, offset=3)
    await courier.deliver([before, later, other])
    assert sorted(trip.receiver.ids) == ["map:210100-a:2", "map:210100-b:1"]
    await courier.deliver([snapshot("210100-c", 1, offset=4, title='"erased":true'), snapshot("210100-c", 2, offset=5)])
    assert trip.receiver.ids[2:] == ["map:210100-c:1", "map:210100-c:2"]


async def test_nor_once_more_when_the_erasure_is_read_while_the_subscriber_is_away(trip: Trip) -> None:
    courier, sent = trip.make(), []

    async def erase() -> None:
        if not sent:
            sent.append(asyncio.create_task(courier.deliver([snapshot(version=2, offset=2, erased=True)])))
            await asyncio.sleep(0)

    trip.on_sleep = erase
    trip.receiver.answers = [status(503), status(204)]
    await courier.deliver([snapshot(version=1, offset=1)])
    await asyncio.gather(*sent)
    assert trip.receiver.ids == ["map:210100-a:1", "map:210100-a:2"]
    assert trip.letters == []


async def test_what_waits_of_a_ticket_that_was_redacted_is_not_sent(trip: Trip) -> None:
    """Its texts could be in it: `"redacted_version":`."""
    courier = trip.make()
    before = [snapshot(version=n, offset=n, title='"redacted_version":9') for n in (1, 2)]
    redacted, later = (snapshot(version=n, offset=n, redacted_version=3) for n in (3, 4))
    await courier.deliver([*before, redacted, later])
    assert trip.receiver.ids == ["map:210100-a:3", "map:210100-a:4"]


def opened(ticket: str, hour: int, version: int, offset: int, changed: int | None = None, **fields: Any) -> Document:
    """A snapshot of a ticket that was opened in this hour before the new year, and changed later."""
    hours = hour if changed is None else changed
    times = {"ingested_at": YEAR - timedelta(hours=hour), "updated_at": YEAR - timedelta(hours=hours)}
    return snapshot(ticket, version, offset=offset, **times, **fields)


async def test_a_ticket_whose_first_version_is_compacted_away_is_told_to_who_wants_first_versions(trip: Trip) -> None:
    """He was away for ten hours: what was opened before that he has, of the others he gets the oldest that is left."""
    late = [
        opened("210100-a", 10, 1, 1),
        opened("210100-old", 20, 7, 2, changed=9),
        opened("210100-b", 9, 2, 4, changed=8),
        opened("210100-a", 10, 2, 5, changed=7),
        opened("210100-b", 9, 3, 6, changed=6),
        opened("210100-c", 5, 4, 9, changed=2),
    ]
    timely = [opened("210100-d", 5, 2, 10, changed=0), opened("210100-e", 0, 1, 11), opened("210100-e", 0, 2, 12)]
    courier = trip.make(filter={"first_version_only": True})
    await courier.deliver(late[:3])
    await courier.deliver(late[3:])
    await courier.deliver(timely)
    assert trip.receiver.ids == ["map:210100-a:1", "map:210100-b:2", "map:210100-c:4", "map:210100-e:1"]


async def test_nobody_is_told_of_a_first_version_while_kafka_does_not_say_what_he_knows(trip: Trip) -> None:
    trip.kafka_faults, trip.knew = 3, YEAR - timedelta(hours=9)
    courier = trip.make(filter={"first_version_only": True})
    await courier.deliver([opened("210100-a", 10, 2, 1, changed=5), opened("210100-b", 8, 2, 2, changed=4)])
    assert trip.receiver.ids == ["map:210100-b:2"]
    assert (trip.kafka_faults, len(trip.slept), courier.trouble) == (0, 3, None)


async def test_what_stands_for_a_first_version_is_one_as_a_dead_letter_too(trip: Trip) -> None:
    trip.receiver.answers = [status(400)]
    courier = trip.make(filter={"first_version_only": True})
    await courier.deliver([opened("210100-x", 10, 9, 0), opened("210100-a", 9, 2, 1, changed=8)])
    letter = trip.letters[-1]
    assert letter.key == b"210100-a"
    again = Document(letter.position, letter.key, letter.value, letter.headers)
    assert trip.sink.outgoing(again) is not None


async def test_what_waits_of_a_ticket_that_the_subscriber_may_not_read_by_now_is_not_sent(trip: Trip) -> None:
    """It was no report (举报) then, and is one; one that may be read again loses nothing."""
    courier = trip.make(filter={"confidentiality": ["internal"]})
    levels = {"210100-a": ("internal", "restricted"), "210100-b": ("internal", "restricted", "internal")}
    waiting = [
        snapshot(ticket, version, offset=version, confidentiality=level)
        for ticket, found in levels.items()
        for version, level in enumerate(found, 1)
    ]
    await courier.deliver(waiting)
    assert trip.receiver.ids == ["map:210100-b:1", "map:210100-b:3"]


async def test_whoever_holds_a_ticket_hears_of_its_redaction_whatever_the_filter_says(trip: Trip) -> None:
    """And hears it once, and no word of what he did not subscribe to."""
    courier = trip.make(filter={"statuses": ["received"]})
    first = snapshot(status="received", text="秘密")
    left, redacted, later, back = (
        snapshot(version=n, offset=n, status=status, text="■■和新的话", redacted_version=3 if n > 2 else UNSET)
        for n, status in ((2, "dispatched"), (3, "dispatched"), (4, "resolved"), (5, "received"))
    )
    for one in (first, left, redacted, later, back):
        await courier.deliver([one])
    told = [decode(one.body, Ticket) for one in trip.receiver.got]
    assert [(one.version, one.status, one.text) for one in told] == [
        (1, "received", "秘密"), (3, "dispatched", ""), (5, "received", "■■和新的话")
    ]  # fmt: skip
    assert told[1].redacted_version == 3
    assert not told[1].erased


async def test_whoever_holds_a_ticket_hears_once_that_he_may_read_it_no_more(trip: Trip) -> None:
    """Also when more of it was read behind that, and as often as it is hidden anew."""
    courier = trip.make(filter={"confidentiality": ["internal"]})
    levels = [("internal", UNSET), ("restricted", 2), ("restricted", 2), ("internal", 4), ("restricted", 5)]
    held, hidden, later, back, again = (
        snapshot(version=n, offset=n, confidentiality=level, confidentiality_version=since, text=f"秘密{n}")
        for n, (level, since) in enumerate(levels, 1)
    )
    await courier.deliver([held])
    await courier.deliver([hidden, later])
    await courier.deliver([back])
    await courier.deliver([again])
    told = [decode(one.body, Ticket) for one in trip.receiver.got]
    assert [(one.version, one.text, one.redacted_version) for one in told] == [
        (1, "秘密1", UNSET), (2, "", 2), (4, "秘密4", UNSET), (5, "", 5)
    ]  # fmt: skip
    assert [one.version for one in told if "秘密" in repr(one)] == [1, 4]


async def test_a_redaction_is_told_to_who_may_not_read_the_ticket_whatever_was_read_behind_it(trip: Trip) -> None:
    courier = trip.make(filter={"confidentiality": ["internal"]})
    redacted, later = (snapshot(version=n, offset=n, confidentiality="restricted", redacted_version=2) for n in (2, 3))
    await courier.deliver([redacted, later])
    assert [(one.version, one.text) for one in (decode(one.body, Ticket) for one in trip.receiver.got)] == [(2, "")]


async def test_a_ticket_that_is_not_taken_holds_up_no_other(trip: Trip) -> None:
    trip.receiver.answers = [for_ticket("210100-a", status(500))]
    others = [snapshot(f"210100-b{n}", offset=n) for n in range(1, 30)]
    waiting = asyncio.Event()

    async def others_first() -> None:
        await trip.receiver.until(30)
        waiting.set()

    trip.on_sleep = others_first
    await trip.make(retry_seconds=5).deliver([snapshot("210100-a"), *others])
    assert waiting.is_set()
    assert {one.id for one in trip.receiver.got} == {"map:210100-a:1", *(f"map:210100-b{n}:1" for n in range(1, 30))}
    assert [letter.key for letter in trip.letters] == [b"210100-a"]


@pytest.mark.parametrize("number", [503, 500])
async def test_an_endpoint_that_is_away_is_asked_by_one_at_a_time(trip: Trip, number: int) -> None:
    """And the many that wait for it do not become dead letters: their time begins with their first attempt."""
    trip.receiver.answers = [status(number)]
    courier = trip.make(requests_at_once=2)

    async def enough() -> None:
        if len(trip.slept) == 60:
            told = f"subscriber map answers {number}: look at its log, or run `hotline webhook test map`"
            assert courier.trouble == told
            trip.receiver.answers = [status(204)]

    trip.on_sleep = enough
    await courier.deliver([snapshot(f"210100-{n}", offset=n) for n in range(200)])
    assert courier.trouble is None
    assert len(trip.letters) < 10
    refused_attempts = len(trip.receiver.got) - (200 - len(trip.letters))
    assert refused_attempts < 80


async def test_an_endpoint_that_nothing_waits_for_any_more_is_in_nobodys_way(trip: Trip) -> None:
    """Its only delivery is a dead letter: nobody asks whether it is still away."""
    trip.receiver.answers = [status(503)]
    seen = set()

    async def look() -> None:
        seen.add(courier.trouble)

    trip.on_sleep = look
    courier = trip.make(retry_seconds=5)
    await courier.deliver([snapshot()])
    assert len(trip.letters) == 1
    assert seen == {"subscriber map answers 503: look at its log, or run `hotline webhook test map`"}
    assert courier.trouble is None
    trip.receiver.answers = [status(204)]
    await courier.deliver([snapshot("210100-b", offset=1)])
    assert trip.receiver.ids[-1] == "map:210100-b:1"


async def test_kafka_has_the_log_before_a_delivery_is_home(trip: Trip) -> None:
    trip.kafka_faults = 3
    await trip.make().deliver([snapshot()])
    assert len(trip.receiver.got) == 1, "a fault of Kafka sends nothing twice"
    assert trip.outcomes == [("delivered", "204", 1)]


async def test_kafka_has_the_dead_letter_before_the_document_is_given_up(trip: Trip) -> None:
    trip.kafka_faults = 3
    trip.receiver.answers = [status(400)]
    await trip.make().deliver([snapshot()])
    assert len(trip.letters) == 1


async def test_what_the_filter_does_not_want_is_not_sent(trip: Trip) -> None:
    wanted, unwanted = (
        snapshot("210100-a", request_kind="report"),
        snapshot("210100-b", request_kind="praise", offset=1),
    )
    await trip.make(filter={"kinds": ["report"]}).deliver([wanted, unwanted])
    assert trip.receiver.ids == ["map:210100-a:1"]
    assert len(trip.lines) == 1


async def test_what_is_no_ticket_is_a_dead_letter_and_its_neighbours_go(trip: Trip) -> None:
    torn = snapshot("210100-b", offset=1)._replace(value='{"text":"沈阳市民'.encode())
    nameless = snapshot("210100-c", offset=2)._replace(key="号".encode())
    await trip.make(format="open311-json").deliver([snapshot(), torn, nameless, snapshot("210100-d", offset=3)])
    assert trip.receiver.ids == ["map:210100-a:1", "map:210100-d:1"]
    assert [(one.code, one.retryable) for one in trip.letters] == [("schema", False)] * 2
    assert {one.exception for one in trip.letters} == {"schemas.errors.SchemaError"}
    assert "沈阳" not in str([one.reason for one in trip.letters])
    assert [line.ticket_id for line in trip.lines if line.outcome == "dead"] == ["210100-b"], "no id, no line"


async def test_a_cancelled_delivery_leaves_the_courier_usable(trip: Trip) -> None:
    """As after a rebalance."""
    trip.receiver.answers = [never, status(204)]
    courier = trip.make(requests_at_once=1)
    flying = asyncio.create_task(courier.deliver([snapshot(), snapshot("210100-b", offset=1)]))
    await trip.receiver.until(1)
    flying.cancel()
    await asyncio.wait([flying])
    await courier.deliver([snapshot(), snapshot("210100-b", offset=1)])
    assert trip.receiver.ids == ["map:210100-a:1"] * 2 + ["map:210100-b:1"]


async def test_a_fault_that_nobody_thought_of_is_an_endpoint_that_is_away(
    trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = trip.make()
    faults: list[Exception] = [OverflowError(), RecursionError()]
    send = trip.sink.send

    async def odd(document: Document) -> Answer:
        if faults:
            raise faults.pop(0)
        return await send(document)

    monkeypatch.setattr(trip.sink, "send", odd)
    await courier.deliver([snapshot("210100-a", 1), snapshot("210100-b", 1)])
    assert sorted(trip.receiver.ids) == ["map:210100-a:1", "map:210100-b:1"]
    assert ("retrying", "OverflowError", 1) in trip.outcomes
    assert trip.slept
    assert courier.trouble is None


@pytest.mark.parametrize(("at_once", "spoiled"), [(1, 1), (4, 6)])
async def test_deliveries_at_which_the_endpoint_breaks_down_hold_up_the_others_for_a_minute_and_not_for_hours(
    trip: Trip, at_once: int, spoiled: int
) -> None:
    """Its proxy answers 504 for these alone, as if it were away: whoever asks next is another one."""
    answer = status(204)
    for number in range(spoiled):
        answer = for_ticket(f"210100-{number}", status(504), answer)
    trip.receiver.answers = [answer]
    taken: list[float] = []

    async def note() -> None:
        if not taken and len({one.ticket for one in trip.receiver.got}) == 30:
            taken.append(trip.time)

    trip.on_sleep = note
    await trip.make(requests_at_once=at_once).deliver([snapshot(f"210100-{n}", offset=n) for n in range(30)])
    assert taken[0] < 60
    assert sorted(letter.key for letter in trip.letters) == [b"210100-%d" % n for n in range(spoiled)]
