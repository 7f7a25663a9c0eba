"""A worker whose topics are not there, or that Kafka does not let in, says so itself."""

import subprocess
import sys

import pytest
import structlog

from hotline import missing
from hotline.config import load
from hotline.needs import Need
from tests.peers.secured_kafka import SecuredKafka

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

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
