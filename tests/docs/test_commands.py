"""docs/how-to/commands.md: its programs run as they stand there, its tables are the code's."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from uvicorn import Config, Server

from connectors.backoffice.api import BackOffice
from connectors.backoffice.settings import BackOfficeSettings
from schemas import enums as vocabulary
from schemas.codec import Outbound, decode
from schemas.records import Command, Event
from tests.connectors.serving import free_port
from tests.docs.pages import ROOT
from tests.rows import each_row
from tests.waiting import soon
from tickets import lifecycle
from tickets.commands import COMMANDS
from tickets.commands.erasure import FIELDS

PAGE = (ROOT / "docs" / "how-to" / "commands.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"```\w+\n# ([\w.]+)\n(.*?)```", PAGE, re.DOTALL))
SECRET = "a secret of the back office, 32 bytes or more"


class Kafka:
    """Holds commands; none is decided yet."""

    def __init__(self) -> None:
        self.held: list[Command] = []

    def deliver(self, records: list[Outbound]) -> "Future[None]":
        self.held += [decode(record.value, Command) for record in records]
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def find(self, command_id: str, city: str, since: datetime, seconds: float) -> Event | None:
        return None


@asynccontextmanager
async def door(kafka: Kafka) -> AsyncIterator[str]:
    key = BackOfficeSettings(
        secret=SecretStr(SECRET),
        system="crm",
        kinds=frozenset({"set_status"}),
        jurisdictions=frozenset({"210100"}),
    )
    port = free_port()
    app = Starlette(routes=BackOffice({"crm_2026": key}, kafka, kafka.find).routes())
    server = Server(Config(app, host="127.0.0.1", port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    try:
        await soon(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest.mark.integration
@pytest.mark.parametrize(("name", "program"), [("give_command.py", sys.executable), ("give_command.sh", "sh")])
async def test_the_programs_of_the_page_sign_as_the_door_wants_it(name: str, program: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(PROGRAMS[name], encoding="utf-8")
    kafka = Kafka()
    async with door(kafka) as url:
        settings = {"HOTLINE": url, "KEY": "crm_2026", "SECRET": SECRET, "no_proxy": "127.0.0.1"}
        done = await asyncio.to_thread(
            subprocess.run,
            [program, str(tmp_path / name)],
            env={"PATH": os.environ["PATH"]} | settings,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    (command,) = kafka.held
    assert (command.kind, command.author, command.args) == ("set_status", "crm/wang.li", {"status": "registered"})
    assert command.command_id in done.stdout
    assert ("pending" in done.stdout) == name.endswith(".py")


def test_every_stage_stands_in_the_table_with_what_may_follow() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \S+ \| (.*) \|$", PAGE, re.MULTILINE))
    assert {
        name: set(re.findall(r"`(\w+)`", following)) for name, following in rows.items() if name in lifecycle.NEXT
    } == {name: set(following) for name, following in lifecycle.NEXT.items()}
    assert all(f"`{name}` {chinese}" in PAGE for name, chinese in lifecycle.STATUSES.items())


@each_row("kind", COMMANDS)
def test_every_kind_stands_there_with_its_arguments(kind: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{kind}`" in line.split("|")[1])
    own = {field.encode_name for field in msgspec.structs.fields(COMMANDS[kind].args)} - {"if_version"}
    assert own <= set(re.findall(r"`(\w+)`", row))


def test_every_word_of_an_argument_stands_there() -> None:
    words = {*vocabulary.NOT_ACCEPTED, *vocabulary.CLOCKS, *vocabulary.SUPERVISION_LEVELS, *FIELDS}
    assert sorted(word for word in words if f"`{word}`" not in PAGE) == []


def test_every_reason_for_a_refusal_stands_there() -> None:
    sources = (ROOT / "tickets" / "commands").glob("*.py")
    codes = {
        code for path in sources for code in re.findall(r'RefusalError\(\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert len(codes) > 10
    assert sorted(code for code in codes if f"`{code}`" not in PAGE) == []
