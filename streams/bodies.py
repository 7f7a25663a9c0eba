"""The bodies of the live tickets, from the log of their snapshots: each as it was decided last, or nobody goes on."""

from collections.abc import Mapping

import structlog
from aiokafka import ConsumerRecord
from msgspec import Struct

from schemas import topics
from schemas.codec import decode
from schemas.errors import PartitionError
from streams.logs import Logs
from tickets.state import State

_log = structlog.get_logger(__name__)


class _Versioned(Struct):
    version: int = 0


async def fill(state: State, logs: Logs, begin: int, changed: Mapping[str, int]) -> int:
    """Take the newest snapshots from an offset on, and return where the log goes on.

    `changed` are the tickets that were decided about since `begin`, each with its version. A snapshot of a later one is
    of a decision that the event log has lost: it is made again, from the body before it. Where a snapshot of one is
    not behind it, the topic is another than it was, with offsets of its own: it is read as a whole.

    Raises PartitionError when it lacks one still: the next snapshot would be made from an older one, and what the
    city was told in between would be in none.
    """
    missing = {ticket_id: version for ticket_id, version in changed.items() if ticket_id in state.tickets}
    end = await _read(state, logs, begin, changed, missing)
    if begin and missing:
        _log.warning("snapshots_read_anew", missing=len(missing))
        end = await _read(state, logs, 0, changed, missing, anew=True)
    _check(state, missing)
    return end


async def _read(
    state: State, logs: Logs, begin: int, changed: Mapping[str, int], missing: dict[str, int], *, anew: bool = False
) -> int:
    """Take snapshots, and cross off what is missing. Those that are read `anew` may be older than what is known."""
    live, bodies, end = state.tickets, state.bodies, begin
    async for record in logs.tickets(begin):
        ticket_id, value, end = (record.key or b"").decode(), record.value or b"", record.offset + 1
        if ticket_id not in live:
            continue
        version = _version(record)
        is_ahead = version > changed.get(ticket_id, 0)
        is_behind = anew and _is_older(value, bodies.get(ticket_id))
        if ticket_id not in bodies or not (is_ahead or is_behind):  # one that is ahead is better than none
            bodies[ticket_id] = value
        if ticket_id in missing and missing[ticket_id] <= version:
            del missing[ticket_id]
    return end


def _version(record: ConsumerRecord[bytes, bytes]) -> int:
    text = next((value for name, value in record.headers if name == "ce_sequence"), None) or b""
    return int(text) if text.isdigit() and len(text) <= 18 else 0


def _is_older(value: bytes, than: bytes | None) -> bool:
    return than is not None and decode(value, _Versioned).version < decode(than, _Versioned).version


def _check(state: State, missing: Mapping[str, int]) -> None:
    gone = next((ticket_id for ticket_id in state.tickets if ticket_id not in state.bodies), None)
    if gone is not None:
        raise PartitionError(
            f"ticket {gone} is in the event log but has no snapshot in {topics.TICKET}: restore that topic first"
        )
    if missing:
        older, version = next(iter(missing.items()))
        raise PartitionError(
            f"ticket {older} is at version {version} in the event log, and {topics.TICKET} has only older snapshots of "
            "it: restore that topic first"
        )
