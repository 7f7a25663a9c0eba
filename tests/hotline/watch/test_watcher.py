"""What a watcher sees from outside: lag without workers, silent accounts, hand-overs that nobody acknowledged."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from hotline.admin import handovers
from hotline.admin.transactions import TOPICS
from hotline.config.settings import ConnectorsSettings, KafkaSettings, Settings, TelemetrySettings
from hotline.doctor.clock import OFF_SECONDS
from hotline.monitor import kafka, watcher
from hotline.monitor.exporter import Monitor
from hotline.monitor.stages import watched
from hotline.monitor.watcher import Seen, Watcher
from hotline.runtime.components import component
from schemas import topics
from schemas.codec import Outbound, Position, encode
from schemas.errors import MisconfiguredError, RecordError
from schemas.records import Event, Handover, InputRef, event
from tests.fresh import by_the_senders_clock, made_anew, topics_made_anew
from tests.hotline.letters import letter
from tests.peers import acls
from tests.peers.secured_kafka import SecuredKafka
from tests.streams.raws import outbound
from tests.waiting import soon

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
MAILBOX = {"host": "h", "username": "u", "password": "p", "jurisdiction": "210100"}


TICKET = "210100-" + "a" * 20


class Writer:
    """Writes as the stages do: each `write` is one transaction."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._producer = KafkaProducer(**connection.client_options(), transactional_id=f"watch-{NOW.timestamp()}")
        self._producer.init_transactions()

    def write(self, topic: str, *records: tuple[bytes, bytes, list]) -> None:
        self._producer.begin_transaction()
        for key, value, headers in records:
            self._producer.send(topic, key=key, value=value, headers=headers, partition=1)
        self._producer.commit_transaction()

    def raw(self, account: str, age: timedelta, count: int = 1) -> None:
        made = [outbound(n, channel="mailbox", account=account, recorded=NOW - age) for n in range(count)]
        self.write(topics.raw("mailbox"), *((one.key, one.value, one.headers) for one in made))

    def hand_over(
        self,
        name: str,
        level: str,
        age: timedelta,
        *,
        stale: bool = False,
        reinstated_at: datetime | None = None,
        into: str | None = None,
    ) -> None:
        made = Handover(
            handover_id=name, message_id=name, jurisdiction="210100", channel="sms", classes=("fire",), level=level,
            spans=(), text="三楼着火了", at=NOW - age, taken_at=NOW - age, stale=stale,
            reinstated_at=reinstated_at, folded_into=into,
        )  # fmt: skip
        self.write(topics.HANDOVER, (name.encode(), encode(made), []))

    def acknowledge(self, name: str, city: str = "210100", age: timedelta = timedelta(0)) -> None:
        self._decide(name, event.Acknowledged(handover_id=name), city, age)

    def dismiss(self, name: str) -> None:
        self._decide(name, event.HandoverDismissed(ticket_id=TICKET, handover_id=name, reason_code="misread"))

    def reinstate(self, name: str, level: str, age: timedelta) -> None:
        """As assign does it: the event, and the hand-over anew."""
        change = event.HandoverReinstated(ticket_id=TICKET, handover_id=name, classes=("fire",), level=level)
        self._decide(name, change)
        self.hand_over(name, level, age, reinstated_at=NOW)

    def _decide(self, name: str, change: event.AnyChange, city: str = "210100", age: timedelta = timedelta(0)) -> None:
        made = Event(
            event_id=f"command:{name}", jurisdiction=city, at=NOW - age, policy_version="1", relation="command",
            method="carried_out", input=InputRef(command_id=name, topic=topics.MESSAGE, partition=1, offset=0),
            changes=(change,),
        )  # fmt: skip
        self.write(topics.EVENT, (name.encode(), encode(made), []))

    def dead(self, code: str) -> None:
        made = dead_letter(code)
        self.write(made.topic, (made.key, made.value, made.headers))

    def close(self) -> None:
        self._producer.close()


def dead_letter(code: str) -> Outbound:
    record = Outbound(topics.raw("sms"), b"k", b"v", [], "210100")
    return letter("normalize", Position(record.topic, 1, 0), record, RecordError("refused"), code=code)


@pytest.fixture
def writer(fresh_topics: KafkaConnection) -> Iterator[Writer]:
    writer = Writer(fresh_topics)
    yield writer
    writer.close()


