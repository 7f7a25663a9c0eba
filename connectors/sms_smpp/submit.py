"""Submitter: sends answers to citizens by SMPP, over a bind_transmitter of its own, and says what became of each.

::

    async with Submitter(settings) as submitter:
        outcome = await submitter.submit("8613800138000", "您的诉求已受理，工单号…")
"""

import asyncio
import itertools
import re
import secrets
from contextlib import suppress
from types import TracebackType
from typing import Literal

from msgspec import Struct
from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_exponential
from tenacity.wait import wait_base

from connectors.sms_smpp import codec
from connectors.sms_smpp.codec import Pdu
from connectors.sms_smpp.link import Link, opened
from connectors.sms_smpp.settings import SmppSettings
from connectors.sms_split import Split, split
from schemas.errors import MalformedError, PipelineError, RetriableError

State = Literal["accepted", "refused", "unknown"]

PACE = wait_exponential(multiplier=1, max=8)
"""Between attempts to send a further piece that the SMSC refuses for being busy: 1, 2, 4, 8 s."""

_ATTEMPTS = 5
_NUMBER = re.compile(r"\+?[0-9]{3,20}")
_HEADED = 0x40
_BUSY = (codec.THROTTLED, codec.QUEUE_FULL)
_PASSING = (*_BUSY, codec.SYSTEM_ERROR, codec.TEMPORARY)


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one text.

    `accepted`: the SMSC has all of it. `refused`: it has none of it; where `temporary`, later it may take it.
    `unknown`: it may have it, or has only some pieces: never send it again. `message_ids` are the SMSC's, one for each
    piece that it took, and stand in its delivery receipts. `reason` holds no personal data.
    """

    state: State
    message_ids: tuple[str, ...] = ()
    temporary: bool = False
    reason: str | None = None


class Submitter:
    """One account's way out; connects when first needed, and again after a fault. For one event loop."""

    def __init__(self, settings: SmppSettings, pace: wait_base = PACE) -> None:
        self._settings = settings
        self._pace = pace
        self._references = itertools.cycle(range(256))
        for _ in range(secrets.randbelow(256)):  # so that a restart does not repeat the last ones
            next(self._references)
        self._connecting = asyncio.Lock()
        self._link: Link | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Submitter":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def submit(self, to: str, text: str) -> Outcome:
        """Send a text to a number, as it came or with a plus; a long one in pieces that the phone joins.

        Raises RetriableError or UnauthorizedError when there is no bind: then nothing was sent. Raises TooLargeError
        for more than 255 pieces. Several texts may be on their way at once.
        """
        if not _NUMBER.fullmatch(to):
            return Outcome(state="refused", reason="the receiver is no telephone number")
        parts = split(text, next(self._references), self._settings.alphabet == "gsm7")
        return await self._submit(to.removeprefix("+"), parts)

    async def close(self) -> None:
        """Unbind. Safe twice; what was not answered yet becomes unknown."""
        link, listening, self._link = self._link, self._listening, None
        if link is not None and listening is not None:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await link.close()

    async def _submit(self, to: str, parts: Split) -> Outcome:
        taken: list[str] = []
        for piece in parts.pieces:
            try:
                link = await self._linked()
            except PipelineError:
                if not taken:
                    raise
                return _torn(taken, "the connection broke between its pieces")
            try:
                answer = await self._patiently(link, to, piece, parts, further=bool(taken))
            except RetriableError:
                return _torn(taken, "the SMSC did not say whether it has it")
            if answer.status != codec.OK:
                return _refused(taken, answer.status)
            taken.append(_message_id(answer))
        return Outcome(state="accepted", message_ids=tuple(taken))

    async def _patiently(self, link: Link, to: str, piece: bytes, parts: Split, further: bool) -> Pdu:
        """Send a piece; a further one again while the SMSC refuses it for being busy, as half a text helps nobody."""
        retrying = AsyncRetrying(
            retry=retry_if_result(lambda answer: further and answer.status in _BUSY),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=self._pace,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        answer: Pdu = await retrying(self._send, link, to, piece, parts)
        return answer

    async def _send(self, link: Link, to: str, piece: bytes, parts: Split) -> Pdu:
        chosen = self._settings
        return await link.request(
            "submit_sm",
            source_addr=chosen.reply_from,
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

    async def _linked(self) -> Link:
        async with self._connecting:
            if self._link is None or not self._link.is_open:
                await self.close()
                self._link = await opened(self._settings, "bind_transmitter")
                self._listening = asyncio.create_task(_listen(self._link))
            return self._link


async def _listen(link: Link) -> None:
    """Let answers and heartbeats through; an SMSC asks nothing else of a transmitter."""
    try:
        async for pdu in link.requests():
            await link.refuse(pdu)
    except RetriableError as error:
        link.give_up(str(error))
    else:
        await link.close()


def _message_id(answer: Pdu) -> str:
    try:
        found: bytes = codec.read(answer).message_id or b""
    except MalformedError:
        return ""
    return found.decode("ascii", "backslashreplace")


def _refused(taken: list[str], status: int) -> Outcome:
    name = codec.status_name(status)
    if taken:
        return _torn(taken, f"the SMSC refused a further piece of it: {name}")
    return Outcome(state="refused", temporary=status in _PASSING, reason=f"the SMSC refuses it: {name}")


def _torn(taken: list[str], reason: str) -> Outcome:
    return Outcome(state="unknown", message_ids=tuple(taken), reason=reason)
