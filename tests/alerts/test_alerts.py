"""Every alarm of deploy/alerts.yml rings in a real Prometheus when what it tells of happens to running components."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
import yaml
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from broker.aio_producer import make_producer
from broker.config import KafkaConnection
from connectors.publish.publisher import STAGE
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Outbound, Position
from schemas.errors import TooLargeError
from schemas.records import Command, DeadLetter
from tests.alerts.faulty_desk import FAULT, UNHEARD
from tests.alerts.hosts import SECRET, SMS, Hosts, cannot_hang, cannot_mount
from tests.assign import logs
from tests.connectors import mailboxes as mails
from tests.docs.pages import ROOT
from tests.fresh import by_the_senders_clock
from tests.peers import prometheus
from tests.peers.greenmail import GreenMail
from tests.peers.presence import require
from tests.peers.prometheus import Prometheus
from tests.peers.refusing import Refusing, fetched_uids
from tests.peers.speechless import Speechless
from tests.streams.raws import outbound, raw

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]

PATIENCE = 300.0
PROCESSES = ("stages", "normalize", "cut off", "monitor", "accounts", "gone")
RULES = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text("utf-8"))
ALARMS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}

FIRE = "三楼着火了，快来人"
LABELS = (
    "stage",
    "connector",
    "service",
    "component",
    "operation",
    "account",
    "channel",
    "code",
    "clock",
    "topic",
    "instance",
)
"""Of these the first that an alarm has says what it rings for."""

Rung = dict[str, set[str]]


def hurried() -> str:
    """The rules as they are, but that nobody waits for long."""
    groups = [
        group | {"rules": [rule | ({"for": "1s"} if "for" in rule else {}) for rule in group["rules"]]}
        for group in RULES["groups"]
    ]
    return yaml.safe_dump({"groups": groups})


def rung(peer: Prometheus) -> Rung:
    """What rings now."""
    found: Rung = {}
    for labels in peer.firing():
        found.setdefault(labels["alertname"], set()).add(next((labels[one] for one in LABELS if labels.get(one)), ""))
    return found


TROUBLED: Rung = {
    "EmergencyUnanswered": {""},
    "EmergenciesSlow": {""},
    "EmergencyUnheard": {""},
    "ScreenPositionLost": {""},
    "StageWithoutWorker": {"normalize", "flood", "sink:elastic", "eraser"},
    "StageBehind": {"sink:elastic"},
    "FloodWaits": {""},
    "ProcessAway": {"gone", "normalize"},
    "ComponentFailed": {"connector:broken"},
    "RestoreSlow": {""},
    "CheckpointsFail": {"list"},
    "CommandsUnproven": {""},
    "DecisionsLost": {""},
    "AccountSilent": {"away", "unowned", "broken", "idle"},
    "SourceAway": {"away", "unowned", "broken", "faulty"},
    "ConnectorFault": {"faulty"},
    "MailsPostponed": {"refusing"},
    "MailsVanished": {"vanishing"},
    "NobodyOwnsAccount": {"unowned", "broken"},
    "TokenEnds": {"soon_lists"},
    "QuotaUsedUp": {"spent_lists"},
    "ListOutOfReach": {"city_lists"},
    "FilesWait": {""},
    "FilesLost": {"city"},
    "EventsLost": {"pbx"},
    "AsteriskUnheard": {"pbx_back"},
    "PushUnsafe": {"sms"},
    "PushUnheard": {"sms"},
    "PushRefused": {"sms"},
    "JournalFills": {"cut off"},
    "JournalAway": {"cut off"},
    "JournalSetAside": {"stages"},
    "FaultOfOurs": {"assign"},
    "MessageNotTaken": {"too_large"},
    "MessageUnfiled": {"assign"},
    "AnswersUnknown": {"away"},
    "ServiceAway": {"elasticsearch"},
    "DiskFills": {"stages"},
    "DiskHangs": {"monitor"},
    "ClockWrong": {"kafka"},
}
"""What rings, and for whom it does: nobody else is accused."""


class City:
    """What happens to it."""

    def __init__(self, hosts: Hosts, peer: Prometheus, connection: KafkaConnection) -> None:
        self.hosts, self.peer = hosts, peer
        self._connection = connection
        self._producer = KafkaProducer(**connection.client_options())
        self._http = urllib3.PoolManager(retries=False, timeout=60)

    def write(self, out: Outbound, age: timedelta = timedelta(0)) -> None:
        """Let Kafka hold a record since so long."""
        if age:
            by_the_senders_clock(self._connection, out.topic)
        at = int((datetime.now(UTC) - age).timestamp() * 1000)
        sent = self._producer.send(out.topic, out.value, key=out.key, headers=out.headers, partition=0, timestamp_ms=at)
        acknowledged = sent.get(60)
        assert not age or acknowledged.timestamp == at  # else Kafka set the time itself

    def acknowledge(self, group: str, topic: str, end: int) -> None:
        """Let a group have worked off a partition up to there."""
        consumer = KafkaConsumer(**self._connection.client_options(), group_id=group, enable_auto_commit=False)
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.commit({place: OffsetAndMetadata(end, "", -1)})
        consumer.close()

    def post(self, host: str, secret: str = SECRET, beside: str = "") -> int:
        """Push short messages to a host's receiver, and what stands beside them; return the status of its answer."""
        batch = [
            {
                "phone_number": "13504017363",
                "content": "路灯坏了" * 50,
                "send_time": "2026-11-25 16:29:00",
                "dest_code": "12345",
                "sequence_id": str(time.time_ns() + number),
            }
            for number in range(5)
        ]
        url = f"http://127.0.0.1:{self.hosts.receivers[host]}{SMS}/{secret}"
        headers = {"content-type": "application/json"}
        return self._http.request(
            "POST", url, body=json.dumps(batch).encode() + beside.encode(), headers=headers
        ).status

    def open(self, host: str) -> None:
        """Wait until a host's receiver serves."""

        def serves() -> bool:
            with suppress(urllib3.exceptions.HTTPError):
                url = f"http://127.0.0.1:{self.hosts.receivers[host]}/healthz"
                return self._http.request("GET", url).status == 200
            return False

        self.until(serves, f"the receiver of {host} serves")

    def until(self, done: Callable[[], object], what: str) -> None:
        """Wait for something."""
        end = time.monotonic() + PATIENCE
        while not done():
            self.hosts.check()
            assert time.monotonic() < end, f"not within {PATIENCE:.0f} s: {what}"
            time.sleep(0.2)

    def scraped(self, query: str) -> None:
        """Wait until Prometheus has a value of it."""
        self.until(lambda: self.peer.value(query) is not None, query)

    def rings(self, wanted: Rung) -> None:
        """Wait until each of these alarms has rung for these alone; of others nothing is said."""
        left, end = dict(wanted), time.monotonic() + PATIENCE
        while left:
            self.hosts.check()
            now = rung(self.peer)
            assert time.monotonic() < end, {name: (whom, now.get(name)) for name, whom in left.items()}
            left = {name: whom for name, whom in left.items() if now.get(name, set()) != whom}
            time.sleep(0.2)

    def close(self) -> None:
        self._producer.close()
        self._http.clear()


