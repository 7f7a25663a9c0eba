"""Lease: one owner at a time for each account, elected by a Kafka consumer group; a frozen owner notices by itself."""

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

# Election: how the members of a group agree on one owner, who stays it for as long as it is there.

_VERSION = 0


class Election:
    """A partition assignor for kafka-python: one partition, kept by the member that has it.

    Each member tells with its wish to join in which generation it was last elected and still owns; the highest wins,
    so that a newcomer takes nothing away, and among members that own nothing the first by name.
    """

    name = "hotline-lease"

    def __init__(self, seat: TopicPartition, owns: Callable[[], bool]) -> None:
        self._seat = seat
        self._owns = owns
        self._elected_in: int | None = None
        self.decided = False

    @property
    def lost(self) -> bool:
        """Say whether the last election went to another member."""
        return self.decided and self._elected_in is None

    def supported_protocols(self) -> list[Any]:
        """Return kafka-python's name for elections in which everything is given anew."""
        return [RebalanceProtocol.EAGER]

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return our wish to join, with our claim; until the election it belongs to, nothing is decided."""
        self.decided = False
        claim = self._elected_in if self._elected_in is not None and self._owns() else 0
        return ConsumerProtocolSubscription(_VERSION, list(topics), b"%d" % claim)

    def assign(self, cluster: Any, members: Iterable[Any]) -> dict[str, Any]:
        """Elect; called at one member of the group, for all."""
        ranked = sorted(members, key=lambda member: (-_claim(member), member.member_id))
        seats: dict[str, list[Any]] = {member.member_id: [] for member in ranked}
        if ranked:
            seats[ranked[0].member_id] = [(self._seat.topic, [self._seat.partition])]
        return {name: ConsumerProtocolAssignment(_VERSION, seat, b"") for name, seat in seats.items()}

    def on_assignment(self, assignment: Any, generation: int) -> None:
        """Take note of the result."""
        self._elected_in = generation if self._seat in assignment.partitions() else None
        self.decided = True


def _claim(member: Any) -> int:
    said = bytes(member.metadata.user_data or b"")
    return int(said) if said.isdigit() and len(said) <= 18 else 0


GROUP_PREFIX = "hotline-lease-"

SESSION_SECONDS = 10.0
"""A killed or frozen owner is followed after this and about two seconds more; one that stops, after about one."""

TRUSTED = 0.7
"""Share of the session for which a proof of ownership counts: an owner must stop before another one can begin."""

ASK_SECONDS = 0.05
"""Between two questions of who waits for an account."""

_PROOFS = 5
"""Proofs in a session."""

_AGAIN_SECONDS = 1.0

_UNDECIDED = 2
"""Sessions without any election after which a candidate begins anew: its seat may be forgotten at the other end."""

SEAT = KafkaTopicPartition(topics.LEASE, 0)

_log = structlog.get_logger(__name__)


def now() -> float:
    """Return seconds that go on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Lease(Protocol):
    """Who may work with an account."""

    @property
    def held(self) -> bool:
        """Say whether we may, at this moment; cheap enough to be asked before every batch."""
        ...

    @property
    def taken(self) -> bool:
        """Say whether another process is known to have it; while nobody can tell, none is."""
        ...

    def ask(self, standing_by: Callable[[], None]) -> bool:
        """Ask for it and say whether it is held now; asked again and again, until it is. Never waits.

        `standing_by` is called when another process has it. Raises errors of `schemas.errors` when Kafka cannot tell.
        """
        ...

    def close(self) -> None:
        """Let the next one have it. Safe twice."""
        ...


class _Unshared:
    """The lease of what no other process knows."""

    held = True
    taken = False

    def ask(self, standing_by: Callable[[], None]) -> bool:
        """Say yes."""
        return True

    def close(self) -> None:
        """Do nothing."""


UNSHARED: Lease = _Unshared()
"""For a connector that runs only here."""


class GroupLease:
    """A seat in the consumer group of an account: who has partition 0 of `hotline.lease.v1` owns it. Thread-safe.

    A thread stays in the group from the first `ask` to `close`. It proves again and again that we are the owner by
    a commit, which Kafka takes from the present owner alone. `held` believes a proof for less time than Kafka needs to
    give up on us: a process that was frozen sees by its own clock that the proof is too old.
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
        """Say whether we own the account at this moment."""
        proof = self._proof
        return proof is not None and self._clock() - proof < self._session * TRUSTED

    @property
    def taken(self) -> bool:
        """Say whether the last election went to another process."""
        return self._election.lost

    def ask(self, standing_by: Callable[[], None]) -> bool:
        """Say whether we own the account now; the first question makes us a candidate. Raises UnreachableError."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._stay, name=f"lease {self._account}", daemon=True)
            self._thread.start()
        if self.held:
            return True
        if self._fault:
            raise self._fault
        if not self._thread.is_alive():
            raise UnreachableError(f"the lease of {self._account} has ended: this process is stopping")
        if self.taken:
            standing_by()
        return False

    def close(self) -> None:
        """Leave the group: the next one has the account within about a second."""
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
            f"who works with {self._account} could not be asked ({type(error).__name__}), and is asked again: tell the "
            "developers the line of the log"
        )

    def _take_part(self) -> None:
        consumer = connected(self._connect, **self._settings())
        try:
            if not consumer.partitions_for_topic(SEAT.topic):
                raise UnreachableError(
                    f"Kafka shows our user no topic {SEAT.topic}: run `hotline topics create`, or see `hotline doctor`"
                )
            consumer.subscribe([SEAT.topic])
            decided_at = self._clock()
            while not self._closed.is_set():
                self._look(consumer)
                if self.held or self._election.lost:
                    decided_at = self._clock()
                elif self._clock() - decided_at > self._session * _UNDECIDED:
                    raise UnreachableError(
                        f"Kafka does not say who works with {self._account}: see that the brokers are well"
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
