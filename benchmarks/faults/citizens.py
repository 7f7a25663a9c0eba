"""The citizens: every text that reaches them by mail, short message or WeChat, and services that take none now."""

import email
import email.policy
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from msgspec import Struct

from hotline.dev.demo.smsc import Sms as Piece
from hotline.dev.demo.smsc import Smsc
from hotline.dev.demo.wechat_api import Call, WeChatApi
from tests.peers.served import Served

_NUMBERS = {"mailbox": r"c(\d+)@example\.cn", "wechat": r"c(\d+)", "sms": r"86138(\d{8})"}
_OFTEN = {"errcode": 45011, "errmsg": "api minute-quota reach limit"}


class Text(Struct, frozen=True, kw_only=True):
    """What a citizen got once; a mail's head stands before its text. Of a short message pieces may be missing."""

    number: int
    channel: str
    words: str
    is_whole: bool = True


class MailServer(Served):
    """An SMTP server (aiosmtpd) that keeps what it takes; while it is `busy` it says 451, before the text or after."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._asked = itertools.count()
        self.busy = False
        self.refused = 0
        self.taken: list[tuple[str, bytes]] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _: SMTP, __: object, envelope: Envelope, address: str, ___: object
    ) -> str:
        """Answer RCPT."""
        if self.busy and next(self._asked) % 2:
            self.refused += 1
            return "451 4.7.1 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: object, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        """Answer the text."""
        if self.busy:
            self.refused += 1
            return "451 4.3.0 not now"
        self.taken += [(address, envelope.original_content or b"") for address in envelope.rcpt_tos]
        return "250 OK"

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: SMTP(self, hostname="mail.example.cn", loop=self._loop), "127.0.0.1", self._port
        )
        self._ready.set()
        await self._end.wait()
        server.close()


class Citizens:
    """Whoever we answer: at the mail server, at the SMS centres, and on the platform."""

    def __init__(self, mail: MailServer, centres: Mapping[str, Smsc], platform: WeChatApi) -> None:
        self._mail, self._centres, self._platform = mail, centres, platform
        platform.fault = self._refuses
        self._often = 0

    @property
    def busy(self) -> bool:
        """Say whether the services take no answers now: a no that says that they have not got it."""
        return self._mail.busy

    @busy.setter
    def busy(self, value: bool) -> None:
        self._mail.busy = value

    @property
    def refused(self) -> int:
        """Return how often a service said that it does not take an answer now."""
        return self._mail.refused + self._often

    def got(self) -> list[Text]:
        """Return every text that reached somebody until now."""
        mails = (_text("mailbox", address, _read(raw)) for address, raw in list(self._mail.taken))
        posts = (_text("wechat", one["touser"], one["text"]["content"]) for one in list(self._platform.replies))
        pieces = (one for centre in self._centres.values() for one in _joined(list(centre.submitted)))
        return [*mails, *posts, *pieces]

    def _refuses(self, call: Call) -> bool:
        if self.busy and call.endpoint == "message/custom/send":
            self._often += 1
            call.say(_OFTEN)
            return True
        return False


def _text(channel: str, address: str, words: str, *, is_whole: bool = True) -> Text:
    found = re.fullmatch(_NUMBERS[channel], address)
    return Text(number=int(found[1]) if found else -1, channel=channel, words=words, is_whole=is_whole)


def _read(raw: bytes) -> str:
    mail: Any = email.message_from_bytes(raw, policy=email.policy.default)
    return f"{mail['In-Reply-To']}\n{mail['Subject']}\n{mail.get_content()}"


def _joined(submitted: list[Piece]) -> Iterator[Text]:
    """Yield the short messages as a phone shows them: a piece that comes a second time begins another text."""
    heaps: defaultdict[tuple[str, bytes, int], dict[int, bytes]] = defaultdict(dict)
    came: Counter[tuple[str, bytes, int]] = Counter()
    for piece in submitted:
        if not piece.headed:
            yield _text("sms", piece.to, piece.data.decode("utf-16-be"))
            continue
        name = piece.to, piece.data[3:5], piece.data[5]
        came[name] += 1
        heaps[piece.to, piece.data[3:5], came[name]][piece.data[5]] = piece.data[6:]
    for (to, head, _), pieces in heaps.items():
        words = b"".join(data for _, data in sorted(pieces.items())).decode("utf-16-be", "replace")
        yield _text("sms", to, words, is_whole=len(pieces) == head[1])
