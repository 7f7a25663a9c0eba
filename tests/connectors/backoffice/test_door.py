"""The back offices' door: who may give which command, and what each answer means."""

import json
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette

from connectors import metrics
from connectors.backoffice.api import BODY_MAX_BYTES, BackOffice
from connectors.backoffice.settings import BackOfficeSettings
from connectors.http.signature import sign
from schemas import command_signature, topics
from schemas.codec import Outbound, decode
from schemas.command_signature import Signer
from schemas.errors import UnreachableError
from schemas.records import Command, Event, InputRef, TicketVersion, event
from tickets.commands.order import LOOKED

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
SECRET = "s" * 32
TICKET = "210100-aaaaaaaaaaaaaaaaaaaa"


def key(secret: str = SECRET, **changes: Any) -> BackOfficeSettings:
    fields: dict[str, Any] = {
        "secret": SecretStr(secret),
        "system": "crm",
        "kinds": frozenset({"set_status", "merge"}),
        "jurisdictions": frozenset({"210100"}),
    }
    return BackOfficeSettings(**(fields | changes))


class Kafka:
    """Holds records unless it is down; `decision` is what the event log has."""

    def __init__(self) -> None:
        self.held: list[Outbound] = []
        self.down = False
        self.silent = False
        self.decision: Event | None = None
        self.asked: list[tuple[str, str, datetime]] = []

    def deliver(self, records: Sequence[Outbound]) -> "Future[None]":
        done: Future[None] = Future()
        if self.down:
            done.set_exception(UnreachableError("down"))
        elif not self.silent:
            self.held += records
            done.set_result(None)
        return done

    def find(self, command_id: str, city: str, since: datetime, seconds: float) -> Event | None:
        if self.down:
            raise UnreachableError("down")
        self.asked.append((command_id, city, since))
        return self.decision


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


def order(**changes: Any) -> dict[str, Any]:
    fields = {
        "command_id": "0001",
        "jurisdiction": "210100",
        "kind": "set_status",
        "author": "wang.li",
        "ticket_id": TICKET,
        "args": {"status": "registered"},
    }
    return fields | changes


@asynccontextmanager
async def client(kafka: Kafka, **keys: BackOfficeSettings) -> AsyncIterator[httpx.AsyncClient]:
    office = BackOffice(keys or {"crm1": key()}, kafka, kafka.find, 0.2, lambda: NOW)
    transport = httpx.ASGITransport(Starlette(routes=office.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as made:
        yield made


def signed(
    content: bytes, *, target: str = "/commands", method: str = "POST", name: str = "crm1", secret: str = SECRET,
    at: datetime = NOW,
) -> dict[str, str]:  # fmt: skip
    stamp = str(int(at.timestamp()))
    return {
        "Hotline-Key": name,
        "Hotline-Timestamp": stamp,
        "Hotline-Signature": sign(secret.encode(), stamp, content, method, target),
    }


async def post(kafka: Kafka, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with client(kafka) as made:
        return await made.post("/commands", content=content, headers=signed(content) if headers is None else headers)


async def test_a_signed_command_is_in_kafka_before_it_is_answered(kafka: Kafka) -> None:
    answer = await post(kafka, order())
    (record,) = kafka.held
    command = decode(record.value, Command)
    assert answer.status_code == 202
    assert (record.topic, record.key) == (topics.COMMAND, TICKET.encode())
    assert (command.command_id, command.author, command.at) == ("crm:0001", "crm/wang.li", NOW)
    assert command.args == {"status": "registered"}
    assert answer.headers["location"] == answer.json()["outcome"]


@pytest.mark.parametrize(
    ("said", "seen_at"),
    [
        ({}, NOW - LOOKED),
        ({"at": "2026-11-25T01:59:00Z"}, None),
        ({"args": {"status": "resolved", "if_version": 3}}, None),
        ({"seen_at": "2026-11-25T01:50:00Z"}, NOW - timedelta(minutes=10)),
        ({"at": "2026-11-25T01:59:00Z", "seen_at": "2026-11-25T01:50:00Z"}, NOW - timedelta(minutes=10)),
    ],
)
async def test_who_does_not_say_what_they_had_read_may_have_looked_before(
    kafka: Kafka, said: dict[str, Any], seen_at: datetime | None
) -> None:
    assert (await post(kafka, order(**said))).status_code == 202
    assert decode(kafka.held[0].value, Command).seen_at == seen_at


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"at": "2026-11-25T10:00:00"}, "at "),
        ({"seen_at": "yesterday"}, "seen_at "),
        ({"at": "2026-11-25T02:06:00Z"}, "at lies in the future"),
        ({"seen_at": "2026-11-25T02:06:00Z"}, "seen_at lies in the future"),
        ({"kind": 7}, "kind "),
        ({"args": ["status"]}, "args "),
        ({"ticket_id": "210100-20261130-000020-4"}, "ticket_id "),
    ],
)
async def test_who_is_refused_is_told_which_field_is_at_fault(
    kafka: Kafka, changes: dict[str, Any], named: str
) -> None:
    answer = await post(kafka, order(**changes))
    assert (answer.status_code, answer.json()["error"]) == (400, "body")
    assert answer.json()["reason"].removeprefix("the body is no command: ").startswith(named)
    assert not kafka.held


