"""A process that meets a record which holds the processor: FOLDER WHERE(loop|thread|chunk|innocent)."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from schemas import topics
from streams.engine.fetched_record import Fetched
from streams.engine.in_work import InWork

RECORDS = [Fetched(topics.MESSAGE, 3, 40 + number, 1_700_000_000_000 + number, b"k", b"v", []) for number in range(3)]


def explode() -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")  # keeps the interpreter's lock for years


def freeze() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: str, where: str) -> None:
    work = InWork("assign", Path(folder), cpu_seconds=0.5)
    work.begin()
    guarding = asyncio.create_task(work.guard())
    await asyncio.sleep(0)
    for record in RECORDS:
        if (fault := work.fault_of(record)) is not None:
            print("set aside", record.offset, fault, flush=True)
        elif where == "chunk" and work.is_suspect(RECORDS):
            work.on(record, explode if record is RECORDS[1] else int)
        elif where == "chunk":
            with work.marked(RECORDS[0], RECORDS[-1]):
                explode()
        elif where == "thread" and record is RECORDS[1]:
            await work.in_thread(record, explode)
        elif where == "killed":
            work.on(record, freeze)
        else:
            work.on(record, explode if record is RECORDS[1] else int)
    guarding.cancel()
    work.end()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