def settings(connection: KafkaConnection) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=connection.bootstrap_servers),
        connectors=ConnectorsSettings(mailbox={"busy": MAILBOX, "quiet": MAILBOX, "never": MAILBOX}),
        telemetry=TelemetrySettings(silent_after_seconds=3600, silent_after={"busy": 86_400.0}),
    )


def look(watcher: Watcher) -> Seen:
    return watcher.look(datetime.now(UTC))


def test_what_waits_is_seen_without_any_worker(fresh_topics: KafkaConnection, writer: Writer) -> None:
    watcher = Watcher(settings(fresh_topics), fresh_topics)
    writer.write(topics.MESSAGE, *[(b"k", b"{}", [])] * 5)
    stage = {one.stage: one for one in look(watcher).stages}["assign"]
    assert (stage.workers, stage.lag_records > 0, 0 < stage.oldest_seconds < 600) == (0, True, True)
    worker = KafkaConsumer(
        topics.MESSAGE, **fresh_topics.client_options(), group_id="hotline-assign", auto_offset_reset="earliest"
    )
    try:
        taken, deadline = 0, time.monotonic() + 90
        while taken < 5 and time.monotonic() < deadline:
            taken += sum(len(records) for records in worker.poll(timeout_ms=1_000).values())
        assert taken == 5
        worker.commit({TopicPartition(topics.MESSAGE, 1): _at(5)})  # the transaction's end is offset 5
        stage = {one.stage: one for one in look(watcher).stages}["assign"]
        assert (stage.workers, stage.lag_records, stage.oldest_seconds) == (1, 0, 0)
    finally:
        worker.close()


def _at(offset: int) -> object:
    from kafka.structs import OffsetAndMetadata

    return OffsetAndMetadata(offset, "", -1)


def test_silence_hand_overs_and_dead_letters(fresh_topics: KafkaConnection, writer: Writer) -> None:
    writer.raw("quiet", timedelta(hours=2))
    writer.raw("busy", timedelta(hours=3), count=60)
    writer.raw("stranger", timedelta(days=9))
    writer.hand_over("old", "critical", timedelta(minutes=20))
    writer.hand_over("new", "critical", timedelta(minutes=1))
    writer.hand_over("import", "critical", timedelta(days=3), stale=True)
    writer.hand_over("past", "mentioned", timedelta(minutes=5))
    writer.dead("malformed")
    writer.dead("malformed")
    watcher = Watcher(settings(fresh_topics), fresh_topics)
    seen = watcher.look(NOW)
    assert {one.account: one.silent for one in seen.accounts} == {
        "quiet": True, "never": True, "busy": False, "stranger": None,
    }  # fmt: skip
    ages = {one.account: one.last_message and NOW - one.last_message for one in seen.accounts}
    assert (ages["quiet"], ages["never"]) == (timedelta(hours=2), None)
    assert {one.level: one.unacknowledged for one in seen.handovers} == {"critical": 2, "mentioned": 1}
    assert seen.handovers[0].oldest_seconds == 1200
    assert [(one.stage, one.code, one.count) for one in seen.dead_letters] == [("normalize", "malformed", 2)]

    writer.acknowledge("old")
    writer.hand_over("old", "critical", timedelta(minutes=20))  # as screen does after a crash
    writer.raw("quiet", timedelta(0))
    writer.dead("internal")
    seen = watcher.look(NOW)
    assert seen.handovers[0].oldest_seconds == 60
    assert {one.level: one.unacknowledged for one in seen.handovers} == {"critical": 1, "mentioned": 1}
    assert {one.account: one.silent for one in seen.accounts}["quiet"] is False
    assert {one.code: one.count for one in seen.dead_letters} == {"malformed": 2, "internal": 1}
    again = Watcher(settings(fresh_topics), fresh_topics).look(NOW)
    assert {one.level: one.unacknowledged for one in again.handovers} == {"critical": 1, "mentioned": 1}


@pytest.mark.parametrize("count", [1, 9], ids=["less than before", "more than before"])
def test_hand_overs_of_a_topic_that_was_made_anew_are_seen(
    fresh_topics: KafkaConnection, writer: Writer, count: int
) -> None:
    for number in range(3):
        writer.hand_over(f"before{number}", "critical", timedelta(minutes=20))
        writer.acknowledge(f"before{number}")
    watcher = Watcher(settings(fresh_topics), fresh_topics)
    assert look(watcher).handovers == []
    made_anew(fresh_topics, topics.HANDOVER, fresh_topics.partitions)
    for number in range(count):
        writer.hand_over(f"after{number}", "critical", timedelta(minutes=20))
    assert [one.unacknowledged for one in look(watcher).handovers] == [count]