async def test_a_system_may_name_its_commands_by_whatever_id_it_draws(kafka: Kafka) -> None:
    answer = await post(kafka, order(command_id="6a13ee8c-4b5d-4b1c-9a33-a13812345678"))
    assert (answer.status_code, len(kafka.held)) == (202, 1)


async def test_an_id_with_a_citizens_number_is_refused_for_that(kafka: Kafka) -> None:
    answer = await post(kafka, order(command_id="13812345678"))
    assert answer.status_code == 400
    assert "number" in answer.json()["reason"]
    assert "13812345678" not in answer.text


async def test_no_word_of_a_body_that_cannot_be_read_comes_back(kafka: Kafka) -> None:
    answer = await post(kafka, order(**{"张伟13912345678": "seen_at"}))
    assert (answer.status_code, answer.json()["error"]) == (400, "body")
    assert "张" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(b"another body"),
        signed(json.dumps(order()).encode(), secret="t" * 32),
        signed(json.dumps(order()).encode(), name="nobody"),
        signed(json.dumps(order()).encode(), target="/commands?x=1"),
        signed(json.dumps(order()).encode(), method="PUT"),
        signed(json.dumps(order()).encode(), at=NOW - timedelta(minutes=6)),
        signed(json.dumps(order()).encode(), at=NOW + timedelta(minutes=6)),
        signed(json.dumps(order()).encode()) | {"Hotline-Signature": "v1=\xff"},
        signed(json.dumps(order()).encode()) | {"Hotline-Timestamp": "-1"},
    ],
)
async def test_what_no_key_signed_just_now_is_refused(kafka: Kafka, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await post(kafka, order(), raw)  # type: ignore[arg-type] # bytes, so that any byte can be sent
    assert answer.status_code == 401
    assert kafka.held == []


async def test_the_old_and_the_new_key_work_side_by_side(kafka: Kafka) -> None:
    content = json.dumps(order()).encode()
    async with client(kafka, crm1=key(), crm2=key("n" * 32)) as made:
        for headers in (signed(content), signed(content, name="crm2", secret="n" * 32)):
            assert (await made.post("/commands", content=content, headers=headers)).status_code == 202
    assert {decode(one.value, Command).command_id for one in kafka.held} == {"crm:0001"}


@pytest.mark.parametrize("change", [{"kind": "dispatch"}, {"jurisdiction": "110000"}])
async def test_a_key_gives_only_its_own_commands(kafka: Kafka, change: dict[str, str]) -> None:
    assert (await post(kafka, order(**change))).status_code == 403
    assert kafka.held == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        order(unknown_field=1),
        order(command_id="李小龙"),
        order(author="13812345678"),
        order(command_id="x" * 64),
        order(args={"state": "registered"}),
        order(args={}),
        order(at=(NOW + timedelta(hours=1)).isoformat()),
        order(at="0001-01-01T00:00:00+08:00"),
        order(at="1970-01-01T00:00:00Z"),
    ],
)
async def test_what_is_no_command_is_refused_and_not_repeated(kafka: Kafka, body: Any) -> None:
    answer = await post(kafka, body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "reason"}
    assert not any(secret in answer.text for secret in ("李小龙", "13812345678"))
    assert kafka.held == []


async def test_half_an_emoji_in_a_remark_refuses_no_command(kafka: Kafka) -> None:
    """What is refused is not sent again: a department's answer would never come."""
    args = {"status": "resolved", "result_kind": "resolved", "result_text": "已修好\ud83d"}
    assert (await post(kafka, order(args=args))).status_code == 202
    (record,) = kafka.held
    assert decode(record.value, Command).args["result_text"] == "已修好\ufffd"


async def test_a_large_body_is_refused(kafka: Kafka) -> None:
    assert (await post(kafka, b"x" * (BODY_MAX_BYTES + 1))).status_code == 413


@pytest.mark.parametrize("fault", ["down", "silent"])
async def test_while_kafka_is_away_nothing_is_promised(kafka: Kafka, fault: str) -> None:
    setattr(kafka, fault, True)
    async with client(kafka):
        before = unsafe()
    assert (await post(kafka, order())).status_code == 503
    assert unsafe() == before + 1


async def test_a_question_that_kafka_leaves_unanswered_is_no_command_that_is_lost(kafka: Kafka) -> None:
    where = (await post(kafka, order())).json()["outcome"]
    kafka.down, before = True, unsafe()
    assert (await get(kafka, where)).status_code == 503
    assert unsafe() == before


def unsafe() -> float:
    """Return how many commands were told 503; an alarm on its growth has to see it at 0."""
    told = {"channel": "command", "outcome": "unsafe"}
    found = REGISTRY.get_sample_value("hotline_connectors_push_requests_total", told)
    assert found is not None
    return found