@pytest.fixture
def city(fresh_topics: KafkaConnection, tmp_path: Path) -> Iterator[City]:
    require(prometheus.missing() or cannot_mount(tmp_path) or cannot_hang(tmp_path))
    with (
        GreenMail() as mail,
        Speechless(mail.smtp_port) as smtp,
        Refusing(mail.port) as imap,
        (hosts := Hosts(fresh_topics, tmp_path, smtp.port, imap.port)).all(),
        Prometheus(hurried(), {name: hosts.ports[name] for name in PROCESSES}) as peer,
    ):
        for text in "ab":
            mail.deliver(mails.mail(text))
        imap.fault = lambda command: b"@ NO [UNAVAILABLE] backend down\r\n" if 1 in fetched_uids(command) else None
        made = City(hosts, peer, fresh_topics)
        yield made
        made.close()


def a_message(number: int, text: str = "路灯坏了") -> Outbound:
    return logs.outbound(normalize(raw(number, text), Policy()).message)


def a_mail() -> Outbound:
    """A mail to `away` that wants an answer, as normalize writes it."""
    now, mail = datetime.now(UTC), b"From: hotline1@example.cn\r\nMessage-ID: <a@example.cn>\r\n\r\nWater is off"
    fields = {"channel": "mailbox", "channel_kind": "imap", "account": "away", "content_type": "message/rfc822"}
    return logs.outbound(normalize(raw(5, value=mail, time=now, recorded=now, **fields), Policy()).message)


def a_command_without_a_signature() -> Outbound:
    """A command as normalize passes it on, which nobody has signed."""
    order = Command(
        command_id="c1",
        jurisdiction="210100",
        kind="set_status",
        author="somebody",
        ticket_id="t1",
        at=datetime.now(UTC),
        args={"status": "registered"},
    )
    return order.outbound(datetime.now(UTC), None)._replace(topic=topics.MESSAGE)


def a_mail_that_nobody_has() -> Outbound:
    """The dead letter of one that is too large, as a mailbox writes it."""
    lost = outbound(6)
    position = Position(lost.topic, -1, -1)
    error = TooLargeError("a mail over 64 MiB; answer it from the mailbox")
    return DeadLetter.of(
        error, stage=STAGE, position=position, key=lost.key, value=b"Subject: a", headers=lost.headers
    ).outbound()


def spoil(city: City, journal: Path) -> None:
    """Let a receiver that does not reach Kafka keep two pushes, die, and its disk spoil the first."""
    city.hosts.receiver(journal)
    city.open("stages")
    assert [city.post("stages"), city.post("stages")] == [200, 200]
    city.hosts.kill("stages")
    segment = min(journal.glob("*.journal"))
    bytes_ = bytearray(segment.read_bytes())
    bytes_[500] ^= 0xFF
    segment.write_bytes(bytes_)


