"""The report of an erasure: each place is looked at, and each topic's bound is what the topic is made with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest
from elasticsearch import AsyncElasticsearch
from obstore.store import LocalStore

from hotline.admin import erasure_report
from hotline.admin.erasure_report import PERSONAL, Place, Report, bound, change_of, expiries
from hotline.cli import erasure_view
from hotline.search.archive import Archive
from schemas import ids, topics
from schemas.records import Event, InputRef, event
from schemas.records.common import TicketVersion
from schemas.records.event_base import ErasedMessage
from storage.paths import checkpoints
from tests.broken_off import break_off
from tests.rows import each_row

AT = datetime(2026, 11, 25, tzinfo=UTC)
CITY, TICKET, MESSAGE = "210100", f"210100-{'a' * 20}", "b" * 26

WITHOUT = {
    topics.EVENT, topics.LINK, topics.DELIVERY, topics.AUDIT, topics.LEASE, topics.PLACEMENT, topics.REPLAYED,
}  # fmt: skip
"""Topics that hold no words of citizens."""


def decided(*changes: event.AnyChange) -> Event:
    return Event(
        event_id="command:c1",
        jurisdiction=CITY,
        at=AT,
        author="clerk-7",
        input=InputRef(command_id="c1", topic="t", partition=0, offset=0),
        relation="command",
        policy_version="1",
        tickets=(TicketVersion(ticket_id=TICKET, version=3),),
        changes=changes,
    )


def erased() -> event.Erased:
    return event.Erased(ticket_id=TICKET, messages=(ErasedMessage(message_id=MESSAGE),))


def test_every_topic_is_known_to_hold_words_of_citizens_or_not() -> None:
    assert set(PERSONAL) | WITHOUT == topics.TOPICS.keys()
    assert not set(PERSONAL) & WITHOUT


@each_row("name", PERSONAL)
def test_a_bound_is_what_the_topic_is_made_with(name: str) -> None:
    config = topics.TOPICS[name].config
    if config["cleanup.policy"] == "compact":
        # The longest lag closes the segment of an erased snapshot, the shortest keeps the cleaner from its last record.
        longest = int(config["max.compaction.lag.ms"]) + int(config["min.compaction.lag.ms"])
        assert bound(topics.TOPICS[name]).total_seconds() * 1000 == longest
    else:
        longest = int(config["retention.ms"]) + int(config["segment.ms"])
        assert bound(topics.TOPICS[name]).total_seconds() * 1000 == longest


def test_topics_expire_from_the_decision_on() -> None:
    by = {one.place: one.by for one in expiries(AT)}
    assert by["hotline.raw.*"] == AT + timedelta(days=31)
    assert by[topics.HANDOVER] == AT + timedelta(days=181)
    assert by[topics.COMMAND] == AT + timedelta(days=8)
    assert by[topics.TICKET] == by[topics.CURSOR] == AT + timedelta(days=1, hours=1)


def test_only_what_erases_is_reported() -> None:
    assert change_of(decided(event.StatusSet(ticket_id=TICKET, status="registered"))) is None
    assert change_of(decided(event.StatusSet(ticket_id=TICKET, status="registered"), erased())) == erased()


@pytest.mark.parametrize(
    ("there", "left"),
    [((), 1), (("erased",), 0), (("erased", "photo"), 1), (("redacted",), 1), (("x", "x.json"), 3)],
)
async def test_objects_are_gone_when_only_the_mark_is_left(tmp_path: Path, there: tuple[str, ...], left: int) -> None:
    store = LocalStore(tmp_path)
    for name in there:
        await obstore.put_async(store, f"{CITY}/{MESSAGE}/{name}", b"x")
    assert await erasure_report._blobs(store, decided(erased()), erased()) == left


async def test_what_a_kill_left_of_a_write_is_not_gone(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await obstore.put_async(store, f"{CITY}/{MESSAGE}/erased", b"")
    left = break_off(tmp_path, f"{CITY}/{MESSAGE}/photo")
    assert await erasure_report._blobs(store, decided(erased()), erased()) == 1
    left.unlink()
    assert await erasure_report._blobs(store, decided(erased()), erased()) == 0


@pytest.mark.parametrize(("there", "left"), [((), 1), (("redacted", "photo"), 0), (("redacted", "x", "x.json"), 2)])
async def test_of_a_redaction_attachments_may_stay(tmp_path: Path, there: tuple[str, ...], left: int) -> None:
    store = LocalStore(tmp_path)
    for name in there:
        await obstore.put_async(store, f"{CITY}/{MESSAGE}/{name}", b"x")
    change = event.Redacted(ticket_id=TICKET, fields=("text",), messages=erased().messages)
    assert await erasure_report._blobs(store, decided(change), change) == left


@pytest.mark.parametrize(("fields", "stays"), [(("text",), True), (("text", "attachments"), False)])
async def test_attachments_that_stay_are_not_called_gone(tmp_path: Path, fields: tuple[str, ...], stays: bool) -> None:
    store, client = LocalStore(tmp_path), AsyncElasticsearch("http://127.0.0.1:1", max_retries=0)
    for name in ("redacted", "erased", "photo"):
        await obstore.put_async(store, f"{CITY}/{MESSAGE}/{name}", b"")
    change = event.Redacted(ticket_id=TICKET, fields=fields, messages=erased().messages)
    try:
        places = await erasure_report._settled(Archive(client), store, decided(change), change, 2, 0)
    finally:
        await client.close()
    told = next(one for one in places if "blob store" in one.place)
    assert (told.state, "attachments stay" in told.place) == (("gone", True) if stays else ("waits", False))


async def test_a_checkpoint_from_before_the_decision_is_told(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await obstore.put_async(store, f"{checkpoints(ids.partition_of(CITY, 4))}/1", b"x")
    assert await erasure_report._checkpoints(store, decided(erased()), 4) == 0
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert await erasure_report._checkpoints(store, _at(later), 4) == 1
    assert await erasure_report._checkpoints(store, _at(later), 1) == (ids.partition_of(CITY, 4) == 0)


def _at(at: datetime) -> Event:
    from msgspec.structs import replace

    return replace(decided(erased()), at=at)


async def test_a_service_that_is_away_is_told_and_hides_nothing_else(tmp_path: Path) -> None:
    client = AsyncElasticsearch("http://127.0.0.1:1", max_retries=0)
    store = LocalStore(tmp_path)
    await obstore.put_async(store, f"{CITY}/{MESSAGE}/erased", b"")
    try:
        places = await erasure_report._settled(Archive(client), store, decided(erased()), erased(), 2, 0)
    finally:
        await client.close()
    assert [one.state for one in places] == ["unknown", "unknown", "gone", "gone"]
    assert "Elasticsearch" in (places[0].reason or "")


def test_a_person_reads_what_is_gone_and_what_leaves_when(capsys: pytest.CaptureFixture[str]) -> None:
    places = (
        Place(place="one", state="gone"),
        Place(place="two", state="waits", left=3),
        Place(place="three", state="unknown", reason="away"),
        Place(place="four", state="expires", by=AT),
    )
    found = Report(
        ticket_id=TICKET, action="erased", command_id="c1", author="clerk-7", at=AT, messages=1, places=places
    )
    erasure_view.show(found)
    assert capsys.readouterr().out == (
        "Erased now:\n  one\nNot erased yet; ask again with --command-id c1:\n  two (3 left)\nNot checked; "
        "ask again with --command-id c1:\n  three: away\nRemoved from Kafka by:\n  2026-11-25 08:00  four\n"
    )


async def test_of_a_store_that_is_not_mounted_nothing_is_called_gone(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "blobs", mkdir=True)
    (tmp_path / "blobs").rmdir()
    looked = await erasure_report._looked(
        "older checkpoints of assign", erasure_report._checkpoints(store, decided(erased()), 4)
    )
    assert (looked.state, "mount it" in (looked.reason or "")) == ("unknown", True)


async def test_a_message_without_a_ticket_is_looked_at_in_archive_and_store(tmp_path: Path) -> None:
    alone = event.MessagesErased(messages=(ErasedMessage(message_id=MESSAGE),))
    store = LocalStore(tmp_path)
    await obstore.put_async(store, f"{CITY}/{MESSAGE}/photo", b"x")
    client = AsyncElasticsearch("http://127.0.0.1:1", max_retries=0)
    try:
        places = await erasure_report._settled(Archive(client), store, decided(alone), alone, 2, 0)
    finally:
        await client.close()
    assert change_of(decided(alone)) == alone
    assert [(one.place.split()[-1], one.state) for one in places] == [
        ("archive", "unknown"), ("store", "waits"), ("assign", "gone"),
    ]  # fmt: skip
