"""What every push connector must do, whoever knocks."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.base import PushConnector, Recognising, Request
from connectors.registry import PUSH
from schemas.errors import RefusedRequest
from tests.connectors.mapped_webhook import senders
from tests.connectors.phone import posts
from tests.connectors.sms_http import gateways
from tests.connectors.wechat import callbacks as platform
from tests.connectors.wechat import test_corporate as office
from tests.connectors.weibo import pushes


@dataclass(frozen=True)
class Scenario:
    """A connector, a request with one citizen's message, and what a stranger makes of it."""

    connector: Callable[[], PushConnector]
    healthy: Callable[[], Request]
    value: bytes
    forged: dict[str, Callable[[], Request]]


def _wechat() -> Scenario:
    text = platform.text()

    def without(name: str) -> Callable[[], Request]:
        healthy = platform.push(text)
        return lambda: replace(healthy, query={key: healthy.query[key] for key in healthy.query if key != name})

    forged: dict[str, Callable[[], Request]] = {
        "another token": lambda: platform.push(text, token="stranger"),
        "another key": lambda: platform.push(text, aes_key="x" * 43),
        "another account": lambda: platform.push(text, appid="wx0000000000000000"),
        "an hour ago": lambda: platform.push(text, timestamp=str(int(platform.STAMP) - 3600)),
        "no signature": without("signature"),
        "nothing at all": lambda: platform.request({}),
    }
    return Scenario(platform.account, lambda: platform.push(text), text.encode(), forged)


def _wecom() -> Scenario:
    return Scenario(office.company, lambda: office.push(office.TEXT), office.TEXT.encode(), office.FORGED)


def _sms_http() -> Scenario:
    forged: dict[str, Callable[[], Request]] = {
        "another token": lambda: gateways.twilio(token="stranger"),
        "another address": lambda: gateways.twilio(url="https://other.example/sms"),
        "a different body": lambda: replace(gateways.twilio(), body=b"MessageSid=SM1"),
        "no signature": lambda: replace(gateways.twilio(), headers={}),
    }
    return Scenario(gateways.account, gateways.twilio, gateways.twilio().body, forged)


def _weibo() -> Scenario:
    text = pushes.text()
    forged: dict[str, Callable[[], Request]] = {
        "another secret": lambda: pushes.push(text, secret="stranger-secret"),
        "an hour ago": lambda: pushes.push(text, timestamp=str(int(pushes.STAMP) - 3600)),
        "nothing at all": lambda: pushes.request({}),
    }
    return Scenario(pushes.account, lambda: pushes.push(text), text.encode(), forged)


def _phone() -> Scenario:
    healthy = posts.signed(posts.RECORD)
    forged: dict[str, Callable[[], Request]] = {
        "another secret": lambda: posts.signed(posts.RECORD, secret="s" * 32),
        "a different body": lambda: replace(healthy, body=healthy.body + b" "),
        "an hour ago": lambda: posts.signed(posts.RECORD, at=posts.NOW.timestamp() - 3600),
        "no signature": lambda: replace(healthy, headers={}),
        "not a POST": lambda: replace(healthy, method="GET"),
    }
    return Scenario(posts.account, lambda: posts.signed(posts.RECORD), posts.RECORD, forged)


def _sms_webhook() -> Scenario:
    forged: dict[str, Callable[[], Request]] = {
        "another secret": lambda: senders.posted_sms(secret="x" * 16),
        "not a POST": lambda: replace(senders.posted_sms(), method="GET"),
    }
    return Scenario(senders.sms, senders.posted_sms, senders.SMS, forged)


def _phone_webhook() -> Scenario:
    forged: dict[str, Callable[[], Request]] = {
        "another token": lambda: senders.posted_call(token="x" * 16),
        "no token": lambda: replace(senders.posted_call(), headers={}),
    }
    return Scenario(senders.phone, senders.posted_call, senders.CALL, forged)