def begin(city: City, folder: Path) -> None:
    """Start the hosts in a city where something is wrong from the start.

    What has waited is written as if by others, since nothing but an hour makes it an hour old.
    """
    city.write(outbound(1)._replace(topic=topics.FLOOD), timedelta(hours=2))
    city.write(Outbound(topics.TICKET_MASKED, b"k", b"{}", [], "210100"), timedelta(hours=1))
    city.write(a_mail())
    city.write(outbound(8))  # screen finds a message, and no position
    city.acknowledge("hotline-assign", topics.MESSAGE, 1)  # as if its decision had been lost
    city.write(a_mail_that_nobody_has())
    spoil(city, folder / "journal")
    city.hosts.stages(folder / "journal")
    city.hosts.cut_off()
    city.hosts.monitor()
    city.hosts.accounts()


def worsen(city: City) -> None:
    """Let happen what Prometheus only sees when it has looked before."""
    city.scraped("hotline_streams_handover_seconds_count")
    at = datetime.now(UTC) - timedelta(seconds=20)
    city.write(outbound(2, FIRE, time=at, recorded=at))
    city.write(outbound(7, UNHEARD, time=at, recorded=at))
    city.scraped("hotline_streams_decided_again_total")
    city.write(a_message(3, FAULT))
    city.write(a_command_without_a_signature())
    city.write(Outbound(topics.MESSAGE, b"k", b"{}", [("ce_type", b"of somebody else")], "210100"))
    city.scraped(f'hotline_connectors_push_requests_total{{instance="127.0.0.1:{city.hosts.ports["cut off"]}"}}')
    city.open("cut off")
    while city.post("cut off") == 200:
        pass
    city.post("cut off", "a secret of yesterday")
    city.scraped('hotline_connectors_push_refused_total{reason="path"}')
    for _ in range(80):
        assert city.post("cut off", "a secret of yesterday") in (401, 403, 404)
    city.open("stages")
    assert city.post("stages") == 200
    unheard = (
        f'hotline_connectors_push_unheard_total{{instance="127.0.0.1:{city.hosts.ports["stages"]}",reason="size"}}'
    )
    city.scraped(unheard)

    def is_refused() -> bool:
        with suppress(urllib3.exceptions.HTTPError):  # it may be hung up on while it still sends, or before
            assert city.post("stages", beside=" " * (1 << 20)) == 413
        return city.peer.value(f"{unheard} > 0") is not None

    city.until(is_refused, "a push that is too large")
    city.scraped("hotline_connectors_weibo_gaps_total")
    city.scraped("hotline_connectors_errands_total")
    city.scraped("hotline_connectors_asterisk_events_total")
    city.scraped("hotline_connectors_mails_vanished_total")
    city.hosts.tell("accounts")


def mend_and_break(city: City) -> None:
    """Start the stage that was missing; it finds a hundred messages that nobody can read."""
    for number in range(101):
        city.write(outbound(1000 + number, value=b"\xff no json", sender=f"s{number}"))
    city.hosts.normalize()


async def fence(city: City, connection: KafkaConnection) -> None:
    """Take a partition from assign as a second worker does, and let the first go on."""
    producer = make_producer(connection, transactional_id="hotline-assign-0")
    await producer.start()
    await producer.stop()
    city.write(a_message(4))


async def test_every_alarm_rings_for_what_it_tells_of_and_nothing_else(
    city: City, fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    begin(city, tmp_path)
    worsen(city)
    city.rings(TROUBLED)
    assert rung(city.peer).keys() <= TROUBLED.keys() | {"MonitorBlind"}  # as it does not see the archive
    mend_and_break(city)
    city.rings({"DeadLetters": {"normalize"}, "FloodWaits": set(), "StageWithoutWorker": {"sink:elastic", "eraser"}})
    await fence(city, fresh_topics)
    city.rings({"WorkerFenced": {""}})
    city.hosts.kill("monitor")
    city.rings({"MonitorBlind": {""}, "ProcessAway": {"gone", "monitor"}})
    elsewhere = {
        "ScreenPositionUnknown",  # tests/streams/test_lost_positions_live.py: this Kafka answers
        "AnnotatorFails",  # tests/streams/test_set_aside.py: no annotator fails here
        "ErasureHeld",  # tests/sinks/test_eraser.py: nobody here has a later version
        "ArchiveLacks",  # tests/sinks/test_presence.py: this city has no archive at all
        "TicketsOverdue",  # tests/alerts/test_held_up.py: the same
        "RecordsLost",  # tests/streams/test_lost_ends_live.py: that Kafka is its own
        "TransactionHangs",  # tests/alerts/test_held_up.py: a topic that nobody here reads
        "PartitionQuarantined",  # tests/assign/test_quarantine_live.py: a log with a hole
    }
    assert TROUBLED.keys() | {"DeadLetters", "WorkerFenced", "MonitorBlind"} | elsewhere == ALARMS.keys()
