"""One import: items are read, named, published in batches and remembered, in this order; it stops at no bad line."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from hotline.importer.item import Item, Options
from hotline.importer.ledger import contents_of, names_of
from hotline.importer.raws import Intake, is_undated
from hotline.importer.readers import read
from hotline.importer.report import Refusal, Report, Totals
from hotline.importer.sources import Source
from schemas.errors import PipelineError, RecordError, RetriableError
from schemas.records import RawMessage

BATCH_RECORDS = 1_000
BATCH_BYTES = 4 << 20

PATIENCE_SECONDS = 600.0
"""How long an import waits for a Kafka that went away; one that never answered is not waited for."""

BACK_OFF = {"multiplier": 0.5, "max": 10.0}
"""Seconds between two attempts."""

ID_TAKEN = "id_taken"
_TAKEN = (
    "a message with this id but different contents or another city was imported before: this one would change nothing"
)

Tick = Callable[[Source, Totals], None]
"""Hears now and then which file the import has come to."""


class Destination(Protocol):
    """Where raw records go: the publisher, or nothing on a dry run."""

    def publish(self, messages: Iterable[RawMessage]) -> None:
        """Return when they are safe; raises a RetriableError when they may not be."""
        ...


class Memory(Protocol):
    """What was imported before."""

    def known(self, names: Sequence[int]) -> dict[int, int]:
        """Return the contents by name."""
        ...

    def add(self, held: dict[int, int]) -> None:
        """Remember what is safe."""
        ...


class StoppedReading(BaseException):
    """The import was asked to stop while it read a file; no fault, so no reader may catch it."""


class Stop(threading.Event):
    """Set when the import shall end: behind the batch on its way, or at once where a file is being read.

    A packed line of a gigabyte, or a workbook, gives no item for long; what was read and not published is read again.
    """

    reading = False

    def ask(self) -> None:
        """End the import; called by a signal's handler. Raises StoppedReading in the midst of a file."""
        self.set()
        if self.reading:
            self.reading = False
            raise StoppedReading


class Named(Struct, frozen=True):
    """A message with where it stands in its file."""

    item: Item
    raw: RawMessage


class Import:
    """Moves the messages of files to back-fill."""

    def __init__(
        self,
        intake: Intake,
        options: Options,
        destination: Destination,
        ledger: Memory,
        report: Report,
        totals: Totals,
        *,
        rate: float | None = None,
        stop: Stop | None = None,
        tick: Tick = lambda _, __: None,
        complain: Callable[[PipelineError], None] = lambda _: None,
    ) -> None:
        self._intake = intake
        self._options = options
        self._destination = destination
        self._ledger = ledger
        self._report = report
        self._totals = totals
        self._rate = rate
        self._stop = stop or Stop()
        self._tick = tick
        self._complain = complain
        self._published_any = False
        self._due = time.monotonic()

    def run(self, sources: Iterable[Source]) -> None:
        """Import every file. Raises an error of ours when Kafka does not take the messages; run it again then."""
        for batch in self._batches(sources):
            self._move(batch)
            if self._stop.is_set():
                self._totals.stopped = True
                return

    def _batches(self, sources: Iterable[Source]) -> Iterator[list[Named]]:
        """Yield what can be published, so much at a time; the last one also when it is empty."""
        batch: list[Named] = []
        size = 0
        for source in sources:
            self._totals.files += 1
            for item in self._items(source):
                self._totals.read += 1
                named = self._named(item)
                if named is not None:
                    batch.append(named)
                    size += len(named.raw.value)
                if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES or self._stop.is_set():
                    yield batch
                    batch, size = [], 0
                if self._totals.read % BATCH_RECORDS == 0:
                    self._tick(source, self._totals)
            self._tick(source, self._totals)
            if self._stop.is_set():
                break
        yield batch

    def _items(self, source: Source) -> Iterator[Item]:
        """Yield the items of a file; of one that is being read when the import is to stop, those before."""
        items = read(source, self._options)
        while True:
            try:
                self._stop.reading = True
                item = next(items, None)
                self._stop.reading = False
            except StoppedReading:
                return
            if item is None:
                return
            yield item

    def _named(self, item: Item) -> Named | None:
        try:
            if item.fault is not None:
                raise item.fault
            named = Named(item, self._intake.raw_of(item))
        except PipelineError as error:
            self._refuse(item, getattr(error, "code", RecordError.code), str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours on one record; it is named, never quoted
            self._refuse(item, RecordError.code, type(error).__name__)
        else:
            self._totals.undated += is_undated(item)
            return named
        return None

    def _refuse(self, item: Item, code: str, reason: str) -> None:
        self._report.refuse(Refusal(item.place, item.line, code, reason))

    def _move(self, batch: Sequence[Named]) -> None:
        """Publish what is new, then remember it: a kill in between repeats messages, and loses none."""
        names = [names_of(one.raw) for one in batch]
        known = self._ledger.known([name for each in names for name in each])
        fresh: dict[int, int] = {}
        messages: list[RawMessage] = []
        for (name, *earlier), one in zip(names, batch, strict=True):
            contents = contents_of(one.raw)
            before = known.get(name, fresh.get(name))
            if before in contents or any(known.get(each) in contents for each in earlier):
                self._totals.known += 1
            elif before is None:
                fresh[name] = contents[0]
                messages.append(one.raw)
            else:
                self._refuse(one.item, ID_TAKEN, _TAKEN)
        if messages:
            self._publish(messages)
            self._ledger.add(fresh)
            self._totals.published += len(messages)

    def _publish(self, messages: list[RawMessage]) -> None:
        self._wait(len(messages))
        retrying = Retrying(
            retry=retry_if_exception_type(RetriableError),
            wait=wait_random_exponential(**BACK_OFF),
            stop=self._gives_up,
            sleep=self._sleep,
            reraise=True,
        )
        retrying(self._destination.publish, messages)
        self._published_any = True

    def _gives_up(self, state: RetryCallState) -> bool:
        waited = state.seconds_since_start or 0.0
        gives_up = not self._published_any or self._stop.is_set() or waited > PATIENCE_SECONDS
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, PipelineError) and not gives_up and state.attempt_number == 1:
            self._complain(error)  # once for each fault; giving up raises it
        return gives_up

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _wait(self, count: int) -> None:
        """Keep to the rate that was asked for."""
        if self._rate:
            self._stop.wait(max(0.0, self._due - time.monotonic()))
            self._due = max(self._due, time.monotonic()) + count / self._rate
