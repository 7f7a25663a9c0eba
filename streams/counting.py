"""What the stages count once Kafka has acknowledged it."""

from collections import Counter
from collections.abc import Sequence

from schemas import topics
from schemas.codec import Outbound
from schemas.records import Event
from schemas.records.dead_letter import CODE, PREFIX
from streams import metrics


def count_written(stage: str, outbounds: Sequence[Outbound]) -> None:
    """Count records that the brokers hold."""
    sent = Counter(outbound.topic for outbound in outbounds)
    for topic, count in sent.items():
        metrics.OUTPUTS.labels(stage=stage, topic=topic).inc(count)
    for outbound in outbounds if topics.DEAD in sent else ():
        if outbound.topic == topics.DEAD:
            headers = dict(outbound.headers)
            told = (headers[name].decode() for name in (f"{PREFIX}stage", CODE))
            metrics.DEAD.labels(*told).inc()


def count_decisions(stage: str, decisions: Sequence[Event], dead: int, records: int) -> None:
    """Count what became of so many inputs: decisions, dead letters, and repeats for the rest."""
    metrics.RECORDS.labels(stage=stage, topic=topics.MESSAGE).inc(records)
    metrics.REPEATS.labels(stage=stage).inc(records - len(decisions) - dead)
    for relation, count in Counter(decision.relation for decision in decisions).items():
        metrics.DECISIONS.labels(relation=relation).inc(count)
