"""Link: which ticket a message was filed in, why, and by whom; every link can be undone."""

from typing import Annotated

from schemas.fields import about
from schemas.records.common import Record, Time


class Link(Record, frozen=True, kw_only=True):
    """Message to ticket, with the reason; null when the message makes no ticket."""

    message_id: Annotated[str, about("The message")]
    jurisdiction: Annotated[str, about("行政区划代码 of the city")]
    ticket_id: Annotated[str | None, about("Its ticket, null for no_ticket")] = None
    relation: Annotated[str, about("follow_up, same_person_same_matter, new, no_ticket ...")]
    method: Annotated[str | None, about("Which test decided")] = None
    score: Annotated[float, about("0 to 1", index="double")] = 1.0
    evidence: Annotated[tuple[str, ...], about("判定依据: codes and ids, never text")] = ()
    decided_by: Annotated[str, about("assign, or a person")] = "assign"
    decided_at: Annotated[Time, about("Log time of the decision", index="date")]
    policy_version: Annotated[str, about("Version of the policy that decided")]
    version: Annotated[int, about("Grows with each decision about this message", index="long")] = 1
    undone: Annotated[bool, about("Taken back by a person", index="boolean")] = False
