"""A record that holds the processor: the process ends, and sets the record aside when it starts again.

::

    loop ──each second──▶ setitimer(30 s of CPU) ── no turn of the loop for 30 s of CPU ──▶ SIGPROF ends the process
    record ──mark──▶ mmap of data/in-work/<stage>-<token>.work        faulthandler ──▶ held-<token>.trace
                                   └──── next start: marked, and a trace ────▶ dead letter, bytes kept

A regular expression that explodes keeps the interpreter's lock, so neither a thread nor the loop can notice: the kernel
has to. It counts CPU time, which neither a busy machine nor a frozen process uses up. A mark is a write into shared
memory: it outlives the process, costs some microseconds, and needs no fsync, as a machine that loses its power
holds no processor. A process that is killed otherwise leaves no trace, and its marks mean nothing.

A chunk of which nobody knows which record holds the processor is worked off singly, so that the next end names one.
"""

import asyncio
import faulthandler
import fcntl
import mmap
import os
import secrets
import signal
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

import structlog
from msgspec import DecodeError, Struct, json

from schemas import topics
from schemas.codec import Inbound
from schemas.errors import RecordError
from storage.private_files import make_private

CPU_SECONDS = 30.0
"""CPU seconds of the process without a turn of the event loop. A checkpoint of 30 million ids takes 7, a record
milliseconds."""

TURN_SECONDS = 1.0

FOLDER = "in-work"

MOST_HELD = 1_000
"""Positions that are remembered; the oldest are dropped."""

LOOP, SLOTS = 0, 41
"""Slot of the event loop, and the number of slots with those of threads; asyncio has 32 threads at most.

Of several marked records, one in a thread is set aside first because it is megabytes. Each end of a process names at
least one.
"""

_SLOT = struct.Struct("<qqqii")
"""First and last offset, timestamp of the first record, partition, index of the topic, and 1."""

_NONE = bytes(_SLOT.size)

_TOPICS = sorted(topics.TOPICS)
_NUMBERS = {name: number for number, name in enumerate(_TOPICS, 1)}

_token = secrets.token_hex(16)
_log = structlog.get_logger(__name__)

Made = TypeVar("Made")


class Held(Struct, frozen=True):
    """Records of which one held the processor; exactly that one if `first` equals `last`."""

    topic: str
    partition: int
    first: int
    last: int
    timestamp: int

    def has(self, record: Inbound) -> bool:
        """Return whether a record is one of them; a topic that was made anew has another record at this offset."""
        if (record.topic, record.partition) != (self.topic, self.partition):
            return False
        if record.offset == self.first:
            return record.timestamp == self.timestamp
        return self.first < record.offset <= self.last


