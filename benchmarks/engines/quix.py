"""Quix Streams as its guide has it: a dataframe, `apply` with state, `to_topic`."""

import os
from pathlib import Path
from typing import Any

from quixstreams import Application, State

from benchmarks.engines.job import COMMIT_SECONDS, SESSION_SECONDS, Judged, Place, begin, understood, write


def judge(value: bytes, state: State) -> Judged:
    """Do the job on one message; the state is that of its key, the city."""
    begin()
    one = understood(value)
    key = str(one.fingerprint)
    one.new = not state.exists(key)
    if one.new:
        state.set(key, True)
    return one


def main() -> None:
    """Run the application until the process ends."""
    place = Place.of_argv()
    guarantee: Any = "exactly-once" if os.environ.get("ENGINE_TRANSACTIONS") == "1" else "at-least-once"
    app = Application(
        broker_address=place.broker, consumer_group=place.group, auto_offset_reset="earliest",
        commit_interval=COMMIT_SECONDS, state_dir=Path(place.folder) / "state", loglevel="WARNING",
        consumer_extra_config={"session.timeout.ms": int(SESSION_SECONDS * 1000), "fetch.wait.max.ms": 100},
        producer_extra_config={"acks": "all", "linger.ms": 5}, processing_guarantee=guarantee,
    )  # fmt: skip
    source = app.topic(place.source, value_deserializer="bytes", key_deserializer="bytes")
    target = app.topic(place.target, value_serializer="bytes", key_serializer="bytes")
    frame = app.dataframe(source).apply(judge, stateful=True)
    frame.apply(write).to_topic(target)
    app.run()


if __name__ == "__main__":
    main()
