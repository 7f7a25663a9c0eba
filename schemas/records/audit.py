"""Audit: what an operator did with the tools; what was done to tickets stands in the log of decisions."""

from typing import Annotated, Any

from msgspec import field

from schemas.fields import about
from schemas.records.common import Record, Time


class Audit(Record, frozen=True, kw_only=True):
    """One act of an operator on records."""

    audit_id: Annotated[str, about("The run and what it was done to; the Kafka key")]
    run_id: Annotated[str, about("Acts of one call of a tool share it")]
    action: Annotated[str, about("replay_started, replayed ...")]
    author: Annotated[str, about("Who did it: a clerk's or operator's account")]
    at: Annotated[Time, about("When", index="date")]
    subject: Annotated[str | None, about("What it was done to, such as a dead letter's partition:offset")] = None
    reason: Annotated[str | None, about("Why", pii=1, index="text")] = None
    details: Annotated[dict[str, Any], about("Filters, places and counts; never content", index="none")] = field(
        default_factory=dict
    )
