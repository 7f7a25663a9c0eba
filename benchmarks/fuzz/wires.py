"""Targets: frames of sessions, what lies on the disk, and the records that Kafka brings back to us."""

import asyncio
import io
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import requests
import urllib3

from benchmarks.fuzz import messages
from benchmarks.fuzz.target import Target, chosen, explained
from connectors.asterisk.connector import Asterisk, identifier, is_kept
from connectors.asterisk.settings import AsteriskSettings
from connectors.call_files.lines import lines_from
from connectors.publish.segment import Kind, frame, pieces
from connectors.runtime import connection
from connectors.sms_cmpp import codec as cmpp
from connectors.sms_cmpp.settings import CmppSettings
from connectors.sms_common.frames import Codec, Frame, Frames
from connectors.sms_smpp import codec as smpp
from connectors.sms_smpp.settings import SmppSettings
from connectors.weibo import api, message_id
from connectors.weibo.errors import WeiboException
from normalizers.phone import ami
from normalizers.sms import cmpp as delivered
from normalizers.weibo import items
from schemas.codec import UNREADABLE, Outbound, decode, encode
from schemas.contract.releases import GOLDEN
from schemas.errors import MalformedError, RecordError, SchemaError, UnreachableError
from schemas.records import RECORDS, RawMessage, raw_of
from streams.state.checkpoint import Checkpoint, checkpoint_of, frames, state_of
from tests.normalizers.phone import frames as samples
from tickets.policy import TicketPolicy
from tickets.state.state import State

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
MARKER = b"\x00marker\xff"
SMPP = SmppSettings.model_validate({"host": "127.0.0.1", "system_id": "hotline", "password": "secret"})
CMPP = [
    CmppSettings.model_validate({"host": "127.0.0.1", "source": "900001", "secret": "888888", "version": version})
    for version in ("2.0", "3.0")
]


def _smpp(data: bytes) -> None:
    for pdu in _short_frames(smpp.SmppCodec(SMPP, "bind_transceiver"), data):
        _fields(pdu)


def _short_frames(codec: Codec, data: bytes) -> Iterator[Frame]:
    """Cut frames out of a stream: as many bytes come out as went in, and none is allocated by the peer's number."""
    held, out = Frames(codec), 0
    for start in range(0, len(data), 50):
        held.add(data[start : start + 50])
        try:
            while (frame := held.next()) is not None:
                assert len(frame.raw) <= codec.longest
                out += len(frame.raw)
                yield frame
        except UnreachableError:
            return
    assert out <= len(data)


def _fields(pdu: Frame) -> None:
    try:
        found = smpp.read(pdu)
    except MalformedError:
        return
    assert isinstance(getattr(found, "source_addr", None) or b"", bytes)


def _cmpp(data: bytes) -> None:
    for account in CMPP:
        for short in _short_frames(cmpp.CmppCodec(account), data):
            assert short.raw.endswith(short.body)
        for read in (cmpp.connect_answer, cmpp.submit_answer):
            try:
                read(data)
            except MalformedError:
                continue
        for version in (None, 2, 3):
            try:
                found = delivered.deliver(data, version)
            except RecordError:
                continue
            found.sender.encode()


async def _frames(data: bytes) -> list[bytes | None]:
    reader = asyncio.StreamReader(limit=1024)
    reader.feed_data(data)
    reader.feed_eof()
    return [one async for one in connection.frames(reader, b"\r\n\r\n", 1024, 60)]


_settings = AsteriskSettings(host="127.0.0.1", username="u", secret="p", jurisdiction="210100")


def _ami(data: bytes) -> None:
    pbx = Asterisk(_settings, "pbx")
    for value in asyncio.run(_frames(data)):
        if value is None:
            continue
        assert len(value) <= 1024
        event = ami.parse(value)
        call = pbx._call_of(event)
        if is_kept(event, _settings):
            identifier(event, value, call, None).encode()


def _lines(data: bytes) -> None:
    """Every byte of a call file is in a line, and each line begins where the one before it ended."""
    for ended in (False, True):
        at = 0
        for line in lines_from(io.BytesIO(data), 0, 64, ended=ended, is_row=lambda line: line.startswith(b'"row')):
            assert at < line.end <= len(data)
            at = line.end
        assert at == len(data)


def _journal(data: bytes) -> None:
    """Pieces of a segment lie side by side from its beginning to its end; a frame of ours is found behind anything."""
    written = data + frame(MARKER, b"whole")
    found = list(pieces(MARKER, written))
    at = 0
    for piece in found:
        assert piece.end > at
        at = piece.end
    assert at == len(written)
    last = found[-1]
    assert last.data.endswith(b"whole")
    assert any(piece.kind is Kind.RECORD and piece.data == b"whole" for piece in found) or last.kind is Kind.TORN


def _record(data: bytes) -> None:
    """A record of ours as a topic brings it: read and written again the same, or a SchemaError."""
    for kind in RECORDS.values():
        try:
            found = decode(data, kind)
        except SchemaError:
            continue
        assert decode(encode(found), kind) == found


