"""SmppSender: replies of one account over a bind of the receiving session."""

import itertools
import secrets
from collections.abc import Callable

from tenacity.wait import wait_base

from connectors.replies.base import Reply, Report, Sent, SessionSender
from connectors.sms_common.delivery_reports import report_of
from connectors.sms_common.frames import Frame
from connectors.sms_common.link import Link
from connectors.sms_common.segmentation import Split, split
from connectors.sms_common.sending import PACE, THROTTLED_SECONDS, has_phone, patiently
from connectors.sms_smpp import codec
from connectors.sms_smpp.codec import SmppCodec
from connectors.sms_smpp.settings import SmppSettings
from schemas.errors import MalformedError, RetriableError, ThrottledError, TooLargeError, UnreachableError

_HEADED = 0x40
_BUSY = (codec.THROTTLED, codec.QUEUE_FULL)
_PASSING = (*_BUSY, codec.SYSTEM_ERROR, codec.TEMPORARY)
"""Temporary refusals, independent of the text."""


class SmppSender(SessionSender):
    """Sends replies of one account over the bind that `line` returns; None without an open one."""

    def __init__(
        self, settings: SmppSettings, line: Callable[[], Link[SmppCodec] | None], pace: wait_base = PACE
    ) -> None:
        self._settings = settings
        self._line = line
        self._pace = pace
        self._references = itertools.count(secrets.randbelow(256))  # random: a restart repeats no recent ones

    @property
    def is_open(self) -> bool:
        """Return whether a bind for sending is open."""
        return self._line() is not None

    async def send(self, reply: Reply) -> Sent:
        """Send a text; a long one in parts that the phone joins.

        `code` is the SMSC's status, `reference` the message ids of delivery receipts (状态报告), separated by commas.
        Raises UnreachableError without a bind, and ThrottledError if the SMSC accepts no message now: nothing was
        sent then. `unknown` includes a text of which the SMSC has only some parts.
        """
        if not has_phone(reply.recipient):
            return Sent(outcome="refused", code="no_phone")
        try:
            parts = split(reply.text, next(self._references) & 0xFF, self._settings.alphabet == "gsm7")
        except TooLargeError as error:
            return Sent(outcome="refused", code=error.code)
        return await self._submit(reply.recipient.value.removeprefix("+"), parts)

    async def close(self) -> None:
        """Do nothing: the binds belong to the connector."""

    def report_of(self, raw: bytes, content_type: str) -> Report | None:
        """Return the delivery receipt in a deliver_sm or data_sm, or None for any other."""
        return report_of(raw, content_type)

    async def _submit(self, to: str, parts: Split) -> Sent:
        taken: list[str] = []
        for piece in parts.pieces:
            if (link := self._line()) is None:
                if taken:
                    return _torn(taken, "broken")
                raise UnreachableError("there is no bind at the SMSC: see the log of the connector")
            try:
                answer = await self._patiently(link, to, piece, parts, further=bool(taken))
            except RetriableError:
                return _torn(taken, "no_answer")
            if answer.status != codec.OK:
                return _refused(taken, answer.status)
            taken.append(_message_id(answer))
        return Sent(outcome="accepted", code="0x0", reference=",".join(taken) or None)

    async def _patiently(self, link: Link[SmppCodec], to: str, piece: bytes, parts: Split, further: bool) -> Frame:
        """Send a part; repeat a further part while the SMSC is busy."""
        retrying = patiently(lambda answer: further and answer.status in _BUSY, self._pace)
        answer: Frame = await retrying(self._send, link, to, piece, parts)
        return answer

    async def _send(self, link: Link[SmppCodec], to: str, piece: bytes, parts: Split) -> Frame:
        chosen = self._settings
        return await link.request(
            lambda sequence: codec.build(
                "submit_sm",
                sequence,
                source_addr=chosen.reply_from or "",
                source_addr_ton=chosen.reply_ton,
                source_addr_npi=chosen.reply_npi,
                destination_addr=to,
                dest_addr_ton=chosen.citizen_ton,
                dest_addr_npi=chosen.citizen_npi,
                esm_class=_HEADED if parts.headed else 0,
                data_coding=parts.coding,
                registered_delivery=int(chosen.reply_receipts),
                short_message=piece,
            )
        )


def _message_id(answer: Frame) -> str:
    try:
        found: bytes = codec.read(answer).message_id or b""
    except MalformedError:
        return ""
    return found.decode("ascii", "backslashreplace")


def _refused(taken: list[str], status: int) -> Sent:
    if taken:
        return _torn(taken, hex(status))
    if status in _PASSING:
        raise ThrottledError(f"the SMSC accepts no replies now ({codec.status_name(status)})", THROTTLED_SECONDS)
    return Sent(outcome="refused", code=hex(status))


def _torn(taken: list[str], code: str) -> Sent:
    return Sent(outcome="unknown", code=code, reference=",".join(taken) or None)