def test_another_city_answers_no_hand_over(fresh_topics: KafkaConnection, writer: Writer) -> None:
    writer.hand_over("fire", "critical", timedelta(minutes=1))
    writer.acknowledge("fire", city="210200")
    watcher = Watcher(settings(fresh_topics), fresh_topics)
    assert [one.unacknowledged for one in watcher.look(NOW).handovers] == [1]
    writer.acknowledge("fire")
    assert watcher.look(NOW).handovers == []


def test_a_folded_hand_over_waits_unless_a_desk_heard_of_it(fresh_topics: KafkaConnection, writer: Writer) -> None:
    """A neighbour behind the same address, after the desk has answered the one that rang."""

    def minutes(number: int) -> timedelta:
        return timedelta(minutes=number)

    def named() -> list[str]:
        each = [[one.handover_id for seen in who.look(NOW).handovers for one in seen.longest]
                for who in (watcher, Watcher(settings(fresh_topics), fresh_topics))]  # fmt: skip
        assert each[0] == each[1], "a monitor that was started again sees the same"
        return each[0]

    watcher = Watcher(settings(fresh_topics), fresh_topics)
    writer.hand_over("rang", "urgent", minutes(30))
    writer.hand_over("before", "urgent", minutes(28), into="rang")
    assert named() == ["rang"], "that one rings for it"
    writer.hand_over("worse", "critical", minutes(27), into="rang")
    writer.hand_over("alone", "critical", minutes(26), into="no hand-over")
    assert named() == ["worse", "alone", "rang"]
    writer.acknowledge("rang", age=minutes(25))
    assert named() == ["worse", "alone"], "the desk has seen what came before its answer, but for what is worse"
    writer.dismiss("alone")
    for number, age in enumerate((20, 19, 10)):
        writer.hand_over(f"after{number}", "urgent", minutes(age), into="rang")
    assert named() == ["worse", "after0", "after1", "after2"]
    writer.acknowledge("after1", age=minutes(15))
    assert named() == ["worse", "after2"], "one answer is enough for all before it"
    writer.dismiss("after2")
    writer.acknowledge("worse")
    assert named() == []


def test_those_that_wait_longest_are_named_and_can_be_acknowledged(
    fresh_topics: KafkaConnection, writer: Writer
) -> None:
    for minutes in range(12):
        writer.hand_over(f"one{minutes:02}", "urgent", timedelta(minutes=minutes))
    (seen,) = Watcher(settings(fresh_topics), fresh_topics).look(NOW).handovers
    assert [one.handover_id for one in seen.longest] == [f"one{minutes:02}" for minutes in range(11, 1, -1)]
    assert {one.jurisdiction for one in seen.longest} == {"210100"}
    assert (seen.longest[0].seconds, seen.unacknowledged) == (660, 12)
    assert handovers.city_of(fresh_topics, "one11") == "210100"
    with pytest.raises(MisconfiguredError, match="no hand-over one99: `hotline status`"):
        handovers.city_of(fresh_topics, "one99")
    with pytest.raises(MisconfiguredError, match="belongs to 210100: leave"):
        handovers.city_of(fresh_topics, "one11", "310000")


def test_who_may_read_no_hand_over_says_the_city() -> None:
    assert handovers.city_of(KafkaConnection(bootstrap_servers="127.0.0.1:1"), "one", "310000") == "310000"


def test_dead_letters_of_the_last_hour_and_the_clock(fresh_topics: KafkaConnection, writer: Writer) -> None:
    old = int((NOW - timedelta(hours=2)).timestamp() * 1000)
    by_the_senders_clock(fresh_topics, topics.DEAD)
    producer = KafkaProducer(**fresh_topics.client_options())
    made = dead_letter("malformed")
    producer.send(made.topic, made.value, headers=made.headers, timestamp_ms=old)
    producer.close()
    writer.dead("malformed")
    seen = look(Watcher(settings(fresh_topics), fresh_topics))
    assert [(one.count, one.last_hour) for one in seen.dead_letters] == [(2, 1)]
    assert seen.clock_ahead is not None


@pytest.mark.parametrize("moves", [CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError])
def test_a_coordinator_that_moves_is_waited_for(moves: type[Exception]) -> None:
    answers: list[Any] = [moves(), {"hotline-screen": {"members": ["one"]}}]

    class Admin:
        def describe_groups(self, _: list[str]) -> Any:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    assert kafka.Kafka(None, Admin()).workers(["hotline-screen"]) == {"hotline-screen": 1}


