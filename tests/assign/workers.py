"""Assign workers as processes, and letters of two cities for them."""

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path

from broker.config import KafkaConnection
from schemas.records import Message
from tests.dying import running
from tests.forked import Forked
from tests.tickets.build import CITY, message

WORKER = Path(__file__).with_name("worker.py")


def letters(count: int, *, start: int = 0) -> list[Message]:
    """Two cities; every third message answers the one before it, every seventh repeats one."""
    made = []
    for number in range(start, start + count):
        city = CITY if number % 2 else "110000"
        answers = (f"{city}-{number - 2}",) if number % 3 == 0 else ()
        sender = str(13800000000 + (number - 2 if answers else number))
        made.append(message(number, f"第{number}件事", sender=sender, answers=answers, jurisdiction=city))
        if number % 7 == 0:
            made.append(made[-1])
    return made


def worker(
    connection: KafkaConnection, blobs: Path, *kill: str, log: Path | None = None
) -> AbstractContextManager[Forked]:
    return running(WORKER, connection.bootstrap_servers, str(blobs), *kill, log=log)


async def finished(process: Forked) -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), 60)


def decided(messages: list[Message]) -> int:
    return len({one.message_id for one in messages})
