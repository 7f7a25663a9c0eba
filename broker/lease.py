"""One owner at a time for each account, elected by a Kafka consumer group; a frozen owner notices by its own clock."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

import structlog
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaTopicPartition
from kafka import errors as theirs
from kafka.coordinator.assignors.abstract import RebalanceProtocol
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment, ConsumerProtocolSubscription
from kafka.structs import OffsetAndMetadata, TopicPartition

from broker import metrics
from broker.config import KafkaConnection
from broker.sync_client import Connect, connected, finish_joining, translated
from schemas import topics
from schemas.errors import PipelineError, UnreachableError, place_of

# Election: group members agree on one owner, which stays the owner as long as it is in the group.

_VERSION = 0


class Election:
    """Partition assignor for kafka-python: the member that has the one partition keeps it.

    Each member sends, with JoinGroup, the generation in which it was elected last and still owns the partition. The
    highest generation wins, so a newcomer takes nothing away; among members without one the first by name wins.
    """

    name = "hotline-lease"

    def __init__(self, seat: TopicPartition, owns: Callable[[], bool]) -> None:
        self._seat = seat
        self._owns = owns
        self._elected_in: int | None = None
        self.decided = False

    @property
    def lost(self) -> bool:
        """Return whether the last election went to another member."""
        return self.decided and self._elected_in is None

    def supported_protocols(self) -> list[Any]:
        """Return kafka-python's name of the eager rebalance protocol."""
        return [RebalanceProtocol.EAGER]

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return the JoinGroup metadata with the claim of this member; no decision is made before the election."""
        self.decided = False
        claim = self._elected_in if self._elected_in is not None and self._owns() else 0
        return ConsumerProtocolSubscription(_VERSION, list(topics), b"%d" % claim)

    def assign(self, cluster: Any, members: Iterable[Any]) -> dict[str, Any]:
        """Elect the owner; runs at the group's leader, for all members."""
        ranked = sorted(members, key=lambda member: (-_claim(member), member.member_id))
        seats: dict[str, list[Any]] = {member.member_id: [] for member in ranked}
        if ranked:
            seats[ranked[0].member_id] = [(self._seat.topic, [self._seat.partition])]
        return {name: ConsumerProtocolAssignment(_VERSION, seat, b"") for name, seat in seats.items()}

    def on_assignment(self, assignment: Any, generation: int) -> None:
        """Store the result."""
        self._elected_in = generation if self._seat in assignment.partitions() else None
        self.decided = True


def _claim(member: Any) -> int:
    said = bytes(member.metadata.user_data or b"")
    return int(said) if said.isdigit() and len(said) <= 18 else 0


GROUP_PREFIX = "hotline-lease-"

SESSION_SECONDS = 10.0
"""Session timeout in seconds: the successor of a killed or frozen owner follows about two seconds after it, of a
stopped one after about one."""

TRUSTED = 0.7
"""Part of the session for which a proof of ownership is valid: an owner must stop before its successor may start."""

ASK_SECONDS = 0.05
"""Interval in seconds at which a candidate asks for the account."""

_PROOFS = 5
"""Proofs in a session."""

_AGAIN_SECONDS = 1.0

_UNDECIDED = 2
"""Sessions without an election after which a candidate rejoins: the coordinator may have forgotten the member."""

SEAT = KafkaTopicPartition(topics.LEASE, 0)

_log = structlog.get_logger(__name__)


def now() -> float:
    """Return seconds of a clock that runs while the machine sleeps, if the system has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Lease(Protocol):
    """Ownership of an account."""

    @property
    def held(self) -> bool:
        """Return whether this process is the owner now; cheap enough to be called before every batch."""
        ...

    @property
    def taken(self) -> bool:
        """Return whether another process is known to be the owner; False while the state is unknown."""
        ...

    def ask(self, standing_by: Callable[[], None]) -> bool:
        """Ask for ownership and return whether it is held; called again until it is. Does not block.

        `standing_by` is called if another process is the owner. Raises errors of `schemas.errors` if Kafka does not
        answer.
        """
        ...

    def close(self) -> None:
        """Release the account. Idempotent."""
        ...


class _Unshared:
    """Lease of an account that no other process knows."""

    held = True
    taken = False

    def ask(self, standing_by: Callable[[], None]) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing."""


UNSHARED: Lease = _Unshared()
"""The lease of a connector that runs in this process only."""


