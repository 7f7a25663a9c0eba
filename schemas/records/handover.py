"""Handover: an emergency for the desk that calls 110, 119, 120 or 122."""

from typing import Annotated

from schemas import enums
from schemas.fields import about
from schemas.records.common import Party, Record, Time


class Handover(Record, frozen=True, kw_only=True):
    """紧急转接: the whole text, so that nobody has to look anywhere else."""

    handover_id: Annotated[str, about("The message's id", "转接标识")]
    message_id: Annotated[str, about("The message", "来件标识")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    channel: Annotated[str, about("Channel it came by", "诉求来源", words=enums.CHANNELS)]
    classes: Annotated[tuple[str, ...], about("What is the matter", "紧急类别", words=enums.EMERGENCY_CLASSES)]
    level: Annotated[str, about("How bad; `mentioned` is negated or past", "紧急级别", words=enums.EMERGENCY_LEVELS)]
    spans: Annotated[
        tuple[tuple[int, int], ...], about("Evidence: start and end in `text`, in characters", "依据位置", index="none")
    ]
    text: Annotated[str, about("Title, LF and text as written; else the text alone", "诉求内容", pii=2, index="text")]
    sender: Annotated[Party | None, about("Who wrote", "诉求人", index="object")] = None
    location: Annotated[
        str | None, about("Place as said, else its point, if found", "事发地址", pii=1, index="none")
    ] = None
    at: Annotated[Time, about("When the citizen sent it", "来件时间", index="date")]
    taken_at: Annotated[Time, about("When we took it", "接入时间", index="date")]
    stale: Annotated[bool, about("Older than 24 h when taken in: alarms nobody", "已过时", index="boolean")] = False
    folded_into: Annotated[
        str | None, about("Hand-over of the same address that rings for this one, which alarms nobody", "并入转接")
    ] = None
    reinstated_at: Annotated[
        Time | None,
        about("When a clerk took back that it was a false alarm: it rings again", "恢复转接时间", index="date"),
    ] = None
    acknowledged_at: Annotated[Time | None, about("When the desk answered", "签收时间", index="date")] = None
