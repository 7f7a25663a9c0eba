"""CmppSender: replies of one SP account over the receiving session."""

import asyncio
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from tenacity.wait import wait_base

from connectors.replies.base import Reply, Report, Sent, SessionSender
from connectors.sms_cmpp import codec
from connectors.sms_cmpp.codec import CmppCodec, SubmitAnswer
from connectors.sms_cmpp.settings import CmppSettings
from connectors.sms_cmpp.submission import Submission, submit
from connectors.sms_common.delivery_reports import report_of
from connectors.sms_common.link import Link
from connectors.sms_common.segmentation import split
from connectors.sms_common.sending import PACE, THROTTLED_SECONDS, has_phone, patiently
from schemas.errors import MalformedError, MisconfiguredError, ThrottledError, UnreachableError

Result: TypeAlias = SubmitAnswer | None
"""The ISMG's answer to one part; None without an answer."""


class CmppSender(SessionSender):
    """Sends replies of one account over the session that `line` returns; None while the session is down."""

    def __init__(
        self,
        settings: CmppSettings,
        account_id: str,
        line: Callable[[], Link[CmppCodec] | None],
        pace: wait_base = PACE,
    ) -> None:
        self._settings = settings
        self._account = account_id
        self._line = line
        self._pace = pace
        self._references = itertools.count(secrets.randbelow(256))  # random: a restart repeats no recent ones
        self._window = _Window(settings.window)

    @property
    def is_open(self) -> bool:
        """Return whether the session is open."""
        link = self._line()
        return link is not None and link.is_open

    async def send(self, reply: Reply) -> Sent:
        """Send a text; a long one in parts that the phone joins.

        `reference` holds the Msg_Ids of status reports (状态报告), separated by commas. Raises UnreachableError
        without a session, ThrottledError if the ISMG accepts no message now: nothing was sent then.
        """
        if self._settings.number is None:
            raise MisconfiguredError(f"the CMPP account {self._account} cannot reply without `number` (接入号): set it")
        if not has_phone(reply.recipient):
            return Sent(outcome="refused", code="no_phone")
        pieces = self._pieces(reply)
        async with self._window.of(len(pieces)):
            return await self._sent(pieces)

    async def close(self) -> None:
        """Do nothing: the session belongs to the connector."""

    def report_of(self, raw: bytes, content_type: str) -> Report | None:
        """Return the status report in a DELIVER, or None for other or unreadable messages."""
        return report_of(raw, content_type)

    async def _sent(self, pieces: list[Submission]) -> Sent:
        """Submit all parts at once: some gateways answer none before they have the last."""
        link = self._line()
        if link is None or not link.is_open:
            raise UnreachableError("there is no session with the ISMG: see the log of the connector")
        results = await asyncio.gather(*(self._submitted(piece, link) for piece in pieces))
        if any(_is_accepted(result) for result in results):
            results = await asyncio.gather(
                *(self._patiently(*pair, link) for pair in zip(pieces, results, strict=True))
            )
        return _judged(results)

    async def _submitted(self, piece: Submission, link: Link[CmppCodec]) -> Result:
        """Return the ISMG's answer to a SUBMIT; None without an answer: the ISMG may have the message."""
        body = submit(piece, link.codec.major)
        try:
            answer = await link.request(lambda sequence: codec.frame(codec.SUBMIT, sequence, body))
            return codec.submit_answer(answer.body)
        except (UnreachableError, MalformedError):
            return None

    async def _patiently(self, piece: Submission, result: Result, link: Link[CmppCodec]) -> Result:
        """Submit a part again while the ISMG is busy."""
        if not _is_busy(result):
            return result
        again: Result = await patiently(_is_busy, self._pace)(self._submitted, piece, link)
        return again

    def _pieces(self, reply: Reply) -> list[Submission]:
        chosen = self._settings
        contents = split(reply.text, next(self._references) & 0xFF, gsm7=False).pieces
        return [
            Submission(
                source=chosen.source,
                service=chosen.service or "",
                fee_type=chosen.fee_type,
                number=chosen.number or "",
                to=_dialled(reply.recipient.value),
                content=content,
                part=part,
                total=len(contents),
                wants_report=chosen.reports,
            )
            for part, content in enumerate(contents, 1)
        ]


def _dialled(number: str) -> str:
    """Return a number in CMPP's format: without its plus sign +1 310 555 1234 would be another person's in China."""
    return re.sub(r"\+(?!86)", "00", number).removeprefix("+")


class _Window:
    """Limit of unanswered SUBMITs. A text reserves room for all of its parts, because they are sent at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = asyncio.Semaphore(size)
        self._entering = asyncio.Lock()  # two texts with half of their room each would wait for ever

    @asynccontextmanager
    async def of(self, pieces: int) -> AsyncIterator[None]:
        """Reserve room for a text; a text with more parts than the limit is sent alone."""
        taken = 0
        try:
            async with self._entering:
                for _ in range(min(pieces, self._size)):
                    await self._room.acquire()
                    taken += 1
            yield
        finally:
            for _ in range(taken):
                self._room.release()


def _is_accepted(result: Result) -> bool:
    return result is not None and result.result == codec.OK


def _is_busy(result: Result) -> bool:
    return result is not None and result.result == codec.FLOW_CONTROL


def _judged(results: Sequence[Result]) -> Sent:
    """Return the outcome of all parts; raises ThrottledError if the ISMG accepts none of them now."""
    taken = ",".join(result.msg_id for result in results if result is not None and result.result == codec.OK)
    if all(_is_accepted(result) for result in results):
        return Sent(outcome="accepted", code="0", reference=taken)
    if all(_is_busy(result) for result in results):
        raise ThrottledError("the ISMG accepts no more replies now (Result 8)", THROTTLED_SECONDS)
    if taken or None in results:
        return Sent(outcome="unknown", code=_code(results), reference=taken or None)
    return Sent(outcome="refused", code=_code(results))


def _code(results: Sequence[Result]) -> str:
    """Return the first result other than success, or `no_answer`."""
    said = (result for result in results if not _is_accepted(result))
    first = next(said)
    return "no_answer" if first is None else str(first.result)
