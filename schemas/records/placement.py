"""Placement: in which partition a city's records are; `default` says over how many partitions cities are spread."""

from typing import Annotated

from schemas import enums
from schemas.fields import about
from schemas.records.common import Record, Time


class Placement(Record, frozen=True, kw_only=True):
    """分区归属: of `default`, or of one city that has a place of its own."""

    city: Annotated[str, about("`default`, or the city's adcode; the Kafka key", "城市或默认")]
    partitions: Annotated[
        int | None, about("Of `default`: a city is in partition crc32(adcode) % partitions", "分区数", index="long")
    ] = None
    frozen: Annotated[bool, about("Of `default`: the number never changes again", "是否固定", index="boolean")] = False
    partition: Annotated[
        int | None, about("Of a city: its partition. Nothing fills this yet", "分区", index="long")
    ] = None
    epoch: Annotated[
        int, about("Of a city: how often it was moved. Nothing fills this yet", "迁移次数", index="long")
    ] = 0
    state: Annotated[
        str | None, about("Of a city. Nothing fills this yet", "放置状态", words=enums.PLACEMENT_STATES)
    ] = None
    at: Annotated[Time | None, about("When it was written", "写入时间", index="date")] = None
