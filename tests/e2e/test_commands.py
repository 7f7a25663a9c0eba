"""From `hotline command` and from the signed HTTP door to the ticket's snapshot, on the real Kafka."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_producer import Producer
from connectors.http.signature import sign
from hotline.admin.erasure_report import expiries
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.codec import decode
from schemas.records import Audit, Event, Ticket
from tests import forked
from tests.e2e.pipeline import Pipeline, until
from tests.hotline.signing import US
from tests.peers.dovecot import free_ports
from tests.streams import raws

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PHONE = "13812345678"
SECRET = "of the back office, 32 bytes or more"


class City:
    """A running pipeline with one door, and what its topics hold."""

    def __init__(self, connection: KafkaConnection, settings: dict[str, str], port: int, elasticsearch: str) -> None:
        self.connection = connection
        self.elasticsearch = elasticsearch
        self.settings = settings
        self.url = f"http://127.0.0.1:{port}"

    def tickets(self) -> dict[str, list[Ticket]]:
        found: dict[str, list[Ticket]] = {}
        for record in kafka_reader.read_all(self.connection, topics.TICKET):
            ticket = decode(record.value, Ticket)
            found.setdefault(ticket.ticket_id, []).append(ticket)
        return found

    def events(self) -> list[Event]:
        return [decode(record.value, Event) for record in kafka_reader.read_all(self.connection, topics.EVENT)]

    def command(self, *words: str) -> tuple[int, str, str]:
        return self.tool("command", *words)

    def tool(self, *words: str) -> tuple[int, str, str]:
        done = forked.done("-m", "hotline", *words, env={**os.environ, **self.settings})
        return done.returncode, done.stdout, done.stderr

    def ask(self, method: str, target: str, body: bytes = b"") -> httpx.Response:
        stamp = str(int(time.time()))
        headers = {
            "Hotline-Key": "crm_1",
            "Hotline-Timestamp": stamp,
            "Hotline-Signature": sign(SECRET.encode(), stamp, body, method, target),
        }
        return httpx.request(method, self.url + target, content=body, headers=headers, timeout=60, trust_env=False)

    def found(self, word: str) -> list[str]:
        """Return what the archive has in clear for a word: tickets, and the texts of messages."""
        answer = httpx.post(
            f"{self.elasticsearch}/hotline-*/_search?ignore_unavailable=true",
            json={"query": {"match_phrase": {"search_text": word}}, "_source": ["ticket_id", "message_id"]},
            timeout=60,
            trust_env=False,
        )
        hits = answer.json()["hits"]["hits"]
        return sorted(hit["_source"].get("ticket_id") or hit["_source"]["message_id"] for hit in hits)

    def outcome(self, order: dict[str, Any]) -> dict[str, Any]:
        """Post a command and return what became of it."""
        answer = self.ask("POST", "/commands", json.dumps(order).encode())
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = {}

        def decided() -> bool:
            told.update(self.ask("GET", answer.json()["outcome"]).json())
            return bool(told["state"] != "pending")

        until(decided, "a decision")
        return told


@pytest.fixture
def city(
    local_stack: Stack, stack: Endpoints, fresh_topics: KafkaConnection, fresh_indices: None, tmp_path: Path
) -> Iterator[City]:
    port = free_ports(1, start=19400)
    settings = {
        "HOTLINE_LOCAL__DATA_DIR": str(local_stack.data_dir),
        "HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(),
        "HOTLINE_KAFKA__PARTITIONS": "2",
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_RECEIVER__PORT": str(port),
        "HOTLINE_RECEIVER__JOURNAL_FOLDER": str(tmp_path / "journal"),
        "HOTLINE_BACKOFFICE__CRM_1__SECRET": SECRET,
        "HOTLINE_BACKOFFICE__CRM_1__SYSTEM": "crm",
        "HOTLINE_BACKOFFICE__CRM_1__KINDS": '["set_status", "dispatch", "redact"]',
        "HOTLINE_BACKOFFICE__CRM_1__JURISDICTIONS": '["210100"]',
    }
    pipeline = Pipeline(settings, tmp_path, port)
    pipeline.start("normalize", "assign", "receiver", "sink:elastic", "eraser")
    made = City(fresh_topics, settings, port, stack.elasticsearch_url)
    try:
        until(pipeline._receives, "the receiver answers", pipeline._check_alive)
        yield made
    finally:
        pipeline.stop()
    log = pipeline.log()
    assert not any(secret in log for secret in ("李小龙", PHONE, SECRET))


def audited(city: City) -> list[Audit]:
    return [decode(one.value, Audit) for one in kafka_reader.read_all(city.connection, topics.AUDIT)]


def test_commands_reach_the_ticket_from_both_doors(city: City) -> None:
    producer = Producer(city.connection)
    texts = ["中山路12号的路灯坏了，我叫李小龙", f"解放路88号的井盖丢了，电话{PHONE}"]
    for number, text in enumerate(texts):  # one after the other: which ticket is the older one must be known
        producer.deliver_now([raws.outbound(number, text, sender=f"citizen{number}")])
        until(lambda: len(city.tickets()) > number, "a ticket")  # noqa: B023 - asked before the next turn
    producer.close()
    first, second = sorted(city.tickets(), key=lambda one: city.tickets()[one][0].ticket_no)

    code, out, err = city.command("merge", second, f"into={first}", "--reason", "李小龙的同一件事")
    assert (code, err) == (0, "")
    assert second in out
    assert {versions[-1].cluster_id for versions in city.tickets().values()} == {first}
    assert city.tickets()[first][-1].edges[0].ticket_id == second

    code, _, err = city.command("set_status", first, "status=archived")
    assert code == 2
    assert "illegal_transition" in err
    assert "archived cannot follow received" in err
    assert city.tickets()[first][-1].version == 2

    order = {"command_id": "1", "jurisdiction": "210100", "kind": "set_status", "author": "wang", "ticket_id": first}
    done = city.outcome(order | {"args": {"status": "registered"}})
    assert done["tickets"] == [{"ticket_id": first, "version": 3}]
    assert city.outcome(order | {"args": {"status": "registered"}}) == done
    refused = city.outcome(order | {"command_id": "2", "ticket_id": f"210100-{'a' * 20}", "args": {"status": "signed"}})
    assert (refused["state"], refused["code"]) == ("refused", "unknown_ticket")
    assert (city.tickets()[first][-1].status, city.tickets()[first][-1].version) == ("registered", 3)

    redact = {
        "command_id": "3",
        "kind": "redact",
        "reason": "pipl-47",
        "args": {"fields": ["title"], "message_ids": []},
    }
    assert city.outcome(order | redact)["state"] == "done"
    assert city.outcome(order | redact)["state"] == "done"
    (act,) = [decode(one.value, Audit) for one in kafka_reader.read_all(city.connection, topics.AUDIT)]
    assert (act.action, act.author, act.subject, act.reason) == ("redacted", "crm/wang", first, "pipl-47")

    until(lambda: len(city.found(PHONE)) >= 2, "the second ticket and its message in the archive")
    code, out, err = city.command(
        "forget", city.tickets()[second][-1].ticket_no, "--reason", "pipl-47", "--command-id", "f1", "--json"
    )
    assert (code, err) == (0, "")
    report = json.loads(out.splitlines()[1])
    assert {one["state"] for one in report["places"]} == {"gone", "expires"}
    assert (report["action"], report["ticket_id"], report["messages"]) == ("erased", second, 1)
    _, text, _ = city.command("forget", second, "--reason", "pipl-47", "--command-id", "f1")
    assert "Erased now:\n  older versions of the ticket in the archive\n" in text
    assert "Removed from Kafka by:" in text
    until(lambda: len(audited(city)) == 4, "what the tools did in the audit log")
    acts = audited(city)
    told = Counter((one.action, one.author, one.subject) for one in acts)
    assert told == {
        ("redacted", "crm/wang", first): 1,
        ("erased", US, second): 1,
        ("erasure_checked", US, second): 2,
    }
    code, _, err = city.tool("audit", "verify")
    assert (code, err) == (0, "4 audit records, 0 faults.\n")
    checked = next(one for one in acts if one.action == "erasure_checked")
    assert checked.details["places"] == {"gone": 4, "expires": len(expiries(checked.at))}
    until(lambda: city.found(PHONE) == [], "nothing of the forgotten ticket is left in the archive")
    assert city.found("路灯") != []
    erased = city.tickets()[second][-1]
    assert (erased.erased, erased.text, erased.cluster_id) == (True, "", first)

    given = [one for one in city.events() if one.relation == "command"]
    assert [(one.author, one.method) for one in given if one.method != "record"] == [
        (US, "merge"),
        (US, "refused"),
        ("crm/wang", "set_status"),
        ("crm/wang", "refused"),
        ("crm/wang", "redact"),
        (US, "forget"),
    ]
    log = b"".join(record.value for record in kafka_reader.read_all(city.connection, topics.EVENT)).decode()
    assert "李小龙" not in log

    filed = raws.raw(0, texts[0], sender="citizen0").message_id
    code, _, err = city.command("forget", filed, "--reason", "pipl-47")
    assert (code, first in err) == (2, True), "its words are in the ticket"
    code, out, _ = city.command("redact", filed, 'fields=["text"]', "--dry-run")
    made = json.loads(out)
    assert (code, made["ticket_id"], made["args"]) == (0, first, {"fields": ["text"], "message_ids": [filed]})
    forget_what_no_ticket_has(city)


def forget_what_no_ticket_has(city: City) -> None:
    """An auto-reply is kept, and no ticket names it."""
    mail = (
        b"From: a@example.cn\r\nMessage-ID: <v@example.cn>\r\nAuto-Submitted: auto-replied\r\n\r\nsoontobeforgotten\r\n"
    )
    fields = {"channel": "mailbox", "channel_kind": "imap", "content_type": "message/rfc822"}
    vacation = raws.raw(9, value=mail, **fields)
    producer = Producer(city.connection)
    producer.deliver_now([vacation.outbound()])
    producer.close()
    until(lambda: city.found("soontobeforgotten") == [vacation.message_id], "the auto-reply in the archive")
    code, _, err = city.command("redact", vacation.message_id, 'fields=["text"]')
    assert (code, "forget to erase it" in err) == (2, True)
    code, _, err = city.command("forget", vacation.message_id[::-1], "--reason", "x", "--dry-run")
    assert (code, "The archive has no message" in err) == (0, True), "a slip of the pen would be called gone"
    code, out, err = city.command("forget", vacation.message_id, "--reason", "pipl-47", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out.splitlines()[1])
    assert {one["state"] for one in report["places"]} == {"gone", "expires"}
    assert (report["message_ids"], report["messages"]) == ([vacation.message_id], 1)
    until(lambda: city.found("soontobeforgotten") == [], "nothing of it is left in the archive")

    def of_it() -> list[tuple[str, str | None]]:
        return [(one.action, one.reason) for one in audited(city) if one.subject == vacation.message_id]

    until(lambda: len(of_it()) == 2, "both acts in the audit log")
    told = of_it()
    assert sorted(told, key=str) == [("erased", "pipl-47"), ("erasure_checked", None)]
