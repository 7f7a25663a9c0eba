"""Exports: whole documents, also of nothing, written piece by piece."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace
from typer.testing import CliRunner

from broker.config import KafkaConnection
from broker.kafka_reader import read_all
from hotline.cli import export as cli
from hotline.cli.app import app
from hotline.cli.export import _opened
from hotline.config.load import load
from hotline.dev.stack.stack import Endpoints
from hotline.search.export import Choices, Format, export
from schemas import topics
from schemas.codec import decode
from schemas.enums import counted
from schemas.errors import MisconfiguredError
from schemas.records import Command, Ticket
from sinks import routes
from sinks.elastic.sink import ElasticSink
from tests.hotline.signing import SIGNING, US
from tests.sinks.webhook.snapshots import GOLDEN, document, snapshot
from tickets.export import service_request, ticket_form
from tickets.masking.mask import mask_ticket

NOTHING = Choices()


async def several(count: int, ticket: Ticket = GOLDEN) -> AsyncIterator[Ticket]:
    for number in range(count):
        yield replace(ticket, ticket_no=f"no-{number}", text=f"<{number}>&")


async def written(count: int, form: Format, chosen: Choices = NOTHING, ticket: Ticket = GOLDEN) -> str:
    out = io.BytesIO()
    assert await export(several(count, ticket), form, out, chosen) == count
    return out.getvalue().decode()


def read_xml(text: str) -> list[dict[str, Any]]:
    root = ElementTree.fromstring(text)
    assert root.tag == "service_requests"
    return [{field.tag: field.text for field in request} for request in root]


READERS = {
    "open311-json": json.loads,
    "open311-xml": read_xml,
    "zammad": lambda text: [json.loads(line) for line in text.splitlines()],
}


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("form", ["open311-json", "open311-xml", "zammad"])
async def test_it_is_a_whole_document_whatever_the_number(form: Format, count: int) -> None:
    make = ticket_form if form == "zammad" else service_request
    expected = [make(ticket) async for ticket in several(count)]
    assert READERS[form](await written(count, form)) == expected


async def test_the_choices_arrive() -> None:
    (form,) = READERS["zammad"](await written(1, "zammad", Choices(None, "12345", "anonym"), mask_ticket(GOLDEN)))
    assert (form["group"], form["customer"]) == ("12345", "anonym")
    (request,) = READERS["open311-json"](await written(1, "open311-json", Choices("https://files.example.cn")))
    assert request["media_url"].startswith("https://files.example.cn/210100/")


def test_an_export_that_fails_leaves_no_half_file(tmp_path: Path, env: pytest.MonkeyPatch) -> None:
    Path("out.json").write_text("yesterday's")
    failed = CliRunner().invoke(app, ["export", "--format", "open311-json", "out.json"])
    assert failed.exit_code == 2
    assert "run `hotline up`" in failed.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.json"]
    assert Path("out.json").read_text() == "yesterday's"


@pytest.mark.integration
async def test_from_the_archive_to_a_file(
    stack: Endpoints,
    fresh_topics: KafkaConnection,
    fresh_indices: None,
    tmp_path: Path,
    env: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env.setenv("HOTLINE_ELASTICSEARCH__HOSTS", stack.elasticsearch_url)
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", stack.bootstrap_servers)
    for name, value in SIGNING.items():
        env.setenv(name, value)
    monkeypatch.setattr("hotline.admin.clear_exports.is_free", lambda settings: True)  # nobody decides here
    sink = ElasticSink(AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60), routes().values())
    masked = [snapshot(f"210100-{name}", topic=topics.TICKET_MASKED, channel=name) for name in ("sms", "web")]
    assert len((await sink.write([*masked, document(GOLDEN, topics.TICKET)])).stored) == 3
    await sink.close()

    async def exported(*words: str) -> list[dict[str, Any]]:
        async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
            await client.indices.refresh(index="hotline-ticket*")
        out = tmp_path / "out"
        done = await asyncio.to_thread(CliRunner().invoke, app, ["export", "--format", "zammad", *words, str(out)])
        written = counted(len(out.read_text("utf-8").splitlines()), "ticket")
        assert (done.exit_code, done.stderr) == (0, f"{written} written.\n")
        assert out.stat().st_mode & 0o077 == 0, "with --clear it holds personal data"
        return READERS["zammad"](out.read_text("utf-8"))

    assert [form["tags"] for form in await exported()] == [f"路灯,{GOLDEN.ticket_no}"] * 2
    assert [form["note"] for form in await exported("--channel", "web")] == [f"工单编号 {GOLDEN.ticket_no}; registered"]
    assert [one.value for one in read_all(fresh_topics, topics.COMMAND)] == []
    (clear,) = await exported("--clear", "--zammad-group", "12345", "--reason", "to Zammad")
    assert (clear["group"], clear["customer_id"]) == ("12345", "guess:shimin@example.org")
    (act,) = [decode(one.value, Command) for one in read_all(fresh_topics, topics.COMMAND)]
    assert (act.kind, act.args["action"], act.author, act.reason) == ("record", "read_in_clear", US, "to Zammad")
    assert act.args["details"]["tickets"] == [GOLDEN.ticket_id]


async def test_what_is_read_in_clear_is_recorded_page_by_page_before_it_is_written(
    env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    for name, value in SIGNING.items():
        env.setenv(name, value)
    monkeypatch.setattr(cli, "PAGE", 2)
    monkeypatch.setattr("hotline.admin.audit.record", lambda _, act: told.append(act))
    read = []
    async for ticket in cli._recorded(several(3), load(), None):
        read.append(ticket.ticket_no)
        assert len(told) == (len(read) + 1) // 2
    assert read == ["no-0", "no-1", "no-2"]
    assert [len(decode(act.value, Command).args["details"]["tickets"]) for act in told] == [2, 1]


@pytest.mark.integration
async def test_without_a_record_nothing_is_exported_in_clear(
    stack: Endpoints, fresh_indices: None, tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    env.setenv("HOTLINE_ELASTICSEARCH__HOSTS", stack.elasticsearch_url)
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    for name, value in SIGNING.items():
        env.setenv(name, value)
    sink = ElasticSink(AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60), routes().values())
    await sink.write([document(GOLDEN, topics.TICKET)])
    await sink.close()
    async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
        await client.indices.refresh(index="hotline-ticket*")
    words = ["export", "--format", "zammad", "--clear", "--reason", "x", str(tmp_path / "out")]
    failed = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert failed.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_what_somebody_laid_there_before_is_not_written_into(tmp_path: Path) -> None:
    """A part file that all may read, or a link that leads elsewhere, would give the export away."""
    part, elsewhere = tmp_path / "tickets.json.part", tmp_path / "elsewhere"
    elsewhere.touch()
    part.symlink_to(elsewhere)
    with _opened(str(tmp_path / "tickets.json")) as out:
        out.write(b"13800138000")
    assert elsewhere.read_bytes() == b""
    assert (tmp_path / "tickets.json").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    failed = CliRunner().invoke(app, ["export", "--format", "zammad", str(tmp_path / "no" / "out")])
    assert failed.exit_code == 2
    assert failed.stderr.startswith("hotline: ")
    assert "name another file" in failed.stderr


@pytest.mark.parametrize("name", ["pipe", "link"])
def test_the_name_of_what_is_no_file_is_not_taken(tmp_path: Path, name: str) -> None:
    """`hotline export /dev/null`, by root, would leave the machine without one."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with pytest.raises(MisconfiguredError, match="is not a regular file: name one, or - for standard output"):
        _opened(str(tmp_path / name)).__enter__()
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
