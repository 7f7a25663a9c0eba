"""Sends the receipts of one account over its session, in the process that holds the session: no second login."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import structlog
from aiokafka.errors import KafkaError, ProducerFenced

from broker.config import KafkaConnection
from connectors import metrics
from connectors.replies.account_queue import Reached, Tools
from connectors.replies.kafka import Told
from connectors.replies.partition import Follow, Owner
from connectors.replies.service import AGAIN_SECONDS, FENCED_SECONDS, LEAVE_SECONDS
from schemas.errors import MadeAnewError, PipelineError

WATCH_SECONDS = 0.2
"""Seconds between checks whether this process still owns the account."""

_log = structlog.get_logger(__name__)


class AccountAnswers:
    """Owns the receipts of one account as long as `is_ours`: while this process may hold the session.

    Every error is shown as a trouble and retried; messages from citizens are accepted all the same. The same holds
    for a missing key: `make_tools` is called in a thread when it is first needed.
    """

    def __init__(
        self,
        account: str,
        partition: int,
        connection: KafkaConnection,
        make_tools: Callable[[], Tools],
        is_ours: Callable[[], bool],
        *,
        reports: Follow | None = None,
        reached: Reached = lambda point: None,
    ) -> None:
        self._account = account
        self._is_ours = is_ours
        self._make_tools = make_tools
        self._tools: Tools | None = None
        self._make_owner = partial(
            Owner,
            partition,
            connection,
            serves=lambda whose: whose == account,
            account=account,
            reports=reports,
            reached=reached,
        )
        self._owner: Owner | None = None
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Return the error that keeps the account from sending."""
        owned = self._owner.troubles().get(self._account) if self._owner else None
        return self._trouble or owned

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; sends in progress are finished first, for LEAVE_SECONDS at most."""
        told = Told()
        while not stop.is_set():
            pause = WATCH_SECONDS
            if self._is_ours():
                try:
                    await self._own(stop, told)
                except MadeAnewError:
                    told = Told()  # its offsets are those of the old topic
                except Exception as error:  # noqa: BLE001 - the session continues, and messages are accepted
                    self._troubled(error)
                    pause = FENCED_SECONDS if isinstance(error, ProducerFenced) else AGAIN_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _own(self, stop: asyncio.Event, told: Told) -> None:
        if self._tools is None:
            self._tools = await asyncio.to_thread(self._make_tools)
        tools, ending = self._tools, asyncio.Event()
        self._owner = self._make_owner(tools_of=lambda _: tools, told=told)
        owning = asyncio.create_task(self._owner.run(ending), name=f"answers of {self._account}")
        try:
            while not owning.done() and not stop.is_set() and self._is_ours():
                if self._owner.done_before is not None:
                    self._trouble = None
                await asyncio.wait({owning}, timeout=WATCH_SECONDS)
            ending.set()
            await asyncio.wait({owning}, timeout=LEAVE_SECONDS)
            if owning.done():
                owning.result()
        finally:
            owning.cancel()
            await asyncio.gather(owning, return_exceptions=True)
            self._owner = None

    def _troubled(self, error: Exception) -> None:
        known = isinstance(error, KafkaError | PipelineError)
        metrics.ERRORS.labels("outbox", self._account, type(error).__name__).inc()
        _log.log(30 if known else 40, "account_answers_failed", account=self._account, error=type(error).__name__)
        told = str(error).rstrip(".") if isinstance(error, PipelineError) else type(error).__name__
        self._trouble = f"no answers are given: {told}"
