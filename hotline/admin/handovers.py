"""City of a hand-over (紧急转接): a person who acknowledges it by hand has only its id."""

from msgspec import Struct

from broker import kafka_reader
from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import decode
from schemas.errors import MisconfiguredError, PipelineError, SchemaError

KINDS = ("acknowledge_handover", "dismiss_handover", "reinstate_handover")
"""The commands that are about one."""


class _Named(Struct, frozen=True, kw_only=True):
    """The fields of a hand-over that name its city."""

    handover_id: str
    jurisdiction: str


def city_of(connection: KafkaConnection, handover_id: str, said: str | None = None) -> str | None:
    """Return the city of a hand-over; the argument `said` if this user, as perhaps a clerk, may not read hand-overs.

    Raises MisconfiguredError for an unknown one, or one of another city than `said`: its acknowledgement would look
    like a success, and the real one would go on waiting for the desk.
    """
    try:
        found = _named(connection, handover_id)
    except PipelineError:
        return said
    if not found:
        raise MisconfiguredError(f"There is no hand-over {handover_id}: `hotline status` lists the waiting ones.")
    city = found[0].jurisdiction
    if said not in (None, city):
        raise MisconfiguredError(f"The hand-over belongs to {city}: leave --jurisdiction out.")
    return city


def _named(connection: KafkaConnection, handover_id: str) -> list[_Named]:
    mark = handover_id.encode()
    return [
        one
        for record in kafka_reader.read_all(connection, topics.HANDOVER)
        if mark in (record.value or b"") and (one := _read(record.value)) and one.handover_id == handover_id
    ]


def _read(value: bytes) -> _Named | None:
    try:
        return decode(value, _Named)
    except SchemaError:  # the record of a stranger is no emergency
        return None
