"""Lag of each stage, seen from outside: a dead worker reports nothing."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from connectors.groups import FETCHER, OUTBOX
from hotline.monitor.kafka import Kafka
from schemas import topics
from sinks import SINKS, archive_sources
from sinks.groups import group_of, name_of
from sinks.webhook import SubscriberSettings
from streams.engine import groups

if TYPE_CHECKING:
    from hotline.config.settings import Settings


class Watched(Struct, frozen=True, kw_only=True):
    """A stage's consumer group and its topics."""

    group: str
    topics: tuple[str, ...]


WATCHED: Mapping[str, Watched] = MappingProxyType(
    {
        "screen": Watched(group=groups.SCREEN, topics=(*topics.LIVE_RAW, topics.BACKFILL)),
        "normalize": Watched(group=groups.NORMALIZE, topics=(*topics.LIVE_RAW, topics.BACKFILL, topics.COMMAND)),
        "flood": Watched(group=groups.NORMALIZE, topics=(topics.FLOOD,)),
        "assign": Watched(group=groups.ASSIGN, topics=(topics.MESSAGE,)),
        **{
            f"sink:{name}": Watched(group=group_of(name), topics=tuple(route.topic for route in routes.values()))
            for name, routes in SINKS.items()
        },
        "eraser": Watched(group=group_of("eraser"), topics=(topics.EVENT,)),
    }
)
"""The stages of every installation, by the name that `hotline run` takes."""


def watched(settings: "Settings") -> dict[str, Watched]:
    """Return the stages of every installation, and those that these settings lead to.

    Of the fetcher nothing counts as waiting: a file that the platform does not give now may take days (FilesWait).
    """
    kept = Watched(group=group_of("archive"), topics=tuple(source.topic for source in archive_sources()))
    archive = {"sink:archive": kept} if settings.sinks.archive.enabled else {}
    answering = {"outbox": Watched(group=OUTBOX, topics=(topics.OUTBOX,))} if settings.answers else {}
    later = {"fetcher": Watched(group=FETCHER, topics=())} if settings.connectors.fetches_media else {}
    return {**WATCHED, **archive, **of_subscribers(settings.sinks.webhook), **answering, **later}


def of_subscribers(settings: Mapping[str, SubscriberSettings]) -> dict[str, Watched]:
    """Return the stages of webhooks' subscribers: each has a consumer group of its own."""
    return {
        f"webhook:{name}": Watched(group=group_of(name_of(name)), topics=(one.topic,)) for name, one in settings.items()
    }


class Stage(Struct, frozen=True, kw_only=True):
    """One stage: the number of its workers, and the records that wait for them."""

    kind: Literal["stage"] = "stage"
    stage: str
    workers: int
    lag_records: int
    oldest_seconds: float

    @property
    def fine(self) -> bool:
        """Return whether the stage has a worker."""
        return self.workers > 0


def look(kafka: Kafka, now: datetime, watched: Mapping[str, Watched]) -> list[Stage]:
    """Return every stage. The age is since Kafka took the oldest record that is not worked off, back-fill included."""
    groups = [one.group for one in watched.values()]
    workers, committed = kafka.workers(groups), kafka.committed(groups)
    places = kafka.places({topic for one in watched.values() for topic in one.topics})
    starts, ends = kafka.starts(places), kafka.ends(places)
    found = []
    for name, one in watched.items():
        mine = [place for place in places if place.topic in one.topics]
        at = {place: max(committed[one.group].get(place, 0), starts[place]) for place in mine}
        first = kafka.first(at, ends)  # the last offsets of a topic may be a transaction's end, which is no record
        oldest = min((record.timestamp for record in first.values()), default=None)
        found.append(
            Stage(
                stage=name,
                workers=workers.get(one.group, 0),
                lag_records=sum(ends[place] - record.offset for place, record in first.items()),
                oldest_seconds=max(0.0, now.timestamp() - oldest / 1000) if oldest is not None else 0.0,
            )
        )
    return found
