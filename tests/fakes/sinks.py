"""A sink in memory that keeps the contract, and one whose answers a test writes."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

import msgspec

from schemas.codec import Position
from schemas.errors import MappingConflictError, SchemaError
from sinks.base import Document, Refusal, Verdicts


def document(
    key: str = "k1",
    value: bytes = b'{"search_text":"a"}',
    *,
    version: int = 1,
    topic: str = "test.ticket.v1",
    offset: int = 0,
    recorded: str = "2026-11-24T01:12:02+00:00",
) -> Document:
    headers = [("ce_sequence", b"%010d" % version), ("ce_recordedtime", recorded.encode())]
    return Document(Position(topic, 0, offset), key.encode(), value, headers)


class MemorySink:
    """Keeps the newest version of each document; `location` must be an object, as in the real index."""

    name: ClassVar[str] = "memory"

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[int, bytes]] = {}

    async def open(self) -> None:
        pass

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        verdicts = Verdicts()
        for each in documents:
            self._write(each, verdicts)
        return verdicts

    async def close(self) -> None:
        pass

    def _write(self, each: Document, verdicts: Verdicts) -> None:
        try:
            fields = msgspec.json.decode(each.value, type=dict)
        except msgspec.DecodeError:
            verdicts.rejected.append(Refusal(each, SchemaError.code, "not JSON"))
            return
        if isinstance(fields.get("location", {}), str):
            verdicts.rejected.append(Refusal(each, MappingConflictError.code, "a string at location"))
            return
        version = int(dict(each.headers)["ce_sequence"])
        if self.kept.get(each.key, (0, b""))[0] > version:
            verdicts.stale.append(each)
            return
        self.kept[each.key] = (version, each.value)
        verdicts.stored.append(each)


Answer = Callable[[Sequence[Document]], Awaitable[Verdicts]]


class ScriptedSink:
    """Gives one scripted answer after the other, the last one for ever; remembers what it was asked to write."""

    name: ClassVar[str] = "scripted"

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[list[Document]] = []

    async def open(self) -> None:
        pass

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        self.asked.append(list(documents))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await answer(documents)

    async def close(self) -> None:
        pass


async def stores(documents: Sequence[Document]) -> Verdicts:
    return Verdicts(stored=list(documents))


def fails(error: Exception) -> Answer:
    async def answer(_: Sequence[Document]) -> Verdicts:
        raise error

    return answer
