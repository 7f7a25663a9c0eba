"""The walk through the code names every room, and shows what the demo's messages become."""

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from hotline.admin.explain import Explanation, Filed, Raw
from hotline.admin.explain import _rules as rules_of
from hotline.cli import archive_view
from hotline.dev.demo import samples
from hotline.importer.mails import identifier_of
from normalizers.base import Policy
from normalizers.handover import handover
from normalizers.pipeline import alarming, normalize
from schemas.codec import encode
from schemas.records import Link, Message, raw_message
from tests.docs.pages import ROOT, functions

PAGE = ROOT / "docs" / "explanation" / "a-message-travels.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAMED = functions(PAGE)
BLOCKS = re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
NOW = datetime(2026, 11, 25, 9, 39, tzinfo=UTC)


def test_the_page_leads_through_every_room() -> None:
    rooms = {file.split("/")[0] for file, _ in NAMED}
    assert rooms >= {"connectors", "normalizers", "tickets", "streams", "sinks", "schemas", "hotline"}
    assert len(NAMED) > 30


def message(letter: bytes, at: datetime) -> Message:
    """What `normalize` makes of one of the demo's mails."""
    raw = raw_message(
        channel="mailbox", channel_kind="mailbox", account="demo_mailbox", jurisdiction="210100",
        identifier=identifier_of(letter), value=letter, content_type="message/rfc822", time=at, recorded=at,
    )  # fmt: skip
    return normalize(raw, Policy()).message


def filed(letter: bytes, at: str, place: str, **link: Any) -> Filed:
    """One of the demo's two mails about the lamp."""
    received_at = datetime.fromisoformat(f"2026-11-25T{at}Z")
    told = message(letter, received_at)
    made = Link(
        message_id=told.message_id, jurisdiction="210100", score=1.0, decided_at=received_at,
        policy_version="2026.12-3f9c01ab", **link,
    )  # fmt: skip
    found = Raw(place=f"hotline.raw.mailbox.v1:{place}", found=True, bytes=len(letter), intact=True)
    return Filed(
        link=made, channel="mailbox", received_at=received_at, normalizer_version=told.normalizer_version,
        rules=rules_of(told), raw=found,
    )  # fmt: skip


def without_versions(text: str) -> str:
    """Versions grow with every change of a rule; what the page shows of them need not."""
    return re.sub(r"normalizer \d+|\b20\d\d\.\d+\b", "…", text)


def lamp() -> tuple[bytes, bytes]:
    """The demo's mail about the lamp, and the one that follows it."""
    first, again = (one.raw for one in samples.mails() if b"lamp-1@" in one.raw)
    return first, again


def test_explain_prints_what_the_page_shows() -> None:
    ticket = "210100-glnbpglsk57fqpllp7vi"
    first, again = lamp()
    told = Explanation(
        ticket_id=ticket, ticket_no="210100-20261125-000001-9", version=2, status="received", cluster_id=ticket,
        policy_version="2026.12-3f9c01ab",
        messages=[
            filed(first, "09:38:56", "0:0", relation="new", method="no_relation_found"),
            filed(
                again, "09:39:07", "0:4", relation="follow_up",
                method="references_same_person", evidence=("demo:y63433g43nvh3ccu",),
            ),
        ],
    )  # fmt: skip
    out = io.StringIO()
    archive_view.explanation(told, Console(file=out, width=132, highlight=False))
    printed = "\n".join(line.rstrip() for line in out.getvalue().splitlines())
    assert without_versions(printed) in without_versions(TEXT)


def test_the_message_is_what_the_page_shows() -> None:
    made = json.loads(encode(message(lamp()[0], datetime(2026, 11, 25, 9, 38, 56, tzinfo=UTC))))
    (shown,) = (json.loads(block) for block in BLOCKS if '"message_class"' in block)
    assert shown["raw"].pop("sha256")[:8] == made["raw"]["sha256"][:8]
    assert shown["features"].pop("text_key")[:8] == made["features"]["text_key"][:8]
    assert made["search_text"].startswith(shown.pop("search_text").removesuffix(" …"))
    del shown["raw"]  # where Kafka put it
    for name, value in shown.items():
        whole = made[name]
        assert value == ({key: whole[key] for key in value} if isinstance(value, dict) else whole)


def test_the_hand_over_is_what_the_page_shows() -> None:
    (shown,) = (json.loads(block) for block in BLOCKS if '"spans"' in block)
    (fire,) = (one.xml for one in samples.callbacks(1795599532) if shown["text"].removesuffix("…") in one.xml)
    raw = raw_message(
        channel="wechat", channel_kind="wechat_mp", account="demo_wechat", jurisdiction="210100", identifier="1",
        value=fire.encode(), content_type="text/xml", time=NOW, recorded=NOW,
    )  # fmt: skip
    alarm = alarming(raw, Policy())
    assert alarm is not None
    made = json.loads(encode(handover(alarm) or alarm))
    assert made.pop("text").startswith(shown.pop("text").removesuffix("…"))
    del made["sender"]["name"]
    assert shown == {name: made[name] for name in shown}