def _headers(data: bytes) -> None:
    """Headers, a line each, then the value: what any producer may have put into a raw topic or the commands'."""
    from streams.engine.fetched_record import Fetched
    from streams.engine.input import (
        dead_letter,
        input_of,  # Faust comes with it
    )
    from streams.normalize import command_step, step

    head, _, value = data.partition(b"\n\n")
    headers = [(name.decode("latin-1"), text) for name, _, text in (line.partition(b":") for line in head.split(b"\n"))]
    record = Fetched("hotline.raw.record.v1", 0, 7, 1795482723000, b"key", value or None, headers)
    results: Iterable[Outbound] = [command_step(record).outbound]
    try:
        results = [*results, step(record, raw_of(record), messages.POLICY).outbound]
    except RecordError as error:
        results = [*results, dead_letter(record, error, "normalize").outbound()]
    try:
        input_of(record)
    except RecordError as error:
        explained(error)
    for out in results:
        assert isinstance(out.value, bytes)
        told = dict(out.headers)
        assert told.get("hotline.error.code") != b"internal", "a fault of ours"


def _replayed(data: bytes) -> None:
    """What the journal holds, when the checksum of a frame is right and its bytes are not."""
    from connectors.publish.disk_buffer import read

    found = read(data)
    assert found is None or isinstance(found, RawMessage)


def _checkpoint(data: bytes) -> None:
    """A checkpoint as the blob store gives it: just what was written, or passed over."""

    async def cut() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    try:
        found = asyncio.run(checkpoint_of(cut()))
    except UNREADABLE:
        return
    assert b"".join(frames(found, state_of(found.snapshot, TicketPolicy()).pieces())) == data


def _saved() -> bytes:
    pieces = State(TicketPolicy()).pieces()
    return b"".join(frames(Checkpoint(last_event=1, last_event_id="e", next_ticket=2), pieces))


def _weibo(data: bytes) -> None:
    """An answer of Weibo's open platform, and the names of its items."""
    client = api.API(api.OAuth2("token"), session=_Session(data))
    for method in (client.mentions, client.comments_to_me, client.direct_messages):
        try:
            page: Any = method()
        except WeiboException:
            continue
        for item in page:
            message_id.fetched(item._raw, "status", NOW)
            assert item.id is None or item.id > 0
            repr(item.created_at)
    for one in items.items(data):
        message_id.fetched(one, "status", NOW).identifier.encode()
    for kind in ("status", "comment", "dm"):
        message_id.fetched(data, kind, NOW).identifier.encode()
    message_id.pushed(data, NOW).identifier.encode()


class _Session(requests.Session):
    """Answers every request with the same bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def request(self, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = 200
        response.raw = urllib3.HTTPResponse(io.BytesIO(self._data), preload_content=False)
        return response


def _raw(data: bytes) -> Outbound:
    return messages.raw("record", data, "application/json").outbound()


def _in_lines(out: Outbound) -> bytes:
    return b"\n".join(name.encode() + b":" + value for name, value in out.headers) + b"\n\n" + out.value


def _golden() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(GOLDEN.glob("*.json")) if path.stem in RECORDS)


def targets() -> dict[str, Target]:
    """Return the targets of this room."""
    pdu = struct.pack(">IIII", 16, smpp.ENQUIRE_LINK, 0, 1)
    sent = bytes.fromhex(
        "0000005100000005000000000000000100010138363133383030313338303030000000313233343500000000000000000800"
        "000424001a9633514982b156ed4e03680b7684753568af574f4e864e095929"
    )
    event = samples.CDR + b"\r\n\r\n" + samples.HANGUP + b"\r\n\r\n"
    page = b'{"statuses":[{"id":5,"text":"a","user":{"id":1},"created_at":"Tue Nov 24 09:10:20 +0800 2026"}]}'
    raw = messages.raw("record", b'{"id":"1","text":"a"}', "application/json")
    return {
        "smpp": Target(_smpp, (pdu + sent, sent + pdu)),
        "cmpp": Target(_cmpp, ((29).to_bytes(4, "big") + bytes(25), bytes(9), bytes(12))),
        "ami": Target(_ami, (event,)),
        "call_lines": Target(_lines, (b'"a",1\r\n"b\nc",2\n"open,3\n"row",4\n', b"a" * 100 + b"\nb")),
        "journal": chosen(
            (
                (_journal, (frame(MARKER, b"one") + frame(MARKER, b"two"), frame(MARKER, b"torn")[:-1])),
                (_replayed, (msgspec.msgpack.encode(raw),)),
            )
        ),
        "checkpoint": Target(_checkpoint, (_saved(),)),
        "records": Target(_record, _golden()),
        "kafka": Target(_headers, (_in_lines(_raw(b'{"id":"1","text":"a"}')), _in_lines(_raw(b"{}")))),
        "weibo_answers": Target(_weibo, (page, b'{"error":"a","error_code":10023}')),
    }
