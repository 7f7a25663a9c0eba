"""The fault suite finds what is left of a citizen who asked to be forgotten."""

import os
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.faults.erasures import in_log, in_store
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import Numbered
from schemas import ids, topics
from schemas.codec import encode
from storage.paths import ERASED, checkpoints, folder
from tests.faults.test_checker import sent, written
from tests.tickets.build import START
from tickets.erasure.blackout import erased

everything = cache(written)
PARTITIONS = 4


class Run:
    """What a run left of one citizen: a ticket that is erased, and an empty folder with the eraser's mark."""

    def __init__(self, blobs: Path) -> None:
        self.blobs, self.ledger = blobs, Ledger()
        for record in everything():
            self.ledger.take(record)
        self.message: Numbered = next(one for one in sent() if one.is_forgotten)
        (self.ticket_id,) = self.ledger.tickets_of(self.message.number)
        (message_id,) = self.ledger.ids[self.message.number]
        for topic, known in ((topics.TICKET, self.ledger.tickets), (topics.TICKET_MASKED, self.ledger.masked)):
            known[self.ticket_id] = replace(erased(known[self.ticket_id]), version=2)
            self.ledger.values[topic, self.ticket_id] = encode(known[self.ticket_id])
        self.ledger.audited[self.ticket_id] = 1
        self.ledger.erased[self.ticket_id] = START
        self.folder = blobs / folder(self.message.city, message_id)
        self.folder.mkdir(parents=True)
        (self.folder / ERASED).touch()

    def found(self) -> set[str]:
        return {*in_log(self.message, self.ledger), *in_store(self.message, self.ledger, self.blobs, PARTITIONS)}


def kept(run: Run) -> None:
    run.ledger.masked[run.ticket_id] = replace(run.ledger.masked[run.ticket_id], erased=False)


def spoken_of(run: Run) -> None:
    run.ledger.values[topics.TICKET_MASKED, run.ticket_id] += run.message.mark.encode()


def untold(run: Run) -> None:
    run.ledger.audited.clear()


def told_twice(run: Run) -> None:
    run.ledger.audited[run.ticket_id] += 1


def unmarked(run: Run) -> None:
    (run.folder / ERASED).unlink()


def stored(run: Run) -> None:
    (run.folder / "sound").touch()


def remembered(run: Run) -> None:
    place = run.blobs / checkpoints(ids.partition_of(run.message.city, PARTITIONS))
    place.mkdir(parents=True)
    (place / "old").touch()
    before = (START - timedelta(seconds=2)).timestamp()
    os.utime(place / "old", (before, before))


def test_nothing_is_left_of_a_citizen_who_is_forgotten(tmp_path: Path) -> None:
    assert Run(tmp_path).found() == set()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (kept, "ticket not erased"),
        (spoken_of, "erased words in a ticket"),
        (untold, "erasure told of 0 times in the audit log"),
        (told_twice, "erasure told of 2 times in the audit log"),
        (unmarked, "no mark of the eraser in the blob store"),
        (stored, "bytes of an erased message in the blob store"),
        (remembered, "checkpoint older than an erasure"),
    ],
)
def test_a_fault_is_found(fault: Callable[[Run], None], kind: str, tmp_path: Path) -> None:
    run = Run(tmp_path)
    fault(run)
    assert run.found() == {kind}
