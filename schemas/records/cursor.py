"""Cursor: where a pull connector stands; it means 'after this'."""

from typing import Annotated, Any

from msgspec import field

from schemas.fields import about
from schemas.records.common import Record, Time


class Cursor(Record, frozen=True, kw_only=True):
    """读取位置: an opaque position with whatever makes it valid, such as ``{"uidvalidity": 7, "uid": 42}``."""

    connector_id: Annotated[str, about("Which connector", "接入器标识")]
    position: Annotated[dict[str, Any], about("Opaque to everyone but the connector", "读取位置", index="none")] = (
        field(default_factory=dict)
    )
    at: Annotated[Time | None, about("When it was saved; null for a first start", "保存时间", index="date")] = None
    epoch: Annotated[int, about("How often it was taken over; of two owners the later counts", "任期")] = 0
