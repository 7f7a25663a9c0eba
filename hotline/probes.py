"""What components of the connectors' room tell about themselves in /readyz."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from schemas.enums import counted

if TYPE_CHECKING:
    from connectors.http.server import ReceiverReport
    from connectors.mailbox.lmtp import Door
    from connectors.publish.durable_publisher import Kept
    from connectors.replies.account import AccountAnswers
    from connectors.runtime.health import Health, HealthReport
    from schemas.errors import PipelineError
    from sinks.runner import Health as Sinking
    from streams.engine.app import Quarantines
    from streams.engine.quarantine import Quarantined

STARTING: Mapping[str, Any] = {"state": "starting", "detail": "starting"}
"""Nobody is at work yet: what waits for a service or a disk is not ready."""


def connector(report: "HealthReport") -> Mapping[str, Any]:
    """Say what keeps a connector from working, what it complains of, and that messages were put aside."""
    told = [report.sentence, *report.complaints, _put_aside(report.dead_letters)]
    return {
        "state": report.state,
        "last_success": _text(report.last_success),
        "detail": _joined(told),
        "dead_letters": report.dead_letters,
    }


def session(health: "Health", keeping: Sequence["Kept"], answers: "AccountAnswers | None" = None) -> Mapping[str, Any]:
    """Say the same of a session, what waits for Kafka in the journal of one that only listens, and what keeps it from
    answering.
    """
    told = connector(health.report)
    if answers is not None and answers.trouble is not None:
        state = "degraded" if told["state"] == "running" else told["state"]
        return {**told, "state": state, "detail": _joined([told["detail"], answers.trouble])}
    if not keeping:
        return told
    size = keeping[0].journal_bytes
    full = "the journal is nearly full, then what is told is lost" if keeping[0].full else None
    return {**told, "detail": _joined([told["detail"], _waiting(size), full]), "journal_bytes": size}


def receiver(report: "ReceiverReport", fault: "PipelineError | None" = None) -> Mapping[str, Any]:
    """Say what waits for Kafka or the blob store; while the journal has room, citizens are heard.

    `fault` is why there is no journal.
    """
    return {
        "state": "degraded" if fault else report.state,
        "last_success": _text(report.last_success),
        "detail": _joined([_without(fault), _waiting(report.journal_bytes), _full(report.journal_full)]),
        "journal_bytes": report.journal_bytes,
    }


def lmtp(door: "Door", kept: "Kept") -> Mapping[str, Any]:
    """Say what waits for Kafka or the blob store, and when a mail was last safe."""
    return {
        "state": "degraded" if kept.full or kept.fault else "running",
        "last_success": _text(door.last_success),
        "detail": _joined([_without(kept.fault), _waiting(kept.journal_bytes), _full(kept.full)]),
        "journal_bytes": kept.journal_bytes,
    }


def stage(begun: bool, troubles: Sequence[str], quarantines: Sequence["Quarantines"] = ()) -> Mapping[str, Any]:
    """Say what keeps a partition of a stage from getting on; the others go on meanwhile.

    With more than half of the partitions in quarantine the stage is not ready: a fault of so many has one cause.
    """
    if not begun:
        return STARTING
    there = [one for quarantine in quarantines for one in quarantine.there]
    told = [_in_quarantine(one) for one in there]
    is_half = any(2 * len(one.there) > one.partitions for one in quarantines)
    return {
        **({"state": "degraded"} if troubles or is_half else {}),
        **({"detail": _joined([*dict.fromkeys(troubles), *told])} if troubles or told else {}),
        **({"quarantined": to_builtins(there)} if there else {}),
    }


def _in_quarantine(one: "Quarantined") -> str:
    return f"partition {one.partition} of {one.topic} is in quarantine: {one.reason}"


def sink(report: "Sinking") -> Mapping[str, Any]:
    """Say what keeps a sink from bringing anything home."""
    return {"detail": report.detail, **({} if report.ready else {"state": "degraded"})}


def _put_aside(letters: int) -> str | None:
    return f"{counted(letters, 'dead letter')} since the start, see `hotline dead list`" if letters else None


def webhooks(troubles: Mapping[str, str]) -> Mapping[str, Any]:
    """Say which subscribers wait. Their trouble is not ours: the component is ready."""
    told = [f"{name}: {trouble}" for name, trouble in troubles.items()]
    return {"detail": _joined(list(told)) or "running"}


def answers(troubles: Mapping[str, str]) -> Mapping[str, Any]:
    """Say which accounts cannot answer now, and why."""
    told: list[str | None] = [f"{account}: {trouble}" for account, trouble in troubles.items()]
    return {"detail": _joined(told) or "running", **({"state": "degraded"} if troubles else {})}


def _waiting(size: int) -> str | None:
    if not size:
        return None
    waiting = counted(size, "byte waits", "bytes wait")
    return f"{waiting} in the journal: Kafka or the blob store does not answer, see `hotline doctor`"


def _without(fault: "PipelineError | None") -> str | None:
    return f"{fault}; until then senders are told 503 whenever Kafka does not answer" if fault else None


def _full(full: bool) -> str | None:
    return "the journal is nearly full, then senders are told 503" if full else None


def _joined(told: list[str | None]) -> str | None:
    return "; ".join(sentence for sentence in told if sentence) or None


def _text(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
