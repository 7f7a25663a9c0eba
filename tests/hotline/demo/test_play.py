"""Two demos never meet; one ends when its messages are worked off, or with sums that say what is missing."""

import asyncio
import fcntl
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch
from obstore.store import MemoryStore
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from broker.config import KafkaConnection
from connectors.publish.publisher import Publisher
from hotline.cli import demo as cli
from hotline.cli.app import app
from hotline.config import stack_state
from hotline.dev.demo.greenmail import first_port
from hotline.dev.demo.ledger import Ledger, TopicReader
from hotline.dev.demo.play import Play, Result
from hotline.dev.demo.view import summary
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.envelope import Envelope
from schemas.errors import MisconfiguredError
from schemas.records.raw import BEGINNING
from tests.connectors.pushed import message

pytestmark = pytest.mark.long


def test_a_second_demo_on_the_same_stack_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    play = Play(KafkaConnection(bootstrap_servers="127.0.0.1:1"), "http://127.0.0.1:1", tmp_path, 0)
    with (tmp_path / "demo" / "demo.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        with pytest.raises(MisconfiguredError, match=": wait for its end"):
            play.perform(lambda note: None)


def test_demos_of_two_stacks_look_for_ports_apart(tmp_path: Path) -> None:
    ports = []
    for slot in range(3):
        folder = tmp_path / str(slot)
        folder.mkdir()
        stack_state.save(folder, stack_state.StackState(slot))
        ports.append(first_port(folder))
    assert ports == [19300, 19340, 19380]
    assert first_port(tmp_path / "none") == 19300


@pytest.fixture
def play(
    local_stack: Stack,
    stack: Endpoints,
    fresh_topics: KafkaConnection,
    fresh_indices: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Play]:
    """Return what makes a performance on the real servers, emptied."""
    monkeypatch.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    monkeypatch.setenv("HOTLINE_KAFKA__PARTITIONS", str(fresh_topics.partitions))
    return lambda *patience: Play(fresh_topics, stack.elasticsearch_url, local_stack.data_dir, 0, *patience)


@pytest.mark.integration
def test_a_second_performance_ends_when_its_repeats_are_worked_off(
    play: Callable[..., Play], fresh_topics: KafkaConnection
) -> None:
    delivered = 0
    for _ in range(2):
        performed, notes = play(), list[str]()
        result = performed.perform(notes.append)
        delivered += sum(bool(note) and not note.startswith("↻") for note in notes)
        assert result.complete
        reader = TopicReader(fresh_topics)
        raw = [one for one in reader.all() if one.topic in (*topics.LIVE_RAW, topics.BACKFILL)]
        there = sum(Envelope.of(one.headers).type != BEGINNING for one in raw)
        assert performed.ledger.records == there >= delivered  # what a busy Kafka was late for was sent again
        assert reader.unfinished() == 0
        reader.close()


@pytest.mark.integration
def test_what_earlier_runs_left_is_known_before_this_one_sends_however_slowly_it_is_read(
    play: Callable[..., Play], fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(fresh_topics, MemoryStore())
    publisher.publish([message(f"earlier-{number}") for number in range(60)])
    publisher.close()
    reader, notes = TopicReader(fresh_topics), list[str]()
    poll = reader._consumer.poll
    monkeypatch.setattr(reader._consumer, "poll", lambda timeout_ms, max_records: slowly(poll, timeout_ms))
    performed = play()
    performed._remember(reader, notes.append)
    reader.close()
    assert performed.ledger.records == 60
    assert "60 are here already" in notes[0]


def slowly(poll: Callable[..., Any], milliseconds: int) -> Any:
    """Give one record at a time, as a busy machine may."""
    time.sleep(0.02)
    return poll(timeout_ms=milliseconds, max_records=1)


@pytest.mark.integration
def test_a_performance_whose_sums_do_not_match_ends_with_the_sums(
    play: Callable[..., Play], stack: Endpoints, fresh_topics: KafkaConnection
) -> None:
    asyncio.run(plant(stack.elasticsearch_url))
    result = play(1.0).perform(lambda note: None)
    assert not result.complete
    assert "✘" in drawn(summary(result))


async def plant(url: str) -> None:
    """Put more tickets into the archive that no topic knows than may be missing there in a second."""
    async with AsyncElasticsearch(url, request_timeout=60) as client:
        for number in range(100):
            await client.index(index="hotline-ticket", id=f"stray{number}", document={"ticket_id": f"stray{number}"})


def drawn(picture: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(picture)
    return out.getvalue()


class Incomplete:
    """A performance that lost a message."""

    log = Path("pipeline.log")

    def perform(self, tick: Callable[[str], None]) -> Result:
        ledger = Ledger(messages={"lost"})
        return Result(totals=ledger.totals(), indexed=0, hits={})


def test_a_demo_whose_sums_do_not_match_prints_its_line_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "local_stack", lambda settings: None)
    monkeypatch.setattr(cli, "_stage", lambda *arguments: Incomplete())
    monkeypatch.setattr(cli, "_versions", lambda settings: {"kafka": "4", "elasticsearch": "9"})
    done = CliRunner().invoke(app, ["demo", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["messages"] == 1
    assert "pipeline.log" in done.stderr
