"""The demo's SMPP account: short messages from the SMSC of another hand, whole, in pieces, and a delivery receipt."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec
from msgspec import Struct

from hotline.dev.demo.smsc import Sms, Smsc
from hotline.dev.demo.stage import Player, Stage

PREFIX = "HOTLINE_CONNECTORS__SMS_SMPP__DEMO_SMPP__"

_PIECE_BYTES = 134

_RECEIPT = b"id:7f01 sub:001 dlvrd:001 submit date:2603020910 done date:2603020911 stat:DELIVRD err:000 text:"


class Note(Struct, frozen=True):
    """A short message, and what is worth seeing about it."""

    sms: Sms
    note: str


class SmppPlayer(Player):
    """Hands the samples to an SMSC that the connector is bound to."""

    components: ClassVar[tuple[str, ...]] = ("connector:demo_smpp",)

    def __init__(self, stage: Stage) -> None:
        self._smsc = Smsc(stage.port(), window=1)
        self._done = stage.folder / "smsc.acknowledged"
        """Digests of what an earlier demo on this stack brought: an SMSC sends nothing twice that was acknowledged."""

    def __enter__(self) -> "SmppPlayer":
        self._smsc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._smsc.stop()
        known = self._known() | {_digest(sms) for sms in self._smsc.acknowledged}
        self._done.write_text("\n".join(sorted(known)), "utf-8")

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account."""
        return {
            f"{PREFIX}HOST": "127.0.0.1",
            f"{PREFIX}PORT": str(self._smsc.port),
            f"{PREFIX}SYSTEM_ID": "hotline",
            f"{PREFIX}PASSWORD": "secret",
        }

    def messages(self) -> Iterator[str]:
        """Hand one message after the other to the SMSC, which keeps each until it is acknowledged."""
        known = self._known()
        for each in samples():
            if _digest(each.sms) not in known:
                self._smsc.deliver(each.sms)
                yield f"📱 短信 SMPP  {each.note}"

    def _known(self) -> set[str]:
        return set(self._done.read_text("utf-8").split()) if self._done.exists() else set()


def samples() -> tuple[Note, ...]:
    """Return the short messages; all numbers and people are invented."""
    steps = (
        "泰山路3号小区西门的台阶上个月铺管道时拆了一直没有恢复，每天早上送孩子上学的老人只能从花坛边上绕，昨天傍晚又有一位"
        "阿姨不小心就摔倒了🆘，物业说归街道管，街道说归施工队管，请帮忙问一问到底哪天能修好"
    )
    return (
        Note(_whole("8613900000001", "黄河大街公厕晚上没有灯💡，麻烦修一下"), "UCS-2 与表情 · UCS-2 with an emoji"),
        Note(
            Sms(sender="8613900000002", data=b"bus 237 passes the Beiling stop without halting", coding=0),
            "GSM 7 位字母 · GSM 7 bit",
        ),
        *(
            Note(piece, f"长短信第 {number} 段，乱序到达 · a piece of a long one, out of order")
            for number, piece in sorted(_pieces("8613900000003", steps), reverse=True)
        ),
        Note(
            Sms(sender="8613900000001", data=_RECEIPT, coding=0, receipt=True),
            "状态报告，不成工单 · a delivery receipt makes no ticket",
        ),
    )


def _digest(sms: Sms) -> str:
    return hashlib.sha256(msgspec.json.encode(sms)).hexdigest()


def _whole(sender: str, text: str) -> Sms:
    return Sms(sender=sender, data=text.encode("utf-16-be"))


def _pieces(sender: str, text: str) -> Iterator[tuple[int, Sms]]:
    """Cut as phones do: in bytes, through an emoji if it stands there."""
    data = text.encode("utf-16-be")
    pieces = [data[at : at + _PIECE_BYTES] for at in range(0, len(data), _PIECE_BYTES)]
    for number, piece in enumerate(pieces, 1):
        header = bytes((5, 0, 3, 42, len(pieces), number))
        yield number, Sms(sender=sender, data=header + piece, headed=True)
