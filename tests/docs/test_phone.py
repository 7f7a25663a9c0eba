"""The page of the channel phone and its JSON Schema say what the normalizer reads and the connector checks."""

import hashlib
import hmac
import json
import re
from typing import Any

import msgspec
from jsonschema_rs import Draft202012Validator, meta

from hotline.dev.demo.phone import samples
from tests.connectors.phone.posts import NOW, SECRET, account, post
from tests.docs import pages
from tests.normalizers.phone.raws import told
from tests.rows import each_row

PAGE = pages.ROOT / "docs/how-to/channels/phone.md"
SCHEMA = json.loads((pages.ROOT / "docs/reference/call-record.schema.json").read_text("utf-8"))
VALID = Draft202012Validator(SCHEMA)

VALUES: dict[str, Any] = {
    "revision": 2, "direction": "outbound", "started_at": "2026-11-25T09:00:00+08:00", "disposition": "answered",
    "answered_at": "2026-11-25T09:00:00+08:00", "ended_at": 1795568400, "recording": "a.wav", "request_kind": "投诉",
    "category": "c1", "ticket_no": "N-1", "hotline_code": "12301", "caller": "13800138000", "callee": "12345",
}  # fmt: skip
"""Of the other fields any text will do."""


def example() -> bytes:
    (found,) = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return found.encode()


def test_the_example_and_the_demo_are_records_by_the_schema() -> None:
    meta.validate(SCHEMA)
    for record in (json.loads(example()), *(sample[0] for sample in samples())):
        VALID.validate(record)


def test_the_schema_refuses_what_is_no_record() -> None:
    for wrong in (
        {},
        {"call_id": 1, "revision": "x"},
        {"call_id": "1", "direction": "up"},
        [],
        {"call_id": "1", "recording": {}},
    ):
        assert not VALID.is_valid(wrong)


@each_row("name", [name for name in SCHEMA["properties"] if name != "call_id"])
def test_every_field_of_the_schema_is_understood(name: str) -> None:
    record = {"call_id": "1", name: VALUES.get(name, "路灯")}
    VALID.validate(record)
    message, _ = told(msgspec.json.encode(record))
    assert message.extra == {}


def test_the_example_signed_as_the_page_says_is_accepted() -> None:
    page = PAGE.read_text("utf-8")
    assert r'signed = b"v1\n" + timestamp.encode() + b"\n" + body' in page
    body, timestamp = example(), str(int(NOW.timestamp()))
    signed = b"v1\n" + timestamp.encode() + b"\n" + body
    signature = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    request = post(body, {"hotline-timestamp": timestamp, "hotline-signature": signature})
    assert account().accept(request).answer.status == 200