def _app_webhook() -> Scenario:
    forged: dict[str, Callable[[], Request]] = {
        "another key": lambda: senders.signed(key="stranger"),
        "a different body": lambda: replace(senders.signed(), body=senders.APP + b" "),
        "an hour ago": lambda: senders.signed(stamp=str(int(senders.STAMP) - 3600)),
        "no signature": lambda: replace(senders.signed(), headers={}),
    }
    return Scenario(senders.app, senders.signed, senders.APP, forged)


SCENARIOS = {
    "app_webhook": _app_webhook(),
    "phone": _phone(),
    "phone_webhook": _phone_webhook(),
    "sms_http": _sms_http(),
    "sms_webhook": _sms_webhook(),
    "wechat": _wechat(),
    "wecom": _wecom(),
    "weibo": _weibo(),
}

scenarios = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


def test_every_push_connector_has_a_scenario() -> None:
    assert SCENARIOS.keys() == PUSH.keys()


@scenarios
def test_a_request_gives_the_bytes_as_they_came(scenario: Scenario) -> None:
    (message,) = scenario.connector().accept(scenario.healthy()).messages
    assert message.value == scenario.value
    assert message.channel == scenario.connector().channel
    assert message.jurisdiction


@scenarios
def test_a_repeat_is_accepted_and_gives_the_same_name(scenario: Scenario) -> None:
    connector, request = scenario.connector(), scenario.healthy()
    first, again = connector.accept(request), connector.accept(request)
    assert first.answer == again.answer
    assert [each.message_id for each in first.messages] == [each.message_id for each in again.messages]


@scenarios
def test_two_replicas_give_the_same_names_and_conversations(scenario: Scenario) -> None:
    (one,) = scenario.connector().accept(scenario.healthy()).messages
    (other,) = scenario.connector().accept(scenario.healthy()).messages
    assert (one.message_id, one.conversation) == (other.message_id, other.conversation)


@scenarios
def test_what_is_forged_is_refused_and_says_nothing(scenario: Scenario) -> None:
    for name, request in scenario.forged.items():
        with pytest.raises(RefusedRequest) as caught:
            scenario.connector().accept(request())
        assert 400 <= caught.value.status < 500, name
        assert caught.value.reason != "other", name


@scenarios
def test_a_refusal_does_not_quote_the_citizen(scenario: Scenario) -> None:
    for request in scenario.forged.values():
        with pytest.raises(RefusedRequest) as caught:
            scenario.connector().accept(request())
        sent = request()
        told = str(caught.value)
        assert not any(value and value in told for values in sent.query.values() for value in values)


@scenarios
@given(data=st.data())
def test_only_refusals_leave_a_connector(scenario: Scenario, data: st.DataObject) -> None:
    healthy = scenario.healthy()
    values = st.lists(st.text(max_size=20), max_size=3).map(tuple)
    changes = data.draw(st.dictionaries(st.sampled_from([*healthy.query, "echostr", "x"]), values, max_size=3))
    body = data.draw(st.one_of(st.just(healthy.body), st.binary(max_size=200)))
    method = data.draw(st.sampled_from(["GET", "POST", "HEAD"]))
    request = replace(healthy, method=method, query={**healthy.query, **changes}, body=body)
    with suppress(RefusedRequest):
        scenario.connector().accept(request)
        recognised(scenario.connector(), request)  # what is taken is not refused before its body


def recognised(connector: PushConnector, request: Request) -> None:
    """Let a connector judge a request without its body, where it can."""
    try:
        if isinstance(connector, Recognising):
            connector.recognise(replace(request, body=b""))
    except RefusedRequest as refusal:
        raise AssertionError("refused before the body, and taken with it") from refusal


@scenarios
def test_a_request_is_recognised_before_its_body_comes_and_nothing_is_kept_of_that(scenario: Scenario) -> None:
    connector, healthy = scenario.connector(), scenario.healthy()
    recognised(connector, healthy)
    assert connector.accept(healthy).messages
    recognised(connector, healthy)
