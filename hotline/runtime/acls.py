"""Kafka rights of each component: `deploy/kafka-acls.txt` grants them, `hotline doctor` checks them."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from connectors.registry import DOORS, PUSH, entries
from schemas import topics
from streams.engine import groups

if TYPE_CHECKING:
    from hotline.config.settings import Settings


Kind = Literal["topic", "group", "transactional id", "cluster"]
Operation = Literal["Read", "Write", "Describe"]

DESK, OPERATOR, AUDITOR = "desk", "operator", "auditor"
"""No components but people at the command line.

The desk explains tickets, reads dead letters and gives commands, the operator puts dead letters back, replays the input
log and imports. The auditor alone reads the audit log, and the ends of its chains in the event log.
"""

PEOPLE = (DESK, OPERATOR, AUDITOR)


class Need(Struct, frozen=True, kw_only=True):
    """One operation on one resource, in Kafka's own words."""

    kind: Kind
    name: str
    operation: Operation

    def __str__(self) -> str:
        return " ".join((self.operation, "the", self.kind, *self._named))

    @property
    def options(self) -> str:
        """Return its option of `kafka-acls.sh`."""
        return " ".join(("--operation", self.operation, f"--{self.kind.replace(' ', '-')}", *self._named))

    @property
    def _named(self) -> tuple[str, ...]:
        return () if self.kind == "cluster" else (self.name,)  # there is only one


def needs(settings: "Settings", component: str) -> list[Need]:
    """Return the rights of a component of `hotline run`, or of the desk; empty for any other name."""
    kind, _, which = component.partition(":")
    return _NEEDS[kind](settings, which) if kind in _NEEDS else []


def _connector(settings: "Settings", which: str) -> list[Need]:
    from broker.lease import GROUP_PREFIX

    raw = _raw_topics(section for section, accounts in settings.connectors.sections.items() if which in accounts)
    reads, writes = [topics.CURSOR, topics.LEASE], [*raw, topics.CURSOR, topics.DEAD]
    needed = [*_topics("Read", reads), *_topics("Write", writes), _group(f"{GROUP_PREFIX}{which}")]
    return [*needed, *_over_session(settings, which, raw)]


def _over_session(settings: "Settings", which: str, raw: list[str]) -> list[Need]:
    """Rights for replies over an account's session, and for the gateway's delivery reports."""
    from connectors.groups import transactional_id
    from hotline.runtime.components_replies import elsewhere

    partition = elsewhere(settings).get(which)
    if partition is None:
        return []
    fences = Need(kind="transactional id", name=transactional_id(partition, which), operation="Write")
    return [*_topics("Read", [topics.OUTBOX, *raw]), *_topics("Write", [topics.OUTBOX]), fences]


def _receiver(settings: "Settings", which: str) -> list[Need]:
    raw = _raw_topics(section for section in (*PUSH, *DOORS) if settings.connectors.sections[section])
    commands = _commands() if settings.backoffice else []
    return [*_topics("Write", [*raw, topics.DEAD]), *commands]


def _fetcher(settings: "Settings", which: str) -> list[Need]:
    from connectors.groups import FETCHER

    raw = topics.raw("wechat")
    reads, writes = [raw, topics.CURSOR], [raw, topics.CURSOR, topics.DEAD]
    return [*_topics("Read", reads), *_topics("Write", writes), _group(FETCHER)]


def _raw_topics(sections: Iterable[str]) -> list[str]:
    known = dict(entries())
    return list(dict.fromkeys(topics.raw(known[section].channel) for section in sections))


def _commands() -> list[Need]:
    """Rights for giving a command and reading its outcome."""
    return [*_topics("Write", [topics.COMMAND]), *_topics("Read", [topics.EVENT, topics.PLACEMENT])]


def _screen(settings: "Settings", which: str) -> list[Need]:
    reads, writes = [*topics.LIVE_RAW, topics.BACKFILL, topics.PLACEMENT], [topics.HANDOVER, topics.DEAD]
    return [*_topics("Read", reads), *_topics("Write", writes), _group(groups.SCREEN), _group(groups.SCREEN_LOST)]


def _normalize(settings: "Settings", which: str) -> list[Need]:
    """With back-fill it asks for the lag of downstream groups, which needs Describe on them and on their topics."""
    from hotline.runtime.components import behind_normalize
    from sinks import SINKS

    reads = [*topics.LIVE_RAW, topics.BACKFILL, topics.FLOOD, topics.COMMAND, topics.PLACEMENT]
    writes = [topics.MESSAGE, topics.FLOOD, topics.DEAD]
    read_behind = dict.fromkeys(route.topic for routes in SINKS.values() for route in routes.values())
    return [
        *_topics("Read", reads),
        *_topics("Write", writes),
        _group(groups.NORMALIZE),
        *_topics("Describe", [topic for topic in read_behind if topic not in writes]),
        *(_group(group.name, "Describe") for group in behind_normalize()),
    ]


def _assign(settings: "Settings", which: str) -> list[Need]:
    answers = [topics.OUTBOX] if settings.answers else []
    tickets = [topics.TICKET, topics.TICKET_MASKED, topics.TICKET_RESTRICTED]
    writes = [topics.EVENT, topics.LINK, *tickets, topics.HANDOVER, *answers, topics.AUDIT]
    ids = [groups.transactional_id(number) for number in range(settings.kafka.partitions)]
    return [
        *_topics("Read", [topics.MESSAGE, topics.EVENT, topics.TICKET, topics.PLACEMENT]),
        *_topics("Write", [*writes, topics.DEAD]),
        _group(groups.ASSIGN),
        *(Need(kind="transactional id", name=name, operation="Write") for name in ids),
    ]


