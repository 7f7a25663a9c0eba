"""Delivery: what became of one ticket snapshot on its way to one webhook subscriber; no word of the ticket in it."""

from typing import Annotated

from schemas import enums
from schemas.fields import about
from schemas.records.common import Record, Time


class Delivery(Record, frozen=True, kw_only=True):
    """推送记录: one line of the delivery log: written at the first failure, and when the matter is settled."""

    delivery_id: Annotated[
        str, about("subscriber:ticket_id:version, the same at every attempt; the Kafka key", "推送标识")
    ]
    subscriber: Annotated[str, about("Id of the subscriber in the settings", "订阅方")]
    ticket_id: Annotated[str, about("Which ticket", "工单标识")]
    version: Annotated[int, about("Which version of it", "版本", index="long")]
    outcome: Annotated[str, about("What became of it", "推送结果", words=enums.OUTCOMES)]
    answer: Annotated[str, about("HTTP status of the last attempt, or what was in its way, such as timeout", "应答")]
    attempts: Annotated[int, about("How often it was sent, since the process started", "推送次数", index="long")]
    first_at: Annotated[Time, about("When it was sent first, since the process started", "首次推送时间", index="date")]
    at: Annotated[Time, about("When this was written", "记录时间", index="date")]
    milliseconds: Annotated[
        int | None, about("How long the last attempt took; null when none was made", "耗时(毫秒)", index="long")
    ] = None
