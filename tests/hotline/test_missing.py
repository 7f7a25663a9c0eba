"""A worker whose topics are not there, or that Kafka does not let in, says so itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import structlog

from broker.config import KafkaConnection
from broker.lease import GroupLease
from broker.sync_client import reader
from broker.sync_producer import Producer
from connectors.runtime.cursor_store import Cursors
from hotline.admin.cluster import admin
from hotline.config.load import load
from hotline.runtime import required_topics as missing
from hotline.runtime.acls import Need
from schemas import topics
from schemas.codec import Outbound
from schemas.errors import LoginRefusedError
from tests.peers.secured_kafka import SecuredKafka

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.long]

NOWHERE = Need(kind="topic", name="hotline.nowhere.v1", operation="Read")


def told(names: list[str]) -> list[tuple[str, list[str]]]:
    with structlog.testing.capture_logs() as lines:
        missing.tell(load(), names)
    return [(line["event"], line["topics"]) for line in lines]


def test_topics_that_are_missing_or_hidden_are_told(secured: SecuredKafka, env: pytest.MonkeyPatch) -> None:
    for name, value in secured.settings("hotline-screen").items():
        env.setenv(name, value)
    assert told(["screen"]) == []
    ((event, topics),) = told(["eraser"])
    assert event == "topics_hidden"
    assert "hotline.event.v1" in topics
    env.setattr(missing, "needs", lambda *_: [NOWHERE])
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", secured.address("open"))
    env.setenv("HOTLINE_KAFKA__SECURITY_PROTOCOL", "PLAINTEXT")
    env.delenv("HOTLINE_KAFKA__SASL_MECHANISM")
    assert told(["screen"]) == [("topics_missing", ["hotline.nowhere.v1"])]


def test_a_worker_whose_password_is_refused_says_so_last_and_waits_for_a_person(
    secured: SecuredKafka, env: pytest.MonkeyPatch
) -> None:
    """Its client only says that it got no connection."""
    for name, value in secured.settings("hotline-screen").items():
        env.setenv(name, value)
    env.setenv("HOTLINE_KAFKA__SASL_PASSWORD", "planted-wrong")
    env.setenv("HOTLINE_TELEMETRY__PORT", "0")
    env.setenv("HOTLINE_REQUESTER_KEYS__K1", "a key of sixteen bytes")
    env.setenv("HOTLINE_QUERY_KEY", "another of sixteen bytes")
    done = subprocess.run(
        [sys.executable, "-m", "hotline", "run", "screen"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 2
    assert "refuses the login of hotline-screen: correct `kafka.sasl_username`" in done.stderr.splitlines()[-1]
    assert "planted-wrong" not in done.stderr


def _lease(connection: KafkaConnection) -> None:
    lease = GroupLease(connection, "calls")
    try:
        while not lease.ask(lambda: None):
            pass
    finally:
        lease.close()


def _producer(connection: KafkaConnection) -> None:
    producer = Producer(connection)
    try:
        producer.deliver_now([Outbound(topics.CURSOR, b"", b"", [])])
    finally:
        producer.close()


def _reader(connection: KafkaConnection) -> None:
    with reader(connection):
        pass


def _admin(connection: KafkaConnection) -> None:
    with admin(connection):
        pass


@pytest.mark.parametrize(
    "use", [_lease, _producer, _reader, _admin, lambda connection: Cursors(connection, "calls").load()]
)
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sasl_password": "planted-wrong"}, "refuses our login (SaslAuthenticationFailedError): check"),
        (
            {"sasl_mechanism": "PLAIN"},
            "refuses our login (UnsupportedSaslMechanismError): check `kafka.sasl_mechanism`",
        ),
    ],
)
def test_every_client_says_that_its_login_is_refused(
    secured: SecuredKafka, use: Callable[[KafkaConnection], None], wrong: dict[str, str], told: str
) -> None:
    """The library only says that it found no broker in time."""
    connection = msgspec.structs.replace(secured.connection("hotline-connector"), **wrong)
    with pytest.raises(LoginRefusedError) as caught:
        use(connection)
    assert told in str(caught.value)
    assert "planted-wrong" not in str(caught.value)


def test_a_connector_whose_password_is_refused_says_so(
    secured: SecuredKafka, env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in secured.settings("hotline-connector").items():
        env.setenv(name, value)
    env.setenv("HOTLINE_KAFKA__SASL_PASSWORD", "planted-wrong")
    env.setenv("HOTLINE_TELEMETRY__PORT", "0")
    env.setenv("HOTLINE_QUERY_KEY", "a key of the tests")
    env.setenv("HOTLINE_CONNECTORS__CALL_FILES__CALLS__FOLDER", str(tmp_path))
    command = [sys.executable, "-m", "hotline", "run", "connector:calls"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr
            said = next(line for line in running.stderr if "connector_degraded" in line)
        finally:
            running.kill()
    assert "Kafka refuses our login (SaslAuthenticationFailedError)" in said
    assert "planted-wrong" not in said
