"""The page of topics: key, partition and retention of each."""

from hotline.dev.reference.markdown import code, page, prose, table
from schemas.topics import DAY_MS, MAX_BYTES, SEGMENT_BYTES, TOPICS, Topic

_INTRO = f"""\
`hotline topics create` makes them so; auto-creation is off. Every record is a CloudEvent in Kafka's binary mode:
attributes in headers (`ce_…`), the value is the record itself, for raw topics the bytes as they came. *City* means that
all records of a jurisdiction (行政区划) share a partition, written explicitly: consumers compute nothing. It is
crc32(adcode) % `kafka.partitions`, and that number is frozen in `hotline.placement.v1` when the topics are made: a
process that has another one does not start, and a topic that is given more partitions uses those that it had. What a
decision changes is one transaction: read events, links, tickets and hand-overs with `isolation.level=read_committed`.
The retention of the topics that hold personal text is the bound of an erasure. A record has at most {MAX_BYTES} bytes
(`max.message.bytes`) where nothing else is said, and the time at which the broker took it
(`message.timestamp.type=LogAppendTime`): no sender's clock decides what retention takes.

Each setting that can remove a record or refuse it is the topic's own, whatever the brokers' defaults are: those of the
table, and `retention.bytes=-1` where `cleanup.policy` is `delete`, `segment.bytes={SEGMENT_BYTES}`,
`segment.ms={7 * DAY_MS}` where nothing else is said, `unclean.leader.election.enable=false`, and `min.insync.replicas`,
which is one less than `kafka.replication_factor`, and 1 at the least. `hotline doctor` and `hotline topics describe`
name each one that differs or that a topic has from its brokers; `hotline topics create --alter` sets it."""

_PARTITION = {"jurisdiction": "city", "key": "by key"}
_HEADER = ("Topic", "Holds", "Key", "Partition", "Keeps", "More")


def render() -> str:
    """Return the page."""
    return page("Topics", _INTRO, table(_HEADER, [_row(topic) for topic in TOPICS.values()]))


def _row(topic: Topic) -> tuple[str, ...]:
    more = ", ".join(code(f"{name}={value}") for name, value in topic.extra.items())
    return code(topic.name), prose(topic.about), topic.key, _placed(topic), _keeps(topic), more


def _placed(topic: Topic) -> str:
    return "one alone" if topic.partitions == 1 else _PARTITION[topic.partitioned_by]


def _keeps(topic: Topic) -> str:
    if topic.cleanup_policy == "compact":
        return "the newest of each key (`compact`)"
    return "everything" if topic.retention_ms is None else f"{topic.retention_ms // DAY_MS} days"
