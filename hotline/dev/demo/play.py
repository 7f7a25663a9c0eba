"""Plays the samples and waits until the topics and the archive account for all of them."""

import asyncio
import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from elasticsearch import AsyncElasticsearch
from msgspec import Struct

from broker.config import KafkaConnection
from hotline.dev.demo import pipeline
from hotline.dev.demo.greenmail import first_port
from hotline.dev.demo.ledger import Ledger, TopicReader, Totals
from hotline.dev.demo.players import PLAYERS
from hotline.dev.demo.stage import PATIENCE_SECONDS, Player, Stage
from hotline.search.archive import Archive
from schemas.errors import MisconfiguredError
from tickets.search import Hit, Query

QUERIES = ("中山路12号", "万达", "阳光花园", "井盖", "公车站")
"""Two-character names, road and number, a traditional word asked for in simplified characters."""

Tick = Callable[[str], None]
"""Told what was just sent; an empty text only lets time pass."""


class Result(Struct, frozen=True, kw_only=True):
    """What the demo ends with."""

    totals: Totals
    indexed: int
    hits: dict[str, tuple[Hit, ...]]

    @property
    def complete(self) -> bool:
        """Say whether every message is accounted for, in the topics and in the archive."""
        return self.totals.balanced and self.indexed == self.totals.tickets


class Play:
    """One performance on a stack that is up."""

    def __init__(
        self,
        connection: KafkaConnection,
        elasticsearch_url: str,
        data_dir: Path,
        pause: float,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.ledger = Ledger()
        self._connection = connection
        self._url = elasticsearch_url
        self._data_dir = data_dir
        self._folder = data_dir / "demo"
        self._pause = pause
        self._patience = patience

    @property
    def log(self) -> Path:
        """Return where the pipeline tells what happens to it."""
        return self._folder / "pipeline.log"

    def perform(self, tick: Tick) -> Result:
        """Send every sample, then wait until all of them are worked off; the result says whether they were in time."""
        with _alone(self._folder), closing(TopicReader(self._connection)) as reader:
            self._remember(reader, tick)
            self._run(reader, tick)
            self._read_all(reader)
        return asyncio.run(self._look_up())

    def _remember(self, reader: TopicReader, tick: Tick) -> None:
        """Read what earlier runs left: what is missed of it would count as sent by this one."""
        self._read_all(reader)
        known = len(self.ledger.raw)
        if known:
            tick(f"↻ 已有 {known} 条来件，全部重发一遍 · {known} are here already: all of them are sent once more")

    def _run(self, reader: TopicReader, tick: Tick) -> None:
        with ExitStack() as running:
            stage = running.enter_context(closing(Stage(self._folder, first_port(self._data_dir))))
            players = [running.enter_context(make(stage)) for make in PLAYERS]
            settings = pipeline.environment(self._data_dir, stage.receiver_port)
            for player in players:
                settings |= player.environment()
            components = [component for player in players for component in player.components]
            running.enter_context(pipeline.running(self._folder, settings, stage.receiver_port, components))
            before = self.ledger.records
            sent = self._send(players, reader, tick)
            self._arrive(before + sent, reader, tick)

    def _send(self, players: Sequence[Player], reader: TopicReader, tick: Tick) -> int:
        """Send every sample and return how many raw records that makes, repeats among them."""
        sent = 0
        for note in _alternately(*(player.messages() for player in players)):
            sent += 1
            tick(note)
            self._read(reader, self._pause)
            tick("")
        return sent

    def _arrive(self, records: int, reader: TopicReader, tick: Tick) -> None:
        end = time.monotonic() + self._patience
        while not self._all_there(records, reader) and time.monotonic() < end:
            self._read(reader, 0.2)
            tick("")

    def _all_there(self, records: int, reader: TopicReader) -> bool:
        totals = self.ledger.totals()
        worked_off = self.ledger.records >= records and totals.balanced and not reader.unfinished()
        return worked_off and asyncio.run(self._indexed(totals))

    def _read(self, reader: TopicReader, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            for record in reader.read():
                self.ledger.take(record)
            if time.monotonic() >= end:
                return

    def _read_all(self, reader: TopicReader) -> None:
        for record in reader.all():
            self.ledger.take(record)

    async def _indexed(self, totals: Totals) -> bool:
        async with AsyncElasticsearch(self._url, request_timeout=60) as client:
            archive = Archive(client)
            await archive.refresh()
            return await archive.count(masked=False) == totals.tickets == await archive.count()

    async def _look_up(self) -> Result:
        async with AsyncElasticsearch(self._url, request_timeout=60) as client:
            archive = Archive(client)
            await archive.refresh()
            hits = {query: (await archive.search(Query(text=query))).hits for query in QUERIES}
            return Result(totals=self.ledger.totals(), indexed=await archive.count(masked=False), hits=hits)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second demo from the same stack: its cursors and its mail server would be this one's."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MisconfiguredError(
                f"A demo already runs on the stack in {folder.parent}: wait for its end, or use another folder."
            ) from None
        yield


def _alternately(*streams: Iterator[str]) -> Iterator[str]:
    left = list(streams)
    while left:
        for stream in list(left):
            try:
                yield next(stream)
            except StopIteration:
                left.remove(stream)