class GroupLease:
    """Membership in the consumer group of an account: the owner of partition 0 of `hotline.lease.v1` owns it. Thread-
    safe.

    A thread is a member from the first `ask` until `close`. It proves ownership by repeated commits, which Kafka
    accepts from the present owner only. `held` trusts a proof for less time than the session timeout: a process that
    was frozen sees by its own clock that its proof is too old.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        account: str,
        *,
        session_seconds: float = SESSION_SECONDS,
        connect: Connect = KafkaConsumer,
        clock: Callable[[], float] = now,
    ) -> None:
        self._connection = connection
        self._account = account
        self._session = session_seconds
        self._connect = connect
        self._clock = clock
        self._election = Election(SEAT, lambda: self.held)
        self._closed = threading.Event()
        self._proof: float | None = None
        self._fault: PipelineError | None = None
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Return whether this process owns the account now."""
        proof = self._proof
        return proof is not None and self._clock() - proof < self._session * TRUSTED

    @property
    def taken(self) -> bool:
        """Return whether the last election went to another process."""
        return self._election.lost

    def ask(self, standing_by: Callable[[], None]) -> bool:
        """Return whether this process owns the account; the first call joins the group. Raises UnreachableError."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._stay, name=f"lease {self._account}", daemon=True)
            self._thread.start()
        if self.held:
            return True
        if self._fault:
            raise self._fault
        if not self._thread.is_alive():
            raise UnreachableError(f"the lease of {self._account} has ended: this process stops")
        if self.taken:
            standing_by()
        return False

    def close(self) -> None:
        """Leave the group: the successor owns the account within about a second."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(self._session)

    def _stay(self) -> None:
        self._lose()  # shown from the start: an alarm on what is not there would never ring
        try:
            while not self._closed.is_set():
                try:
                    self._take_part()
                except (theirs.KafkaError, OSError) as error:
                    self._fault = translated(error)
                except PipelineError as error:
                    self._fault = error
                except Exception as error:  # noqa: BLE001 - a candidate that is gone would own nothing for good, unseen
                    self._fault = self._unknown(error)
                self._closed.wait(_AGAIN_SECONDS)
        finally:
            self._lose()

    def _unknown(self, error: Exception) -> PipelineError:
        _log.error("lease_failed", connector=self._account, error=type(error).__name__, at=place_of(error))
        return UnreachableError(
            f"the owner of {self._account} could not be determined ({type(error).__name__}); it is tried "
            "again: report the log line to the developers"
        )

    def _take_part(self) -> None:
        consumer = connected(self._connect, **self._settings())
        try:
            if not consumer.partitions_for_topic(SEAT.topic):
                raise UnreachableError(
                    f"Kafka shows our user no topic {SEAT.topic}: run `hotline topics create` or `hotline doctor`"
                )
            consumer.subscribe([SEAT.topic])
            decided_at = self._clock()
            while not self._closed.is_set():
                self._look(consumer)
                if self.held or self._election.lost:
                    decided_at = self._clock()
                elif self._clock() - decided_at > self._session * _UNDECIDED:
                    raise UnreachableError(
                        f"Kafka does not name the owner of {self._account}: check that the brokers are well"
                    )
        finally:
            self._lose()
            with suppress(theirs.KafkaError, OSError):
                consumer.close(autocommit=False, timeout_ms=self._milliseconds(0.2))

    def _look(self, consumer: Any) -> None:
        finish_joining(consumer)
        consumer.poll(timeout_ms=self._milliseconds(0.02))
        if self._election.lost:
            self._lose()
        mine = consumer.assignment()
        if mine:
            consumer.pause(*mine)  # the topic is empty and stays so
            if self._is_due():
                self._prove(consumer)
        elif self._election.decided:
            self._fault = None

    def _is_due(self) -> bool:
        return self._proof is None or self._clock() - self._proof > self._session / _PROOFS

    def _prove(self, consumer: Any) -> None:
        asked = self._clock()  # Kafka counts from later than this
        try:
            consumer.commit({SEAT: OffsetAndMetadata(0, _who(), -1)}, timeout_ms=self._milliseconds(1 / _PROOFS))
        except (theirs.CommitFailedError, theirs.IllegalGenerationError, theirs.UnknownMemberIdError):
            self._lose()  # another one may own it already: the next poll joins again
        except theirs.RebalanceInProgressError:
            pass  # the old proof counts for as long as it does
        except theirs.KafkaError as error:
            if not error.retriable:
                raise
            self._fault = translated(error)  # told once the old proof is too old
        else:
            self._proof, self._fault = asked, None
            metrics.LEASE_HELD.labels(self._account).set(1)

    def _lose(self) -> None:
        self._proof = None
        metrics.LEASE_HELD.labels(self._account).set(0)

    def _milliseconds(self, share: float) -> int:
        return int(self._session * share * 1000)

    def _settings(self) -> dict[str, Any]:
        return {
            "group_id": GROUP_PREFIX + self._account,
            "client_id": _who(),
            "session_timeout_ms": self._milliseconds(1),
            "heartbeat_interval_ms": self._milliseconds(0.1),
            "max_poll_interval_ms": max(30_000, self._milliseconds(3)),
            "partition_assignment_strategy": [lambda: self._election],
            "enable_auto_commit": False,
            "auto_offset_reset": "latest",
            "bootstrap_timeout_ms": 5_000,
            "request_timeout_ms": max(10_000, self._milliseconds(1) + 5_000),
            **self._connection.client_options(),
        }


def _who() -> str:
    """Return what `kafka-consumer-groups --describe` shows of us."""
    return f"hotline-{socket.gethostname()}-{os.getpid()}"
