"""A record that held the processor is a dead letter with all its bytes at each stage, and those around it go on."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from obstore.store import MemoryStore
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from broker.config import KafkaConnection
from normalizers.base import Policy
from normalizers.enrich import annotators
from schemas import topics
from schemas.codec import Outbound
from schemas.records import Finding
from streams import screen
from streams.blobs import Blobs
from streams.engine.app import StageApp, make_app
from streams.engine.fetched_record import Fetched
from streams.engine.in_work import Held
from streams.engine.partition_worker import Chunk
from streams.normalize import Normalize
from tests.assign.test_torn import Kafka, owner
from tests.assign.test_torn import records as decided
from tests.streams.raws import outbound

RAW = TP(topics.raw("record"), 0)
DANGER = "我家着火了，火很大，快来人救命"
AT = 1_790_000_000_000


class Outlet:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Outbound] = []

    async def send(self, outbounds: list[Outbound]) -> list[Outbound]:
        self.sent += outbounds
        return []

    def of(self, topic: str) -> list[Outbound]:
        return [one for one in self.sent if one.topic == topic]


def records(tp: TP, text: str) -> list[Fetched]:
    made = [outbound(number, text) for number in range(3)]
    return [Fetched(*tp, at, AT + at, one.key, one.value, one.headers) for at, one in enumerate(made)]


def chunk(tp: TP, found: list[Fetched]) -> tuple[Chunk, list[bool]]:
    acked: list[bool] = []
    message = SimpleNamespace(tp=tp, value=found, park=lambda keep: setattr(message, "value", keep))
    return Chunk(tp, found, SimpleNamespace(message=message, ack=lambda: acked.append(True))), acked


@pytest.fixture
def app(tmp_path: Path) -> StageApp:
    made = make_app("test", KafkaConnection(bootstrap_servers="x:1"), tmp_path)
    made.in_work._held = [Held(RAW.topic, 0, 1, 1, AT + 1)]
    return made


async def test_normalize_sets_it_aside(app: StageApp) -> None:
    outlet: Any = Outlet()
    found = records(RAW, "路灯坏了三天没人修")
    given, acked = chunk(RAW, found)
    await Normalize(app, outlet, Blobs(MemoryStore()), Policy()).handle(RAW, given)
    (dead,) = outlet.of(topics.DEAD)
    assert dead.value == found[1].value
    assert any(b"blocked the processor" in value for _, value in dead.headers)
    assert len(outlet.of(topics.MESSAGE)) == 2
    assert acked == [True]


async def test_what_an_annotator_fails_on_goes_on_and_is_counted(
    app: StageApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: annotators.Reading) -> Iterator[Finding]:
        raise RecursionError

    def counted() -> float:
        return REGISTRY.get_sample_value("hotline_streams_annotator_failures_total", {"annotator": "category"}) or 0.0

    changed = [one._replace(annotate=fails) if one.name == "category" else one for one in annotators.ANNOTATORS]
    monkeypatch.setattr(annotators, "ANNOTATORS", tuple(changed))
    app.in_work._held = []
    outlet: Any = Outlet()
    given, acked = chunk(RAW, records(RAW, "路灯坏了三天没人修"))
    work, before = Normalize(app, outlet, Blobs(MemoryStore()), Policy()), counted()
    with capture_logs() as logs:
        await work.handle(RAW, given)
    assert (len(outlet.of(topics.MESSAGE)), outlet.of(topics.DEAD), acked) == (3, [], [True])
    assert counted() == before + 3
    told = [(one["annotator"], one["error"], one["offset"]) for one in logs if one["event"] == "annotator_failed"]
    assert told == [("category", "RecursionError", at) for at in range(3)]


async def test_screen_sets_it_aside_and_hands_the_others_over(app: StageApp) -> None:
    outlet: Any = Outlet()
    work = screen.Screen(app, KafkaConnection(bootstrap_servers="x:1"), MemoryStore(), Policy())
    work._outlet = outlet
    found = records(RAW, DANGER)
    late: list[Any] = []
    with work._tracer.hop(screen.STAGE, *RAW) as hop:
        await work._screen(found, late, hop)
    assert late == [found[1]]
    assert len(outlet.of(topics.HANDOVER)) == 2
    await work._screen_late(RAW, found[1])
    (dead,) = outlet.of(topics.DEAD)
    assert dead.value == found[1].value
    assert len(outlet.of(topics.HANDOVER)) == 2


async def test_assign_sets_it_aside() -> None:
    kafka = Kafka()
    one = owner(kafka)
    found = decided()
    one._in_work._held = [Held(topics.MESSAGE, 0, 1, 1, found[1].timestamp)]
    await one.work_off(found)
    (dead,) = kafka.told(topics.DEAD)
    assert dead.value == found[1].value
    others = {record.key for record in found if record is not found[1]}
    assert len(kafka.told(topics.EVENT)) == len(others)
