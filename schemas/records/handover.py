"""Handover: an emergency for the desk that calls 110, 119, 120 or 122 (domain.md B5)."""

from typing import Annotated

from schemas.fields import about
from schemas.records.common import Party, Record, Time


class Handover(Record, frozen=True, kw_only=True):
    """紧急转接: the whole text, so that nobody has to look anywhere else."""

    handover_id: Annotated[str, about("The message's id")]
    message_id: Annotated[str, about("The message")]
    jurisdiction: Annotated[str, about("行政区划代码 of the city")]
    channel: Annotated[str, about("诉求来源")]
    classes: Annotated[tuple[str, ...], about("police, fire, medical, traffic ...")]
    level: Annotated[str, about("critical, urgent or mentioned")]
    spans: Annotated[tuple[tuple[int, int], ...], about("Evidence in `text`, in characters", index="none")]
    text: Annotated[str, about("Title, LF and text as written; else the text alone", pii=2, index="text")]
    sender: Annotated[Party | None, about("诉求人", index="object")] = None
    location: Annotated[str | None, about("Place as said, if found", pii=1, index="none")] = None
    at: Annotated[Time, about("When the citizen sent it", index="date")]
    taken_at: Annotated[Time, about("When we took it", index="date")]
    stale: Annotated[bool, about("Older than 24 h when taken in: alarms nobody", index="boolean")] = False
    acknowledged_at: Annotated[Time | None, about("When the desk answered", index="date")] = None
