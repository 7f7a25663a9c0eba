"""Stock Faust as its guide has it: an agent over a stream, a Table for what was seen, `await topic.send`."""

import logging
from pathlib import Path

import faust

from benchmarks.engines.job import (
    CITIES,
    COMMIT_SECONDS,
    PARTITIONS,
    SESSION_SECONDS,
    Place,
    begin,
    understood,
    write,
)


def main() -> None:
    """Run a worker until the process ends."""
    place = Place.of_argv()
    app = faust.App(
        place.group, broker=f"kafka://{place.broker}", datadir=Path(place.folder) / "faust", store="memory://",
        topic_partitions=PARTITIONS, topic_disable_leader=True, web_enabled=False, autodiscover=False,
        consumer_auto_offset_reset="earliest", broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=SESSION_SECONDS, broker_heartbeat_interval=1.0,
    )  # fmt: skip
    source = app.topic(place.source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    target = app.topic(place.target, key_serializer="raw", value_serializer="raw")
    seen = app.Table("seen", default=bool, partitions=PARTITIONS)

    @app.agent(source)
    async def judge(stream: faust.StreamT[bytes]) -> None:
        async for value in stream:
            begin()
            one = understood(value)
            key = f"{one.city} {one.fingerprint}"
            one.new = not seen[key]
            if one.new:
                seen[key] = True
            await target.send(key=one.id.encode(), value=write(one), partition=CITIES.index(one.city))

    for library in ("faust", "mode", "aiokafka"):
        logging.getLogger(library).setLevel(logging.WARNING)  # as ours: records made and dropped cost a tenth
    faust.Worker(app, loglevel="WARN").execute_from_commandline()


if __name__ == "__main__":
    main()
