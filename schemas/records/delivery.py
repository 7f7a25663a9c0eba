"""Delivery: what became of one ticket snapshot on its way to one webhook subscriber; no word of the ticket in it."""

from typing import Annotated

from schemas.fields import about
from schemas.records.common import Record, Time


class Delivery(Record, frozen=True, kw_only=True):
    """One line of the delivery log: written at the first failure, and when the matter is settled."""

    delivery_id: Annotated[str, about("subscriber:ticket_id:version, the same at every attempt; the Kafka key")]
    subscriber: Annotated[str, about("Id of the subscriber in the settings")]
    ticket_id: Annotated[str, about("Which ticket")]
    version: Annotated[int, about("Which version of it", index="long")]
    outcome: Annotated[str, about("delivered, retrying or dead")]
    answer: Annotated[str, about("HTTP status of the last attempt, or what was in its way, such as timeout")]
    attempts: Annotated[int, about("How often it was sent, since the process started", index="long")]
    first_at: Annotated[Time, about("When it was sent first, since the process started", index="date")]
    at: Annotated[Time, about("When this was written", index="date")]
    milliseconds: Annotated[
        int | None, about("How long the last attempt took; null when none was made", index="long")
    ] = None
