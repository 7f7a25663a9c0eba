"""CmppSender: replies of one SP account, over the session that receives."""

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
"""What the ISMG said to one piece; None when it said nothing."""


class CmppSender(SessionSender):
    """Sends replies of one account over the session that `line` returns; None while there is none."""

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
        self._references = itertools.count(secrets.randbelow(256))  # a restart does not repeat the last ones
        self._window = _Window(settings.window)

    @property
    def is_open(self) -> bool:
        """Say whether there is a session to send over."""
        link = self._line()
        return link is not None and link.is_open

    async def send(self, reply: Reply) -> Sent:
        """Send a text, a long one in pieces that the phone joins.

        `reference` are the Msg_Ids with commas between, as status reports (状态报告) name them. Raises UnreachableError
        when there is no session, ThrottledError when the ISMG takes none now: nothing was sent then.
        """
        if self._settings.number is None:
            raise MisconfiguredError(
                f"the CMPP account {self._account} sends no replies without `number` (接入号): set it"
            )
        if not has_phone(reply.recipient):
            return Sent(outcome="refused", code="no_phone")
        pieces = self._pieces(reply)
        async with self._window.of(len(pieces)):
            return await self._sent(pieces)

    async def close(self) -> None:
        """Do nothing: the session is the connector's."""

    def report_of(self, raw: bytes, content_type: str) -> Report | None:
        """Return what a DELIVER reports of a reply; None for one that is no report, or cannot be read."""
        return report_of(raw, content_type)

    async def _sent(self, pieces: list[Submission]) -> Sent:
        """Submit all pieces at once: there are gateways that answer none before they have the last."""
        link = self._line()
        if link is None or not link.is_open:
            raise UnreachableError("there is no session with the ISMG: the connector says why")
        results = await asyncio.gather(*(self._submitted(piece, link) for piece in pieces))
        if any(_is_accepted(result) for result in results):
            results = await asyncio.gather(
                *(self._patiently(*pair, link) for pair in zip(pieces, results, strict=True))
            )
        return _judged(results)

    async def _submitted(self, piece: Submission, link: Link[CmppCodec]) -> Result:
        """Return what the ISMG says to a SUBMIT; None when it says nothing: it may have it."""
        body = submit(piece, link.codec.major)
        try:
            answer = await link.request(lambda sequence: codec.frame(codec.SUBMIT, sequence, body))
            return codec.submit_answer(answer.body)
        except (UnreachableError, MalformedError):
            return None

    async def _patiently(self, piece: Submission, result: Result, link: Link[CmppCodec]) -> Result:
        """Submit a piece again while the ISMG refuses it for being busy."""
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
    """Return a number as CMPP has it: without its plus sign +1 310 555 1234 would be a stranger's in China."""
    return re.sub(r"\+(?!86)", "00", number).removeprefix("+")


class _Window:
    """How many SUBMITs may be unanswered. A text takes room for all of its pieces, since they go at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = asyncio.Semaphore(size)
        self._entering = asyncio.Lock()  # two texts that each had half of their room would wait for ever

    @asynccontextmanager
    async def of(self, pieces: int) -> AsyncIterator[None]:
        """Hold room for a text; one of more pieces than there is room for goes alone."""
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
    """Return what the answers to all pieces mean; raises ThrottledError when the ISMG takes none of them for now."""
    taken = ",".join(result.msg_id for result in results if result is not None and result.result == codec.OK)
    if all(_is_accepted(result) for result in results):
        return Sent(outcome="accepted", code="0", reference=taken)
    if all(_is_busy(result) for result in results):
        raise ThrottledError("the ISMG takes no more replies now (Result 8)", THROTTLED_SECONDS)
    if taken or None in results:
        return Sent(outcome="unknown", code=_code(results), reference=taken or None)
    return Sent(outcome="refused", code=_code(results))


def _code(results: Sequence[Result]) -> str:
    """Return the first result that is none of success, or that there was no answer."""
    said = (result for result in results if not _is_accepted(result))
    first = next(said)
    return "no_answer" if first is None else str(first.result)
