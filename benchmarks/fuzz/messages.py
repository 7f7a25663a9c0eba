"""Targets: the normalizers of every channel under every content type, and what a message of theirs must be."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
from jsonschema_rs import Draft202012Validator

from benchmarks.fuzz.target import Target, chosen, explained
from normalizers.base import Draft, Policy
from normalizers.handover import handover
from normalizers.mail import tnef
from normalizers.parse import ticket_tokens
from normalizers.pipeline import Normalized, alarming, normalize
from normalizers.text.fold import fold
from normalizers.wechat import kf
from schemas import ids
from schemas.codec import decode, encode
from schemas.contract import jsonschema
from schemas.errors import RecordError
from schemas.records import Message, RawMessage, media, raw_message
from tests.normalizers.mail import winmail
from tests.normalizers.phone import frames

TAKEN = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)
POLICY = Policy()
CASES = Path(__file__).parents[2] / "tests" / "normalizers" / "cases"
SEEDS_A_KIND = 12

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def raw(channel: str, value: bytes, content_type: str = "application/octet-stream") -> RawMessage:
    """Return a raw record of these bytes."""
    return raw_message(
        channel=channel,
        channel_kind=channel,
        account="12345@city.example",
        jurisdiction="210100",
        identifier="1",
        value=value,
        content_type=content_type,
        time=TAKEN,
        recorded=TAKEN,
    )


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(jsonschema.document("message"))


def holds(made: Normalized) -> None:
    """Check that a message encodes, decodes, fits its schema, and names just the blobs beside it."""
    sent = encode(made.message)
    assert decode(sent, Message) == made.message
    assert _NUL.search(sent) is None, "a NUL reached the record"
    assert fold(made.message.search_text) == made.message.search_text
    _validator().validate(msgspec.json.decode(sent))
    assert {blob.path for blob in made.blobs} <= {file.dataref for file in made.message.attachments}
    for file in made.message.attachments:
        assert file.name is None or not set("/\\\x00") & set(file.name)
    urgent = handover(made.message)
    if urgent is not None:
        encode(urgent)


def message(channel: str, content_type: str, value: bytes) -> None:
    """Normalize: a sound message that alarms as screening alone does, or an error that says why and quotes nothing."""
    source = raw(channel, value, content_type)
    try:
        made = normalize(source, POLICY)
    except RecordError as error:
        explained(error)
        return
    holds(made)
    alarm = alarming(source, POLICY)
    assert handover(made.message) == (alarm and handover(alarm))


def _cases(channel: str) -> tuple[bytes, ...]:
    files = sorted((CASES / channel).glob("*/raw.*"), key=lambda path: path.stat().st_size)
    return tuple(path.read_bytes() for path in files[:SEEDS_A_KIND])


def _binary_cases(channel: str, kind: str) -> tuple[bytes, ...]:
    """Return the cases that keep bytes in hexadecimal digits."""
    found = (CASES / channel).glob(f"*/raw.{kind}")
    texts = [path.read_text("utf-8").split("#")[0] for path in sorted(found)]
    return tuple(bytes.fromhex(text) for text in texts if re.fullmatch(r"[0-9a-fA-F\s]+", text))


Variant = tuple[Callable[[bytes], object], tuple[bytes, ...]]


def _variant(channel: str, content_type: str, *seeds: bytes) -> Variant:
    return partial(message, channel, content_type), seeds


def _any_type(channel: str, value: bytes) -> None:
    """Let the first line be the content type: it comes from another machine, too."""
    content_type, _, rest = value.partition(b"\n")
    message(channel, content_type.decode("utf-8", "replace"), rest)


def _pack(value: bytes) -> None:
    found = tnef.unpack(value if value.startswith(tnef.SIGNATURE) else tnef.SIGNATURE + value)
    assert found is not None
    tnef.words(found.rtf or value)
    for text in (found.subject, found.plain):
        assert text is None or isinstance(text, str)


def _packed_mail(value: bytes) -> None:
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: 8bit\n\n"
    message("mailbox", "message/rfc822", head + value)


def _words(value: bytes) -> None:
    """Look for tokens and quoted numbers: whatever is found as ours must be signed by us."""
    text = value.decode("utf-8", "surrogatepass" if b"\xed" in value and _is_text(value) else "replace")
    found = ticket_tokens.named(Draft(title=text[:40], text=text), POLICY)
    assert found.token is None or found.ticket_id is None or ticket_tokens.make(found.ticket_id, POLICY) == found.token
    assert len(found.numbers) <= ticket_tokens.MOST_NUMBERS
    assert all(ids.valid_ticket_no(number) for number in found.numbers)
    ids.valid_ticket_no(text)


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


TICKET = "210100-" + "a" * 20
TOKEN = ticket_tokens.make(TICKET, POLICY)
PACK = winmail.pack(
    winmail.codepage(936),
    winmail.message(subject="井盖".encode("gbk"), plain="坏了".encode("gbk"), html=b"<p>a</p>"),
    winmail.file("图.jpg".encode("gbk"), b"\xff\xd8", long_name=b"a.jpg"),
    winmail.inner(winmail.pack(winmail.message(plain=b"inner"))),
)
FILE = media.Media(message_id="a" * 26, media_id="m1", dataref=f"210100/{'a' * 26}/x", size=3)
KF = {"msgid": "1", "open_kfid": "wk1", "external_userid": "wm1", "send_time": 1795482723, "origin": 3}

_FIELDS = "text=幸福路12号的井盖坏了&phone=13912345678&name=李雷&odd=kept".encode()
_PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nhi\r\n'
    b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8'
    b"\r\n--b--\r\n"
)
_JSON = '{"description":"井盖坏了","service_code":"x","attribute":{"A":["1","2"]},"lat":41.8,"long":123.4}'.encode()
_CALL = '{"call_id":"c1","caller":"13912345678","note":"井盖坏了","started_at":"2026-11-25T09:00:00+08:00"}'.encode()
_KAMAILIO = b'{"event":"end","callid":"a@b","from":"sip:13800138000@c","to":"sip:12345@c","start":"1795482723"}'
_SHEET = "通话编号,主叫号码,开始时间,通话记录\n1,13800138000,2026-11-25 09:00:00,井盖坏了\n".encode()


def _provider(name: str, *seeds: bytes, more: str = "") -> Variant:
    return _variant("sms", f"application/json; provider={name}{more}", *seeds)


def _sms_wires() -> tuple[Variant, ...]:
    smpp = _binary_cases("sms", "hex") or (bytes.fromhex("00000025000000050000000000000001") + b"\0" * 21,)
    deliver = bytes(8) + b"12345".ljust(21, b"\0") + bytes(10) + b"\0\0\x08" + b"13800138000".ljust(21, b"\0") + b"\0"
    body = deliver + b"\x04" + "井盖".encode("utf-16-be") + bytes(8)
    frame = (12 + len(body)).to_bytes(4, "big") + (5).to_bytes(4, "big") + b"\0\0\0\x01" + body
    pdu = bytes.fromhex("0891683108200105F0040D91683108108300F8000862112590000023044E954E96")
    return (
        _variant("sms", "application/x-smpp; alphabet=gsm7; packed=true", *smpp),
        _variant("sms", "application/x-smpp; alphabet=gb", *smpp),
        _variant("sms", "application/x-cmpp; version=2", frame),
        _variant("sms", "application/x-cmpp; version=3", frame),
        _variant("sms", "application/x-gsm-pdu", pdu, pdu.hex().upper().encode()),
    )


def targets() -> dict[str, Target]:
    """Return the targets of this room."""
    ami = (frames.CDR, frames.HANGUP, frames.USER_EVENT, frames.CHAN_START)
    return {
        "mail": Target(partial(message, "mailbox", "message/rfc822"), _cases("mailbox")),
        "tnef": chosen(((_pack, (PACK,)), (_packed_mail, (PACK,)))),
        "sms": chosen(_sms_wires()),
        "sms_callbacks": chosen(
            (
                _provider("aliyun", '{"phone_number":"139","content":"井盖","sequence_id":"1"}'.encode()),
                _provider("tencent", '{"mobile":"139","text":"井盖","time":1795595340}'.encode()),
                _provider("twilio", b"MessageSid=SM1&From=%2B86139&Body=hi&NumMedia=1&MediaUrl0=http://a"),
                _provider("kannel", "井盖".encode("utf-16-be"), more="; charset=UTF-16BE; udh=050003010201"),
            )
        ),
        "wechat": chosen(
            (
                _variant("wechat", "text/xml", *_cases("wechat")),
                _variant("wechat", "application/json", b'{"MsgType":"text","Content":"hi","FromUserName":"o"}'),
                _variant("wechat", kf.CONTENT_TYPE, *map(msgspec.json.encode, _customer_service())),
                _variant("wechat", media.CONTENT_TYPE, msgspec.json.encode(FILE)),
            )
        ),
        "weibo": Target(partial(message, "weibo", "application/json"), _cases("weibo")),
        "phone": chosen(
            (
                _variant("phone", "application/json; shape=call; platform=cti; zone=UTC", _CALL),
                _variant("phone", "application/json; shape=kamailio", _KAMAILIO),
                _variant("phone", "application/x-asterisk-ami; platform=pbx", *ami),
                _variant("phone", "text/csv; shape=calls", _SHEET),
                _variant("phone", "text/csv; shape=asterisk", frames.LINE),
            )
        ),
        "web": chosen(
            (
                _variant("web", "application/x-www-form-urlencoded", _FIELDS),
                _variant("web", "multipart/form-data; boundary=b", _PARTS),
                _variant("web", "application/json; client=a", _JSON),
                _variant("web", "", _FIELDS, _PARTS, _JSON),
            )
        ),
        "record": Target(partial(message, "record", "application/json"), _cases("record")),
        "content_type": chosen(
            tuple(
                (partial(_any_type, channel), tuple(type_ + b"\n" + body for type_, body in given))
                for channel, given in _typed().items()
            )
        ),
        "tokens": Target(_words, (f"回复：{TOKEN}".encode(), ids.ticket_no("210100", TAKEN, 7).encode())),
    }


def _customer_service() -> list[dict[str, Any]]:
    return [
        KF | {"msgtype": "text", "text": {"content": "井盖坏了"}},
        KF | {"msgtype": "location", "location": {"latitude": 41.8, "longitude": 123.4, "name": "a", "address": "b"}},
        KF | {"msgtype": "image", "image": {"media_id": "m"}},
        KF | {"msgtype": "merged_msg", "merged_msg": {"title": "a", "item": [{"msg_content": '{"text":{}}'}]}},
    ]


def _typed() -> dict[str, tuple[tuple[bytes, bytes], ...]]:
    return {
        "phone": (
            (b"application/json; shape=call; recording=kept; recording_bytes=12", _CALL[:-1] + b',"recording":"r"}'),
            (b'text/csv; shape=calls; zone="Asia/Shanghai"; call=1', _SHEET),
        ),
        "sms": ((b"text/plain; provider=kannel; charset=gbk; to=12345; udh=050003010201", b"hi"),),
        "web": ((b'multipart/form-data; boundary="b"; hotline_code=12345; ticket=a', _PARTS),),
        "mailbox": ((b"message/rfc822; charset=x", b"Subject: a\n\nb"),),
    }
