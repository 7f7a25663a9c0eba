"""Runner of pull connectors: moves batches from a source to Kafka; only it decides order, pauses and retries."""

import threading
import time

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_when_event_set,
    wait_exponential_jitter,
)
from tenacity.wait import wait_base

from broker.lease import ASK_SECONDS, UNSHARED, Lease
from connectors.base import Batch, Deferring, PullConnector
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from connectors.runtime.health import Health
from schemas.errors import FatalError, StoreAwayError, ThrottledError, UnauthorizedError, UnshownError

SLICE_SECONDS = 1.0
"""Seconds of one wait of a connector, between two looks whether to stop."""

PACE = wait_exponential_jitter(multiplier=1, max=60, jitter=1)
"""Back-off after a temporary fault: 1, 2, 4 … 60 s plus up to one second, so that connectors spread out."""

LOOK_SECONDS = 0.5
"""Interval in a pause, in seconds, at which Kafka is looked for."""

LONGEST_ASKED_SECONDS = 25 * 3600.0
"""Limit of a pause that a service asks for: quotas are for a day."""

SLOW_PACE = wait_exponential_jitter(multiplier=30, max=900, jitter=30)
"""Pause after a refused login, in seconds: repeated failures lock accounts, and an operator may mend it at any time."""


def run_once(connector: PullConnector, publisher: Publisher, cursors: Cursors, beside: set[str] | None = None) -> Batch:
    """Move one batch. A crash between any two lines repeats messages and never loses one.

    `beside` remembers messages that were sent although their batch waits.
    """
    before = cursors.load()
    batch = connector.fetch(before)
    batch = _published(connector, publisher, batch, set() if beside is None else beside)  # the broker holds them then
    if batch.cursor.position != before.position:
        cursors.save(batch.cursor)
    return batch


def _published(connector: PullConnector, publisher: Publisher, batch: Batch, beside: set[str]) -> Batch:
    """Publish, and return what was published: if the blob store is away, large messages do not delay others.

    If the connector cannot defer them, the batch waits with its cursor and comes again whole; its small messages are
    sent at once, and only once: an emergency must not wait with a large message.
    """
    try:
        publisher.publish(batch.messages, batch.dead_letters)
    except StoreAwayError as error:
        rest = connector.without(batch, error.waiting) if isinstance(connector, Deferring) else None
        if rest is None:
            held = error.waiting | beside
            publisher.publish([message for message in batch.messages if message.message_id not in held])
            beside.update(message.message_id for message in batch.messages)
            raise
        publisher.publish(rest.messages, rest.dead_letters)
        batch = rest
    beside.clear()
    return batch


def run_pull(
    connector: PullConnector,
    publisher: Publisher,
    cursors: Cursors,
    *,
    stop: threading.Event,
    health: Health,
    lease: Lease = UNSHARED,
    pace: wait_base = PACE,
    slow_pace: wait_base = SLOW_PACE,
) -> None:
    """Move batches until `stop` is set; the batch in flight is finished and its cursor saved first.

    Only the owner of the account works; another process stands by. Temporary faults and internal errors are waited
    out; other accounts of the process go on. Raises FatalError if an operator is needed and it never worked: if it
    worked before with these settings, something else has changed (rights of a folder, a file that is being replaced)
    and may change back.
    """
    pull = _Pull(connector, publisher, cursors, lease, stop, health)
    retrying = Retrying(
        retry=retry_if_exception(lambda error: passes(error, pull.worked)),
        wait=lambda state: wait_for(state, pace, slow_pace),
        stop=stop_when_event_set(stop),
        sleep=pull.pause,
        before_sleep=pull.interrupted,
        reraise=True,
    )
    try:
        while not stop.is_set():
            retrying(pull.step)
    except Exception as error:
        if passes(error, pull.worked):
            return  # told to stop while it waited to try again
        health.failed(error)
        raise
    finally:
        connector.close()
        lease.close()
        health.stopped()


class _Pull:
    """One connector, connected or not."""

    def __init__(
        self,
        connector: PullConnector,
        publisher: Publisher,
        cursors: Cursors,
        lease: Lease,
        stop: threading.Event,
        health: Health,
    ) -> None:
        self._connector = connector
        self._publisher = publisher
        self._cursors = cursors
        self._lease = lease
        self._stop = stop
        self._health = health
        self._owner = False
        self._open = False
        self._beside: set[str] = set()
        self._faults: RetryCallState | None = None
        """Faults that could end with Kafka's absence; None for others."""
        self.worked = False

    def step(self) -> None:
        """Connect if needed, move one batch, and wait if there was none; all this as the owner only."""
        if not self._owns():
            return
        if not self._open:
            self._connector.open()
            self._open = True
        before = self._cursors.load()
        batch = run_once(self._connector, self._publisher, self._cursors, self._beside)
        self.worked = True
        self._health.succeeded(len(batch.messages), len(batch.dead_letters), batch.complaints)
        if batch.cursor.position == before.position:
            self._wait()

    def _owns(self) -> bool:
        """Return whether this process owns the account, after a wait if needed; False at a stop."""
        if self._owner and self._lease.held:
            return True
        if self._owner:
            self._let_go()
            self._cursors.forget()  # the next owner moves it
            self._owner = False
        while not self._stop.is_set():
            if self._lease.ask(self._health.standing_by):
                self._owner = True
                return True
            self._stop.wait(ASK_SECONDS)
        return False

    def _wait(self) -> None:
        while self._lease.held and not self._stop.is_set() and not self._connector.wait(SLICE_SECONDS):
            pass

    def _let_go(self) -> None:
        self._connector.close()
        self._open = False

    def interrupted(self, state: RetryCallState) -> None:
        """Close a connection that may be half dead, before the wait."""
        fault = _error(state)
        self._faults = None if isinstance(fault, ThrottledError | FatalError) else state
        self._health.troubled(fault)
        self._let_go()

    def pause(self, seconds: float) -> None:
        """Wait after a fault; if Kafka was away, and with it the ownership, only until the account is owned again.

        By then the pauses may be a minute long, and the next fault is the first of another kind. A fault that asked
        for a pause, or a refused login, gets all of it.
        """
        end, lost = time.monotonic() + seconds, False
        while (left := end - time.monotonic()) > 0:
            held = self._lease.held
            if self._faults is not None and lost and held:
                self._faults.attempt_number = 1
                return
            lost = lost or not held
            if self._stop.wait(min(left, LOOK_SECONDS)):
                return


def passes(error: BaseException, worked: bool = False) -> bool:
    """Return whether to retry: a fault for an operator is not retried, except a refused login, which is mended
    elsewhere.

    If it `worked` before with the present settings, it may work again. Any exception outside of `schemas.errors` is
    an internal error and ends nothing else. A RecordError is an internal error of the connector: dead letters come in
    its batch.
    """
    if isinstance(error, FatalError):
        return worked or isinstance(error, UnauthorizedError)
    return isinstance(error, Exception)


def wait_for(state: RetryCallState, pace: wait_base, slow_pace: wait_base) -> float:
    """Return the seconds to wait after a fault: longer after a refused login, at least what the service asked for."""
    error = _error(state)
    if isinstance(error, FatalError) and not isinstance(error, UnshownError):
        return slow_pace(state)
    asked = error.retry_after if isinstance(error, ThrottledError) else None
    return max(pace(state), min(asked or 0.0, LONGEST_ASKED_SECONDS))


def _error(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    return error or RuntimeError("a retry without an error")