def test_the_monitor_tells_prometheus_and_outlives_kafka(
    fresh_topics: KafkaConnection, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "PATIENCE_MS", 300)
    writer.hand_over("fire", "critical", timedelta(minutes=2))
    monitor = Monitor(settings(fresh_topics))
    monitor.look(datetime.now(UTC))
    value = REGISTRY.get_sample_value
    assert value("hotline_monitor_reachable", {"service": "kafka"}) == 1
    assert value("hotline_monitor_handovers_unacknowledged", {"level": "critical"}) == 1
    assert value("hotline_monitor_handovers_unacknowledged", {"level": "urgent"}) == 0
    assert value("hotline_monitor_silent", {"channel": "mailbox", "connector": "never"}) == 1
    writer.acknowledge("fire")
    monitor.look(datetime.now(UTC))
    assert value("hotline_monitor_handovers_unacknowledged", {"level": "critical"}) == 0
    blind = Monitor(settings(KafkaConnection(bootstrap_servers="127.0.0.1:9")))
    blind.look(datetime.now(UTC))
    assert value("hotline_monitor_reachable", {"service": "kafka"}) == 0
    assert blind.trouble


def test_a_fetcher_that_nobody_runs_is_seen(fresh_topics: KafkaConnection) -> None:
    """The files of WeChat's messages end after three days."""
    account = {"appid": "wx1", "tokens": ["token"], "modes": ["plain"], "jurisdiction": "210100", "secret": "secret"}
    kafka = KafkaSettings(bootstrap_servers=fresh_topics.bootstrap_servers)
    chosen = Settings(kafka=kafka, connectors=ConnectorsSettings(wechat={"city": account}))
    assert "fetcher" not in watched(settings(fresh_topics))
    (stage,) = [one for one in look(Watcher(chosen, fresh_topics)).stages if one.stage == "fetcher"]
    assert (stage.workers, stage.lag_records, stage.oldest_seconds) == (0, 0, 0)


@pytest.fixture
def secured_anew(secured: SecuredKafka) -> Iterator[SecuredKafka]:
    """The secured Kafka; what a test writes there, which no stage could read, goes with it."""
    yield secured
    topics_made_anew(secured.administrator)


def test_with_the_rights_of_its_user_the_monitor_sees_everything_and_kafkas_time(secured_anew: SecuredKafka) -> None:
    chosen = settings(secured_anew.administrator)
    waiting = {topic for stage in watched(chosen).values() for topic in stage.topics}
    producer = KafkaProducer(**secured_anew.administrator.client_options())
    for topic in waiting:
        producer.send(topic, b"{}", key=b"k").get(60)
    producer.close()
    monitor = Watcher(chosen, secured_anew.connection("hotline-monitor"))
    seen = look(monitor)
    # Only the auditor reads the audit log; `assign` writes it in the same transactions as its events.
    assert seen.transactions_hanging == dict.fromkeys({*TOPICS} - {topics.AUDIT}, 0)
    assert all(stage.lag_records for stage in seen.stages), "a stage of which it does not see what waits"
    ahead = seen.clock_ahead
    assert ahead is not None, "Kafka does not tell it the time"
    assert abs(ahead) < OFF_SECONDS
    line = next(one for one in acls.lines() if "hotline-monitor " in one and one.endswith("--cluster"))
    with acls.without(secured_anew.administrator, line):
        assert look(monitor).clock_ahead is None


def test_overdue_emergencies_are_told_again_until_the_desk_acknowledges_or_a_clerk_dismisses_them(
    fresh_topics: KafkaConnection, writer: Writer
) -> None:
    reminders, overdue = "hotline_monitor_handover_reminders_total", "hotline_monitor_handovers_overdue"

    def value(name: str, level: str) -> float:
        return REGISTRY.get_sample_value(name, {"level": level}) or 0

    writer.hand_over("fire", "critical", timedelta(seconds=61))
    writer.hand_over("young", "critical", timedelta(seconds=20))
    writer.hand_over("old import", "critical", timedelta(days=3), stale=True)
    writer.hand_over("yesterday", "mentioned", timedelta(hours=1))
    monitor, told = Monitor(settings(fresh_topics)), value(reminders, "critical")
    counts = []
    for seconds in (0, 15, 59, 60, 100, 121):
        monitor.look(NOW + timedelta(seconds=seconds))
        counts.append((value(overdue, "critical"), value(reminders, "critical") - told))
    assert counts == [(1, 1), (1, 1), (2, 1), (2, 2), (2, 2), (2, 3)]
    assert (value(overdue, "mentioned"), value(reminders, "mentioned")) == (1, 0)
    writer.acknowledge("fire")
    writer.dismiss("young")
    monitor.look(NOW + timedelta(seconds=400))
    assert (value(overdue, "critical"), value(reminders, "critical") - told) == (0, 3)


