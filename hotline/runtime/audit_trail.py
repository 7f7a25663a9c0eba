"""Acts of people at the console, recorded before they are carried out: at the brokers, or first on this host's disk.

::

    act ── shows or changes something? ── yes ── the brokers hold it, or the act is refused
                                       └─ no ─── the brokers hold it, or a synced file; `deliver` brings it to them

docs/adr/0059-acts-on-the-disk.md says which acts may lie on the disk, and why.
"""

import asyncio
import os
import secrets
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from console import metrics
from console.trail import MAY_WAIT, Act, UnrecordedError
from hotline.config import command_signers
from schemas import ids
from schemas.codec import decode, encode
from schemas.errors import PipelineError, RetriableError, SchemaError
from schemas.records import Command
from storage.private_files import for_us_alone, make_private

if TYPE_CHECKING:
    from broker.sync_producer import Producer
    from schemas.command_signature import Signer

SECONDS = 5.0
"""An act that Kafka does not take in this time is not carried out."""

QUICK_SECONDS = 1.0
"""One that may wait is then kept on the disk. Kafka may have it as well: the same id is decided once."""

MOST_WAITING = 100_000
"""Acts on the disk, about 100 MB; more are refused."""

PAUSE_SECONDS = 2.0
AT_ONCE = 500

_log = structlog.get_logger(__name__)


class AuditTrail:
    """Acts as signed commands, which `assign` writes into the audit log; `folder` keeps those that wait for Kafka."""

    def __init__(
        self,
        producer: "Producer",
        signer: "Signer | None",
        jurisdiction: str,
        folder: Path,
        system: str = command_signers.CONSOLE,
    ) -> None:
        self._producer = producer
        self._signer = signer
        self._jurisdiction = jurisdiction
        self._folder = folder
        self._system = system
        self._counting = threading.Lock()  # a file must not appear between a look and its count
        self._waiting = 0
        self._count()  # of an earlier process, too

    async def record(self, act: Act) -> None:
        """Return when the brokers hold the act, or the disk one that may wait. Raises UnrecordedError."""
        command = self._command(act)
        try:
            if act.action in MAY_WAIT:
                await self._record_somewhere(command)
            else:
                await asyncio.to_thread(self._send, [command])
        except (RetriableError, OSError) as error:
            metrics.TRAIL_FAILED.inc()
            raise UnrecordedError("the act could not be recorded") from error

    async def deliver(self) -> None:
        """Bring what waits on the disk to Kafka, for ever: in order, and again after a failure."""
        while True:
            if self._waiting:
                try:
                    await asyncio.to_thread(self._deliver)
                except (PipelineError, OSError) as error:
                    _log.warning("acts_wait", count=self._waiting, error=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    def _command(self, act: Act) -> Command:
        return Command(
            command_id=f"act:{ids.b32_text(secrets.token_bytes(15), 24)}",
            jurisdiction=self._jurisdiction,
            kind="record",
            author=f"{self._system}/{act.person}",
            at=datetime.now(UTC),
            args={"action": act.action, "subject": act.subject, "details": {"run": act.run, **act.details}},
        )

    async def _record_somewhere(self, command: Command) -> None:
        if not self._waiting:  # else Kafka is away, and the page need not find out again
            with suppress(RetriableError, TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(self._send, [command]), QUICK_SECONDS)
                return
        await asyncio.to_thread(self._keep, command)

    def _send(self, commands: list[Command]) -> None:
        now = datetime.now(UTC)
        self._producer.deliver_now([command.outbound(now, self._signer) for command in commands])

    def _keep(self, command: Command) -> None:
        if self._waiting >= MOST_WAITING:
            raise OSError("too many acts wait")
        make_private(self._folder)
        name = f"{time.time_ns():020d}-{command.command_id.removeprefix('act:')}"
        part = self._folder / f"{name}.part"
        with open(part, "wb", opener=for_us_alone) as file:
            file.write(encode(command))
            file.flush()
            os.fsync(file.fileno())
        with self._counting:
            part.rename(self._folder / f"{name}.act")
        self._count()
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.act"))

    def _deliver(self) -> None:
        """Send what waits; a crash before the end sends it again, under the same id, which counts once."""
        files = self._files()
        for start in range(0, len(files), AT_ONCE):
            some = files[start : start + AT_ONCE]
            self._send([command for file in some if (command := _read(file)) is not None])
            for file in some:
                file.unlink(missing_ok=True)
        self._count()

    def _count(self) -> None:
        with self._counting:
            self._waiting = len(self._files())
            metrics.TRAIL_WAITING.set(self._waiting)


def _read(file: Path) -> Command | None:
    """Return the act of a file; one that a disk damaged is set aside, and the log says so."""
    try:
        return decode(file.read_bytes(), Command)
    except SchemaError:
        _log.error("act_unreadable", file=file.name)
        file.rename(file.with_suffix(".bad"))
        return None
