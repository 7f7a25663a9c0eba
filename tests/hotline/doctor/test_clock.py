"""A clock that is minutes off is told by every real service that tells its own."""

import time

import pytest

from hotline.config.load import load
from hotline.doctor.clock import CLOCKS, clock
from hotline.doctor.findings import Finding, findings
from tests.peers.secured_kafka import SecuredKafka

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


def found(ahead: float = 0.0) -> list[Finding]:
    return list(findings("clock", lambda: clock(load(), CLOCKS, lambda: time.time() + ahead)))


def test_a_clock_that_agrees_says_with_whom(local: pytest.MonkeyPatch) -> None:
    assert [(one.outcome, one.detail) for one in found()] == [("ok", "agrees with Kafka and Elasticsearch")]


@pytest.mark.parametrize(("ahead", "words"), [(300.0, "s ahead of"), (-300.0, "s behind")])
def test_a_clock_that_is_minutes_off_is_told(local: pytest.MonkeyPatch, ahead: float, words: str) -> None:
    told = [one for one in found(ahead) if one.outcome == "mend"]
    assert [service for one in told for service in ("Kafka", "Elasticsearch") if service in one.detail] == [
        "Kafka",
        "Elasticsearch",
    ]
    for one in told:
        assert words in one.detail
        assert 297 <= float(one.detail.split(" is ")[1].split(" s ")[0]) <= 303


def test_kafka_tells_its_clock_to_those_who_may_see_the_cluster(
    secured: SecuredKafka, local: pytest.MonkeyPatch
) -> None:
    local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "http://127.0.0.1:9")
    for user, words in {
        "hotline-topics": "ahead of that of Kafka",
        "hotline-screen": "no service returns its time",
    }.items():
        for name, value in secured.settings(user).items():
            local.setenv(name, value)
        assert words in found(300.0)[0].detail