def test_an_emergency_is_overdue_in_time_though_the_monitors_clock_is_set_back(
    fresh_topics: KafkaConnection, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reminders, labels = "hotline_monitor_handover_reminders_total", {"level": "critical"}
    writer.hand_over("fire", "critical", timedelta(seconds=61))
    monitor, told = Monitor(settings(fresh_topics)), REGISTRY.get_sample_value(reminders, labels) or 0
    back, counts = timedelta(0), []
    monkeypatch.setattr(watcher, "time", SimpleNamespace(time=lambda: time.time() - back.total_seconds()))
    for back, seconds in [(timedelta(0), 0), *((timedelta(hours=1), passed) for passed in (1, 15, 62))]:
        monitor.look(NOW - back + timedelta(seconds=seconds))
        counts.append((REGISTRY.get_sample_value(reminders, labels) or 0) - told)
    assert counts == [1, 2, 2, 3]
    assert REGISTRY.get_sample_value("hotline_monitor_handovers_overdue", labels) == 1


def test_an_emergency_that_a_clock_ahead_took_is_overdue_in_time(fresh_topics: KafkaConnection, writer: Writer) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=9)  # NOW is when this file was read
    writer.hand_over("fire", "critical", NOW - ahead)
    (seen,) = Watcher(settings(fresh_topics), fresh_topics).look(datetime.now(UTC) + timedelta(seconds=61)).handovers
    assert (seen.overdue, 61 <= seen.oldest_seconds < 120) == (1, True)


def test_a_false_alarm_that_is_taken_back_rings_until_the_desk_has_it(
    fresh_topics: KafkaConnection, writer: Writer
) -> None:
    """The monitor that was there all the time says the same as one that starts now."""
    monitor = Watcher(settings(fresh_topics), fresh_topics)

    def waiting() -> list[tuple[str, int, int]]:
        now = NOW + timedelta(seconds=61)
        seen, anew = (one.look(now).handovers for one in (monitor, Watcher(settings(fresh_topics), fresh_topics)))
        assert seen == anew
        return [(one.level, one.overdue, round(one.oldest_seconds)) for one in seen]

    writer.hand_over("fire", "critical", timedelta(hours=3))
    writer.hand_over("taken", "urgent", timedelta(hours=2))
    writer.acknowledge("taken")
    writer.dismiss("fire")
    writer.dismiss("taken")
    assert waiting() == []
    writer.reinstate("fire", "critical", timedelta(hours=3))
    writer.reinstate("taken", "urgent", timedelta(hours=2))
    assert waiting() == [("critical", 1, 61), ("urgent", 1, 61)]
    writer.hand_over("fire", "critical", timedelta(hours=3))  # as screen does after a crash
    writer.acknowledge("fire")
    assert waiting() == [("urgent", 1, 61)]
    writer.dismiss("taken")
    assert waiting() == []


def test_one_that_was_handed_over_before_the_first_look_rings_when_it_is_taken_back(
    fresh_topics: KafkaConnection, writer: Writer
) -> None:
    """Its first hand-over is older than what the monitor looks for."""
    writer.reinstate("fire", "critical", timedelta(days=20))
    (seen,) = Watcher(settings(fresh_topics), fresh_topics).look(NOW + timedelta(seconds=61)).handovers
    assert (seen.unacknowledged, seen.overdue, seen.oldest_seconds) == (1, 1, 61)


async def test_it_runs_as_a_component_and_ends_when_it_is_told(fresh_topics: KafkaConnection) -> None:
    monitor = component(settings(fresh_topics), "monitor")
    assert monitor.probe
    stop = asyncio.Event()
    running = asyncio.create_task(monitor.run(stop))
    await soon(lambda: bool(monitor.probe()["last_success"]) or running.done())
    stop.set()
    await running
    assert monitor.probe()["detail"] is None
