"""The demo's CMPP account: short messages from an operator's gateway (短信网关), SMSGate, and a status report."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from hotline.dev.demo import smsgate
from hotline.dev.demo.smsgate import SmsGate
from hotline.dev.demo.stage import Player, Stage

PREFIX = "HOTLINE_CONNECTORS__SMS_CMPP__DEMO_CMPP__"

FIRST_ID = 1125093000035466400000
"""The Msg_Id of the first message: the same at every run, so a second demo repeats what is known."""


class CmppPlayer(Player):
    """Lets citizens send through the gateway that the connector has logged in to."""

    components: ClassVar[tuple[str, ...]] = ("connector:demo_cmpp",)

    def __init__(self, stage: Stage) -> None:
        self._gate = SmsGate(stage.folder, stage.port(), "3.0")

    def __enter__(self) -> "CmppPlayer":
        self._gate.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._gate.__exit__()

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account."""
        return {
            f"{PREFIX}HOST": "127.0.0.1",
            f"{PREFIX}PORT": str(self._gate.port),
            f"{PREFIX}SOURCE": smsgate.SOURCE,
            f"{PREFIX}SECRET": smsgate.SECRET,
            f"{PREFIX}VERSION": "3.0",
        }

    def messages(self) -> Iterator[str]:
        """Send one message after the other; the gateway keeps them until the connector has logged in."""
        for number, (sender, text, note) in enumerate(SAMPLES):
            self._gate.send(sender, text, str(FIRST_ID + number))
            yield f"📱 短信 CMPP  {note}"
        self._gate.report(SAMPLES[0][0], str(FIRST_ID + len(SAMPLES)), of=str(FIRST_ID))
        yield "📱 短信 CMPP  状态报告，不成工单 · a status report makes no ticket"


SAMPLES = (
    ("13900000011", "崇山东路公交站牌被撞歪了🚏，玻璃碎了一地", "UCS2 与表情 · UCS2 with an emoji"),
    ("13900000012", "No hot water in building 9, Lihe garden, since Monday", "ASCII"),
)
"""Who sends what, and what is worth seeing about it; all numbers are invented."""
