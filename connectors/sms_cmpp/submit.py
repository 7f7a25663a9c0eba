"""CmppSender: replies of one SP account, over a login of its own that lasts as long as there is something to send."""

import asyncio
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn, TypeAlias

from tenacity.wait import wait_base

from connectors.reply import Reply, Sender, Sent
from connectors.sms_cmpp import codec
from connectors.sms_cmpp.codec import SubmitAnswer
from connectors.sms_cmpp.link import Link
from connectors.sms_cmpp.settings import CmppSettings
from connectors.sms_cmpp.submission import Submission, submit
from connectors.sms_sending import PACE, THROTTLED_SECONDS, has_phone, patiently
from connectors.sms_split import split
from schemas.errors import MalformedError, MisconfiguredError, PipelineError, ThrottledError, UnreachableError

Result: TypeAlias = SubmitAnswer | None
"""What the ISMG said to one piece; None when it said nothing."""


class CmppSender(Sender):
    """Sends replies of one account; logs in when the first one comes, and out when there has been none for a while."""

    def __init__(self, settings: CmppSettings, account_id: str, pace: wait_base = PACE) -> None:
        self._settings = settings
        self._account = account_id
        self._pace = pace
        self._references = itertools.count(secrets.randbelow(256))  # a restart does not repeat the last ones
        self._window = _Window(settings.window)
        self._connecting = asyncio.Lock()
        self._line: _Line | None = None

    async def send(self, reply: Reply) -> Sent:
        """Send a text, a long one in pieces that the phone joins.

        `reference` are the Msg_Ids with commas between, as status reports (状态报告) name them. Raises RetriableError
        or UnauthorizedError when there is no login, ThrottledError when the ISMG takes none now: nothing was sent then.
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
        """Log out. Safe twice; what was not answered yet becomes unknown."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def _sent(self, pieces: list[Submission]) -> Sent:
        """Submit all pieces at once: there are gateways that answer none before they have the last."""
        line = await self._linked()
        results = await asyncio.gather(*(line.submit(piece) for piece in pieces))
        if any(_is_accepted(result) for result in results):
            results = await asyncio.gather(
                *(self._patiently(*pair, line) for pair in zip(pieces, results, strict=True))
            )
        return _judged(results)

    async def _patiently(self, piece: Submission, result: Result, line: "_Line") -> Result:
        """Submit a piece again while the ISMG refuses it for being busy."""
        if not _is_busy(result):
            return result
        again: Result = await patiently(_is_busy, self._pace)(line.submit, piece)
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

    async def _linked(self) -> "_Line":
        async with self._connecting:
            if self._line is not None and not self._line.is_open:
                await self._line.ended()  # never two logins at once
                self._line = None
            if self._line is None:
                self._line = _Line(await Link.open(self._settings, self._settings.submit_port), self._settings)
            return self._line


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


class _Line:
    """One login for replies. A DELIVER on it stays unanswered: the ISMG sends it again, to the session that keeps it.

    Never used again once it takes its leave: what is sent then may or may not arrive.
    """

    def __init__(self, link: Link, settings: CmppSettings) -> None:
        self._link = link
        self._settings = settings
        self._answers: dict[int, asyncio.Future[SubmitAnswer]] = {}
        self._used = True
        self._leaving = False
        self._serving = asyncio.create_task(self._serve())

    @property
    def is_open(self) -> bool:
        """Say whether something can be sent."""
        return not (self._leaving or self._serving.done())

    async def submit(self, piece: Submission) -> Result:
        """Return what the ISMG says to a SUBMIT; None when it says nothing: it may have it."""
        self._used = True
        answer: asyncio.Future[SubmitAnswer] = asyncio.get_running_loop().create_future()
        sequence = self._link.request(codec.SUBMIT, submit(piece, self._link.major))
        self._answers[sequence] = answer
        try:
            async with asyncio.timeout(self._settings.submit_timeout_seconds):
                return await answer
        except (TimeoutError, UnreachableError):
            return None
        finally:
            del self._answers[sequence]

    async def close(self) -> None:
        """Log out."""
        self._leaving = True
        self._serving.cancel()
        await self.ended()

    async def ended(self) -> None:
        """Return when the connection is gone."""
        await asyncio.wait({self._serving})

    async def _serve(self) -> None:
        error: PipelineError = UnreachableError("the connection for replies was given back")
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._link.keep_alive(), self._read(), self._rest()):
                    tasks.create_task(work)
        except* _Idle:
            await self._link.leave()
        except* PipelineError as group:
            error = UnreachableError(str(group.exceptions[0]))
        except* asyncio.CancelledError:
            await self._link.leave()
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(error)
            self._link.drop()

    async def _read(self) -> NoReturn:
        while True:
            frame = await self._link.read()
            answer = self._answers.get(frame.sequence)
            if frame.command != codec.SUBMIT | codec.ANSWER:
                self._link.answered(frame)
            elif answer is not None and not answer.done():
                try:
                    answer.set_result(codec.submit_answer(frame.body))
                except MalformedError as error:
                    answer.set_exception(UnreachableError(str(error)))

    async def _rest(self) -> NoReturn:
        """Give the login back when it was not used for a while: many accounts have only one or two."""
        while self._answers or self._used:
            self._used = False
            await asyncio.sleep(self._settings.submit_idle_seconds)
        self._leaving = True
        raise _Idle


class _Idle(Exception):  # noqa: N818 - no fault
    """Nothing was sent for a while."""


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
