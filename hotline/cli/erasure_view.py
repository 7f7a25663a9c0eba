"""How the report of an erasure looks to a person, and the trace that it leaves in the audit log."""

from collections import Counter
from typing import TYPE_CHECKING

from hotline.cli.common import write
from hotline.translation import t
from schemas.ids import SHANGHAI

if TYPE_CHECKING:
    from hotline.admin.erasure_report import Place, Report
    from hotline.config.settings import Settings

_TITLES = {
    "gone": "Erased now:",
    "waits": "Not erased yet; ask again with --command-id {0}:",
    "unknown": "Not checked; ask again with --command-id {0}:",
    "expires": "Removed from Kafka by:",
}


def show(found: "Report") -> None:
    """Print what is gone, what is not, and what leaves when."""
    for state, title in _TITLES.items():
        places = [one for one in found.places if one.state == state]
        if places:
            write(t(title).format(found.command_id))
        for one in places:
            write(f"  {_line(one)}")


def record(settings: "Settings", found: "Report") -> None:
    """Write into the audit log who looked after which erasure, what is gone and what is not; `assign` wrote the act."""
    from datetime import UTC, datetime

    from hotline.admin import audit
    from hotline.config import clients

    run = audit.run_of(settings)
    states = Counter(one.state for one in found.places)
    act = run.act(
        audit.ERASURE_CHECKED,
        datetime.now(UTC),
        found.ticket_id or ", ".join(found.message_ids),
        erasure=found.action,
        command_id=found.command_id,
        decided_at=found.at,
        messages=found.messages,
        places=dict(states),
    )
    audit.record(clients.kafka(settings), act)


def _line(one: "Place") -> str:
    if one.by is not None:
        return f"{one.by.astimezone(SHANGHAI):%Y-%m-%d %H:%M}  {t(one.place)}"
    if one.reason is not None:
        return f"{t(one.place)}: {t(one.reason)}"
    return t(f"{one.place} ({one.left} left)") if one.left else t(one.place)
