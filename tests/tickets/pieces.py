"""Long SMS in pieces, as an SMSC sends them."""

from datetime import timedelta

from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.envelope import Envelope
from schemas.records import Message, RawMessage
from tests.normalizers.sms.raws import TAKEN, raw_of

TEXT = "市长您好，中山路十二号门口的路灯坏了三天，晚上老人出门看不见路，请派人来修。😀谢谢"
FIRE = "我住中山路十二号三楼，楼下有人着火了，请快一点过来"

OURS = Policy()


def pdu(sender: bytes, data: bytes, number: int, total: int, reference: int) -> bytes:
    """Return a deliver_sm of UCS-2 bytes that is one part of several; a reference over 255 has 16 bits."""
    named = bytes((0, 3, reference)) if reference < 256 else b"\x08\x04" + reference.to_bytes(2, "big")
    said = bytes((len(named) + 2,)) + named + bytes((total, number)) + data
    body = b"\0\1\1" + sender + b"\0\1\1" + b"12345\0" + bytes((0x40, 0, 0)) + b"\0\0" + bytes((0, 0, 8, 0, len(said)))
    body += said
    return (16 + len(body)).to_bytes(4, "big") + b"\0\0\0\5\0\0\0\0\0\0\0\1" + body


def parts_of(
    text: str, size: int, *, sender: str = "13800138000", reference: int = 7, minutes: float = 0, policy: Policy = OURS
) -> list[Message]:
    data = text.encode("utf-16-be")
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    name = f"{reference}-{sender}-{minutes}"
    raws = [
        raw_of(pdu(sender.encode(), piece, n, len(pieces), reference), "application/x-smpp", identifier=f"{name}-{n}")
        for n, piece in enumerate(pieces, 1)
    ]
    return [normalize(at(raw, minutes), policy).message for raw in raws]


def at(raw: RawMessage, minutes: float) -> RawMessage:
    time = TAKEN + timedelta(minutes=minutes)
    envelope: Envelope = replace(raw.envelope, time=time, recordedtime=time)
    return replace(raw, envelope=envelope)