def _sink(settings: "Settings", which: str) -> list[Need]:
    from sinks import SINKS, archive_sources
    from sinks.groups import group_of

    if which == "webhook":
        return _webhooks(settings)
    routes = archive_sources() if which == "archive" else SINKS[which].values()
    reads = [route.topic for route in routes]
    return [*_topics("Read", reads), *_topics("Write", [topics.DEAD]), _group(group_of(which))]


def _webhooks(settings: "Settings") -> list[Need]:
    from sinks.groups import group_of, name_of

    subscribers = settings.sinks.webhook
    reads = dict.fromkeys(one.topic for one in subscribers.values())
    groups = [_group(group_of(name_of(name))) for name in subscribers]
    return [*_topics("Read", reads), *_topics("Write", [topics.DELIVERY, topics.DEAD]), *groups]


def _eraser(settings: "Settings", which: str) -> list[Need]:
    from sinks.eraser import Eraser
    from sinks.groups import group_of

    group = _group(group_of(Eraser.name))
    return [*_topics("Read", [topics.EVENT]), *_topics("Write", [topics.DEAD]), group]


def _outbox(settings: "Settings", which: str) -> list[Need]:
    from connectors.groups import OUTBOX, transactional_id

    ids = [transactional_id(number) for number in range(settings.kafka.partitions)]
    return [
        *_topics("Read", [topics.OUTBOX]),
        *_topics("Write", [topics.OUTBOX]),
        _group(OUTBOX),
        *(Need(kind="transactional id", name=name, operation="Write") for name in ids),
    ]


def _monitor(settings: "Settings", which: str) -> list[Need]:
    from connectors import groups as outbox
    from hotline.admin.transactions import WATCHED
    from hotline.monitor.stages import watched
    from hotline.runtime.components_replies import elsewhere

    stages, numbers = watched(settings).values(), range(settings.kafka.partitions)
    waiting = [topic for stage in stages for topic in stage.topics]  # its oldest waiting record has the age
    reads = dict.fromkeys([*topics.LIVE_RAW, *WATCHED, *waiting])  # of WATCHED the transactions, too
    whose = [name_of(number) for name_of in (groups.transactional_id, outbox.transactional_id) for number in numbers]
    whose += [outbox.transactional_id(number, account) for account, number in elsewhere(settings).items()]
    transactions = [Need(kind="transactional id", name=name, operation="Describe") for name in whose]
    read_by = [_group(stage.group, "Describe") for stage in stages]
    clock = Need(kind="cluster", name="kafka-cluster", operation="Describe")
    return [*_topics("Read", reads), *read_by, *transactions, clock]


def _console(settings: "Settings", which: str) -> list[Need]:
    """It records what people did. Only the desk reads something, so no other page can show a message in clear."""
    reads = [topics.HANDOVER, topics.EVENT] if which == "desk" else []
    return [*_topics("Read", reads), *_topics("Write", [topics.COMMAND])]


def _desk(settings: "Settings", which: str) -> list[Need]:
    answers = [topics.OUTBOX] if settings.answers else []
    raw = [*topics.LIVE_RAW, topics.BACKFILL, topics.FLOOD]
    # replays of dead letters, existing hand-overs, and the request that a command confirms
    reads = _topics("Read", [*raw, *answers, topics.DEAD, topics.REPLAYED, topics.HANDOVER, topics.COMMAND])
    return [*reads, *_commands()]


def _operator(settings: "Settings", which: str) -> list[Need]:
    raw, logs = [*topics.LIVE_RAW, topics.BACKFILL, topics.FLOOD], [topics.MESSAGE, topics.EVENT, topics.TICKET]
    reads = [*raw, *logs, topics.DEAD, topics.DELIVERY, topics.REPLAYED, topics.PLACEMENT]
    writes = [*raw, topics.MESSAGE, topics.COMMAND, topics.DEAD, topics.REPLAYED]
    return [*_topics("Read", reads), *_topics("Write", writes), *_for_subscribers(settings)]


def _for_subscribers(settings: "Settings") -> list[Need]:
    """Rights for `hotline webhook list`, and for replaying a dead letter to its subscriber."""
    if not settings.sinks.webhook:
        return []
    webhooks = _webhooks(settings)
    masked = [need for need in webhooks if need.name == topics.TICKET_MASKED]
    groups = [replace(need, operation="Describe") for need in webhooks if need.kind == "group"]
    return [*masked, *_topics("Write", [topics.DELIVERY]), *groups]


def _topics(operation: Operation, names: Iterable[str]) -> list[Need]:
    return [Need(kind="topic", name=name, operation=operation) for name in names]


def _group(name: str, operation: Operation = "Read") -> Need:
    return Need(kind="group", name=name, operation=operation)


_NEEDS: Mapping[str, Callable[["Settings", str], list[Need]]] = {
    "connector": _connector,
    "receiver": _receiver,
    "lmtp": lambda settings, which: _topics("Write", [topics.raw("mailbox"), topics.DEAD]),
    "fetcher": _fetcher,
    "screen": _screen,
    "normalize": _normalize,
    "assign": _assign,
    "sink": _sink,
    "eraser": _eraser,
    "outbox": _outbox,
    "monitor": _monitor,
    "console": _console,
    DESK: _desk,
    OPERATOR: _operator,
    AUDITOR: lambda settings, which: _topics("Read", [topics.AUDIT, topics.EVENT]),
}
