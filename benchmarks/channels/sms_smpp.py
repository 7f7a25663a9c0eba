"""SMPP under faults: smpp34's SMSC behind a line that breaks. Alone (`-m benchmarks.channels.sms_smpp`): the codec."""

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar

import smpp34

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from benchmarks.channels.smpp_line import Line, truncated, unknown_command
from connectors.sms_common.frames import Frames
from connectors.sms_smpp import codec
from connectors.sms_smpp.settings import SmppSettings
from hotline.dev.demo.smsc import Sms, Smsc
from tests.peers.dovecot import free_ports

PREFIX = "HOTLINE_CONNECTORS__SMS_SMPP__BENCH__"
MOST_WAITING = 2000
PATIENCE_SECONDS = 12.0


class Course(course.Course):
    """One account with two binds; messages in GSM 7 bit, UCS-2 and pieces of long ones."""

    channel: ClassVar[str] = "sms"
    components: ClassVar[tuple[str, ...]] = ("connector:bench",)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._smsc = Smsc(free_ports(1, start=17800), window=50, patience_seconds=PATIENCE_SECONDS)

    def __enter__(self) -> "Course":
        self._smsc.start()
        self._line = Line(self._smsc.port)
        self._port = self._ground.line(self._line.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._smsc.stop()

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}HOST": "127.0.0.1",
            f"{PREFIX}PORT": str(self._port),
            f"{PREFIX}SYSTEM_ID": "hotline",
            f"{PREFIX}PASSWORD": "secret",
            f"{PREFIX}BINDS": "2",
            f"{PREFIX}ENQUIRE_LINK_SECONDS": "5",
            f"{PREFIX}ANSWER_TIMEOUT_SECONDS": "5",
        }

    def send(self, number: int) -> None:
        """Hand a message to the SMSC, which keeps it until it is acknowledged."""
        while self._smsc.waiting > MOST_WAITING:
            time.sleep(0.005)
        sender, text = f"86138{number % 10_000:08d}", f"{numbered(number)} 路灯坏了💡"
        if number % 3 == 0:
            self._smsc.deliver(Sms(sender=sender, data=numbered(number).encode(), coding=0))
        elif number % 3 == 1:
            self._smsc.deliver(Sms(sender=sender, data=text.encode("utf-16-be")))
        else:
            header = bytes((5, 0, 3, number % 256, 2, 1 + number % 2))
            self._smsc.deliver(Sms(sender=sender, data=header + text.encode("utf-16-be"), headed=True))

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        line = self._line
        return {
            "line cut": lambda _: line.cut(),
            "line half open": lambda dice: self._for(dice.uniform(3, 25), "silent", True),
            "line slow": lambda dice: self._for(dice.uniform(3, 10), "slow", 0.05),
            "answers lost": lambda dice: self._for(dice.uniform(2, 15), "deaf", True),
            "bind refused": self._refused,
            "garbage": lambda dice: line.inject(dice.randbytes(dice.randrange(16, 200))),
            "truncated PDU": lambda dice: line.inject(truncated(dice)),
            "unknown command": lambda dice: line.inject(unknown_command(dice)),
            "SMSC killed": self._killed,
            "SMSC unbinds": lambda _: self._smsc.unbind(),
        }

    def _for(self, seconds: float, switch: str, value: object) -> None:
        setattr(self._line, switch, value)
        time.sleep(seconds)
        setattr(self._line, switch, type(value)())

    def _refused(self, dice: Random) -> None:
        self._line.refusing = True
        self._line.cut()
        time.sleep(dice.uniform(1, 8))
        self._line.refusing = False

    def _killed(self, dice: Random) -> None:
        self._smsc.stop()
        time.sleep(dice.uniform(0, 5))
        self._smsc.start()


def codec_seconds(rounds: int = 50_000) -> dict[str, float]:
    """Return microseconds a message: reading it and building its answer, by smpplib alone and with our framing."""
    raw = smpp34.DeliverSm("8613800138000", "12345", "路灯坏了".encode("utf-16-be"), data_coding=8).encode()
    pdu = codec.parse(raw)
    library = _microseconds(lambda: (codec.read(pdu), codec.build("deliver_sm_resp", 1)), rounds)
    settings = SmppSettings.model_validate({"host": "127.0.0.1", "system_id": "hotline", "password": "secret"})
    frames = Frames(codec.SmppCodec(settings, "bind_transceiver"))

    def framed() -> None:
        frames.add(raw)
        frames.next()

    return {"smpplib_us": library, "framing_us": _microseconds(framed, rounds)}


def _microseconds(call: Callable[[], object], rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        call()
    return round((time.process_time() - began) / rounds * 1e6, 2)


if __name__ == "__main__":
    print(codec_seconds())
