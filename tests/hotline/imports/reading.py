"""Reads files as `hotline import` does, without Kafka."""

import json
from pathlib import Path
from typing import Any

from hotline.importer.columns import Columns
from hotline.importer.item import Item, Options
from hotline.importer.raws import Intake
from hotline.importer.readers import read
from hotline.importer.report import Report, Totals
from hotline.importer.run import Import
from hotline.importer.sources import find
from schemas.errors import PipelineError
from schemas.records import RawMessage

CITY = "210100"


class Memory:
    """A destination and a ledger in memory."""

    def __init__(self) -> None:
        self.messages: list[RawMessage] = []
        self.held: dict[int, int] = {}
        self.faults: list[PipelineError] = []

    def publish(self, messages) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.messages.extend(messages)

    def known(self, names) -> dict[int, int]:
        return {name: self.held[name] for name in names if name in self.held}

    def add(self, held) -> None:
        self.held.update(held)


def options(**fields: Any) -> Options:
    return Options(**({"columns": Columns()} | fields))


def items(path: Path, **fields: Any) -> list[Item]:
    return [item for source in find([path]) for item in read(source, options(**fields))]


def records(path: Path, **fields: Any) -> list[dict[str, Any]]:
    """What is read of a file in which nothing is refused."""
    found = items(path, **fields)
    assert [item.fault for item in found if item.fault] == []
    return [json.loads(item.data) for item in found]


def refused(path: Path, **fields: Any) -> list[tuple[int | None, str | None, str]]:
    return [(item.line, item.code, str(item.fault)) for item in items(path, **fields) if item.fault]


def imported(
    *paths: Path, memory: Memory | None = None, told: list[PipelineError] | None = None, **fields: Any
) -> tuple[Memory, Totals]:
    memory, totals = memory or Memory(), Totals()
    told = [] if told is None else told
    intake = Intake(account="old_system", jurisdiction=CITY)
    Import(intake, options(**fields), memory, memory, Report(totals), totals, complain=told.append).run(find(paths))
    return memory, totals