async def test_a_fault_of_ours_promises_nothing_and_is_counted(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise KeyError("a clerk's words")

    monkeypatch.setattr(kafka, "deliver", break_down)
    counted = metrics.FAULTS_OF_OURS.labels("command", "backoffice")
    before = counted._value.get()
    answer = await post(kafka, order())
    assert (answer.status_code, "words" in answer.text) == (500, False)
    assert counted._value.get() == before + 1, "the alarm on faults of ours counts it"


async def get(kafka: Kafka, target: str, name: str = "crm1") -> httpx.Response:
    async with client(kafka) as made:
        return await made.get(target, headers=signed(b"", target=target, method="GET", name=name))


def decided(*changes: event.AnyChange) -> Event:
    return Event(
        event_id="command:crm:0001",
        jurisdiction="210100",
        tickets=(TicketVersion(ticket_id=TICKET, version=2),),
        at=NOW,
        input=InputRef(command_id="crm:0001", topic="t", partition=0, offset=0),
        relation="command",
        policy_version="1",
        changes=changes,
    )


async def test_the_outcome_can_be_asked(kafka: Kafka) -> None:
    where = (await post(kafka, order())).json()["outcome"]
    assert (await get(kafka, where)).json()["state"] == "pending"
    kafka.decision = decided(event.StatusSet(ticket_id=TICKET, status="registered"))
    told = (await get(kafka, where)).json()
    assert (told["state"], told["tickets"]) == ("done", [{"ticket_id": TICKET, "version": 2}])
    kafka.decision = decided(event.CommandRefused(command_id="crm:0001", reason="no", code="unknown_ticket"))
    assert (await get(kafka, where)).json()["code"] == "unknown_ticket"
    assert kafka.asked[-1] == ("crm:0001", "210100", NOW - timedelta(minutes=1))


@pytest.mark.parametrize(("minutes", "looks_back"), [(-3, 0), (0, 0), (7, 7), (60, 60), (3 * 24 * 60, 60)])
async def test_a_command_that_is_sent_again_is_looked_for_from_when_it_was_sent_first(
    kafka: Kafka, minutes: int, looks_back: int
) -> None:
    """Its first copy may have been decided though nobody heard the answer; the second one is a repeat, and no event."""
    answer = await post(kafka, order(at=(NOW - timedelta(minutes=minutes)).isoformat()))
    since = int(answer.json()["outcome"].rpartition("since=")[2])
    assert since == int((NOW - timedelta(minutes=looks_back + 1)).timestamp())


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/commands/erp:0001?jurisdiction=210100&since=1", 403),
        ("/commands/crm:0001?jurisdiction=110000&since=1", 403),
        ("/commands/crm:0001?jurisdiction=210100&since=yesterday", 400),
        ("/commands/crm:0001?jurisdiction=210100", 400),
    ],
)
async def test_nobody_asks_for_another_s_command(kafka: Kafka, target: str, status: int) -> None:
    assert (await get(kafka, target)).status_code == status
    assert kafka.asked == []


@pytest.mark.parametrize("change", [{"secret": "short"}, {"kinds": frozenset({"delete"})}, {"system": "李小龙"}])
def test_a_weak_or_wrong_key_is_a_fault_of_the_settings(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        key(**change)


async def test_what_the_door_sends_is_signed_by_its_key(kafka: Kafka) -> None:
    office = BackOffice({"crm1": key()}, kafka, kafka.find, 0.2, lambda: NOW, Signer("door", b"d" * 32))
    transport, content = httpx.ASGITransport(Starlette(routes=office.routes())), json.dumps(order()).encode()
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as made:
        answer = await made.post("/commands", content=content, headers=signed(content))
    assert answer.status_code == 202
    (record,) = kafka.held
    headers = dict(record.headers)
    given = headers[command_signature.KEY], record.value, headers[command_signature.SIGNATURE]
    assert command_signature.verified({"door": b"d" * 32}, *given) == "door"
    assert command_signature.verified({"door": b"x" * 32}, *given) is None


async def test_a_door_without_a_key_says_so_and_sends_nothing(kafka: Kafka) -> None:
    office = BackOffice({"crm1": key()}, kafka, kafka.find, 0.2, lambda: NOW, is_closed=True)
    transport, content = httpx.ASGITransport(Starlette(routes=office.routes())), json.dumps(order()).encode()
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as made:
        answer = await made.post("/commands", content=content, headers=signed(content))
    assert (answer.status_code, kafka.held) == (503, [])


async def test_what_takes_two_persons_is_refused_with_the_way_to_give_it(kafka: Kafka) -> None:
    answer = await post(kafka, order(kind="forget", reason="pipl-47", args={}))
    assert answer.status_code == 403
    assert "hotline approve" in answer.json()["reason"]
    assert (await post(kafka, order(kind="read", args={}))).status_code in (400, 403)
