"""Bytewax as its guide has it: Kafka in, `stateful_map` by key, Kafka out, with a recovery store."""

from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.engines.job import COMMIT_SECONDS, Judged, Place, begin, understood, write

BATCH = 1000


def judged(seen: bool | None, one: Judged) -> tuple[bool, Judged]:
    """Judge one message by the state of its key."""
    one.new = not seen
    return True, one


def main() -> None:
    """Run the flow until the process ends; its place in the input is in the recovery store."""
    place = Place.of_argv()
    flow = Dataflow("judge")
    came = kop.input("in", flow, brokers=[place.broker], topics=[place.source], batch_size=BATCH)

    def understand(message: kop.KafkaSourceMessage[bytes, bytes]) -> Judged:
        begin()
        return understood(message.value)

    read = op.map("understand", came.oks, understand)
    keyed = op.key_on("key", read, lambda one: f"{one.city} {one.fingerprint}")
    known = op.stateful_map("judge", keyed, judged)
    out = op.map("write", known, lambda pair: KafkaSinkMessage(pair[1].id.encode(), write(pair[1])))
    kop.output("out", out, brokers=[place.broker], topic=place.target, add_config={"acks": "all", "linger.ms": "5"})
    store = Path(place.folder) / "recovery"
    if not store.exists():
        store.mkdir()
        init_db_dir(store, 1)
    recovery = RecoveryConfig(str(store))
    cli_main(flow, epoch_interval=timedelta(seconds=COMMIT_SECONDS), recovery_config=recovery)


if __name__ == "__main__":
    main()