class InWork:
    """Marks the records in work, and knows the records that ended earlier processes. Without a folder it marks in
    memory.
    """

    def __init__(self, stage: str = "", data_dir: Path | None = None, cpu_seconds: float = CPU_SECONDS) -> None:
        self._stage = stage
        self._folder = data_dir / FOLDER if data_dir else None
        self._seconds = cpu_seconds
        self._slots: Any = bytearray(SLOTS * _SLOT.size)
        self._file: IO[bytes] | None = None
        self._held: list[Held] = []
        self._free = list(range(1, SLOTS))

    def fault_of(self, record: Inbound) -> RecordError | None:
        """Return why a record is set aside, or None for a record that held nothing."""
        if not self._held or not any(one.first == one.last and one.has(record) for one in self._held):
            return None
        return RecordError(
            f"it blocked the processor for {self._seconds:.0f} s, which ended the process; its text may be "
            "an attack. The log line record_held_the_processor names the place"
        )

    def is_suspect(self, records: Sequence[Inbound]) -> bool:
        """Return whether one of several records held the processor and it is unknown which."""
        several = [one for one in self._held if one.first != one.last]
        return bool(several) and any(one.has(record) for one in several for record in records)

    def on(self, record: Inbound, work: Callable[..., Made], *arguments: Any) -> Made:
        """Run the work and return its result; the record is marked meanwhile."""
        offset = record.offset  # no `marked`: a context manager costs ten times as much
        _SLOT.pack_into(
            self._slots, 0, offset, offset, record.timestamp, record.partition, _NUMBERS.get(record.topic, 0)
        )
        try:
            return work(*arguments)
        finally:
            self._slots[: _SLOT.size] = _NONE

    async def in_thread(self, record: Inbound, work: Callable[..., Made], *arguments: Any) -> Made:
        """Run the work in a thread and return its result; the record is marked until the thread ends, even if the
        caller stops waiting.
        """
        return await asyncio.to_thread(self._marked_in_thread, record, work, *arguments)

    def _marked_in_thread(self, record: Inbound, work: Callable[..., Made], *arguments: Any) -> Made:
        slot = self._free.pop()  # there are more than threads
        try:
            with self.marked(record, record, slot):
                return work(*arguments)
        finally:
            self._free.append(slot)

    @contextmanager
    def marked(self, first: Inbound, last: Inbound, slot: int = LOOP) -> Iterator[None]:
        """Mark records; the block must not await."""
        topic = _NUMBERS.get(first.topic, 0)
        at = slot * _SLOT.size
        _SLOT.pack_into(self._slots, at, first.offset, last.offset, first.timestamp, first.partition, topic)
        try:
            yield
        finally:
            self._slots[at : at + _SLOT.size] = _NONE

    def begin(self) -> None:
        """Read what ended this stage's earlier processes, and start to mark. An error of the disk ends nothing."""
        if self._folder is None:
            return
        try:
            make_private(self._folder)
            self._held = self._learnt(self._folder)
            self._file = (self._folder / f"{self._stage}-{_token}.work").open("w+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.write(bytes(self._slots))
            self._file.flush()
            self._slots = mmap.mmap(self._file.fileno(), len(self._slots))
            _trace(self._folder)
        except OSError as error:
            _log.error("in_work_not_marked", stage=self._stage, error=error.strerror)

    async def guard(self) -> None:
        """Let the kernel end this process if the event loop has no turn; runs until it is cancelled."""
        try:
            while True:
                signal.setitimer(signal.ITIMER_PROF, self._seconds)
                await asyncio.sleep(TURN_SECONDS)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def end(self) -> None:
        """Remove the marks: no record is in work any more."""
        if self._file is not None:
            self._slots = bytearray(SLOTS * _SLOT.size)
            with suppress(OSError):
                Path(self._file.name).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _learnt(self, folder: Path) -> list[Held]:
        store = folder / f"{self._stage}.json"
        try:
            known = json.decode(store.read_bytes(), type=list[Held])
        except (OSError, DecodeError):
            known = []
        found = [one for path in sorted(folder.glob(f"{self._stage}-*.work")) for one in self._left_by(path)]
        if found:
            known = list(dict.fromkeys([*known, *found]))[-MOST_HELD:]
            whole = store.with_suffix(".new")
            whole.write_bytes(json.encode(known))
            whole.replace(store)
        for path in _of_the_dead(folder, self._stage):
            path.unlink(missing_ok=True)
        return known

    def _left_by(self, path: Path) -> list[Held]:
        """Return the records that an earlier process had in work when it was ended for holding the processor."""
        if not _is_dead(path):
            return []
        trace = _trace_of(path)
        told = trace.read_text("utf-8", "replace") if trace.is_file() else ""
        if not told:
            return []
        slots = path.read_bytes()
        marked = (_held(slots, slot) for slot in (*range(1, SLOTS), LOOP))
        one = next((one for one in marked if one is not None), None)
        if one is None:
            return []
        _log.error("record_held_the_processor", stage=self._stage, trace=told[:4_000], **_place(one))
        return [one]


def _place(one: Held) -> dict[str, Any]:
    return {"topic": one.topic, "partition": one.partition, "first": one.first, "last": one.last}


def _held(slots: bytes, slot: int) -> Held | None:
    if len(slots) < (slot + 1) * _SLOT.size:
        return None
    first, last, timestamp, partition, topic = _SLOT.unpack_from(slots, slot * _SLOT.size)
    return Held(_TOPICS[topic - 1], partition, first, last, timestamp) if 0 < topic <= len(_TOPICS) else None


def _trace(folder: Path) -> None:
    """Have all threads' stacks written when the kernel, or systemd's watchdog (SIGABRT), ends the process."""
    path = folder / f"held-{_token}.trace"
    if path not in _traces:
        _traces[path] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    file = _traces[path]
    faulthandler.register(signal.SIGPROF, file=file, all_threads=True, chain=True)
    faulthandler.enable(file=file, all_threads=True)


_traces: dict[Path, int] = {}
"""Descriptors, open as long as the process lives."""


def _trace_of(path: Path) -> Path:
    return path.with_name(f"held-{path.stem.rpartition('-')[2]}.trace")


def _of_the_dead(folder: Path, stage: str) -> Iterator[Path]:
    """Yield the files of a stage's earlier processes, and traces without a mark of any stage."""
    for path in folder.glob(f"{stage}-*.work"):
        if _is_dead(path):
            yield path
    for trace in folder.glob("held-*.trace"):
        token = trace.stem.removeprefix("held-")
        if token != _token and not any(_is_of(path, token, stage) for path in folder.glob("*.work")):
            yield trace


def _is_of(path: Path, token: str, stage: str) -> bool:
    is_read = path.name.startswith(f"{stage}-") and _is_dead(path)
    return path.stem.endswith(f"-{token}") and not is_read


def _is_dead(path: Path) -> bool:
    """Return whether the process of a file has ended: a living process holds a lock on its file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
