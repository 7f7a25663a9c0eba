"""The webhook of call platforms: who may post, when, and what each answer makes the platform do."""

import hashlib
import hmac
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from connectors.phone.connector import Phone
from connectors.phone.settings import PhoneSettings
from schemas.errors import MisconfiguredError
from tests.connectors.phone.posts import NOW, RECORD, SECRET, account, post, signed
from tests.connectors.pushed import refusal
from tests.rows import each_row

KAMAILIO = (
    b'{"event":"end","call_id":"1-1@x","caller":"13800138000","callee":"12345","start":1795571559,"time":1795571561}'
)


def test_the_signature_is_what_the_documentation_says() -> None:
    stamp = str(int(NOW.timestamp()))
    digest = hmac.new(SECRET.encode(), b"v1\n" + stamp.encode() + b"\n" + RECORD, hashlib.sha256).hexdigest()
    request = post(RECORD, {"hotline-timestamp": stamp, "hotline-signature": f"v1={digest}"})
    assert account().accept(request).answer.status == 200


def test_a_record_keeps_its_bytes_and_is_named_by_call_revision_and_digest() -> None:
    (message,) = account().accept(signed(RECORD)).messages
    digest = hashlib.sha256(RECORD).hexdigest()[:16]
    assert message.value == RECORD
    assert message.envelope.id == f"20261125-0001:2:{digest}"
    assert message.envelope.time.isoformat() == "2026-11-25T01:00:00+00:00"
    assert (message.envelope.sender, message.conversation) == ("13800138000", "cti\n20261125-0001")
    assert message.envelope.datacontenttype == 'application/json; shape=call; platform=cti; zone="Asia/Shanghai"'


def test_two_records_of_one_revision_are_two_and_a_repeat_is_one() -> None:
    other = RECORD.replace(b"12\xe5\x8f\xb7", b"13\xe5\x8f\xb7")
    names = [account().accept(signed(one)).messages[0].message_id for one in (RECORD, RECORD, other)]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("body", [RECORD.replace(b"20261125-0001", b"20261125-13800138000"), b"13800138000 said"])
def test_whoever_knows_the_words_and_tries_all_telephones_does_not_find_the_name(body: bytes) -> None:
    names = {
        account(naming_key=key).accept(signed(body)).messages[0].envelope.id
        for key in (None, "k" * 16, "l" * 16, "k" * 16)
    }
    assert len(names) == 3


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_record_that_is_played_again_later_is_refused(seconds: int) -> None:
    assert refusal(account(), signed(RECORD, at=NOW.timestamp() + seconds)) == (401, "timestamp")


@each_row("stamp", ["", "soon", "1e9", "-1", "١٢٣", "9" * 40])
def test_a_timestamp_that_is_none_is_refused_though_signed(stamp: str) -> None:
    from connectors.http.signature import sign

    headers = {"hotline-timestamp": stamp, "hotline-signature": sign(SECRET.encode(), stamp, RECORD)}
    assert refusal(account(), post(RECORD, headers)) == (401, "timestamp")


def test_a_wrong_signature_is_refused_and_a_changed_body_is() -> None:
    assert refusal(account(), signed(RECORD, secret="x" * 32)) == (401, "signature")
    assert refusal(account(), replace(signed(RECORD), body=RECORD + b" ")) == (401, "signature")
    assert refusal(account(), replace(signed(RECORD), method="GET")) == (405, "method")


def test_the_old_and_the_new_secret_both_count_while_they_change() -> None:
    both = account(secrets=[SECRET, "n" * 32])
    for secret in (SECRET, "n" * 32):
        assert both.accept(signed(RECORD, secret=secret)).answer.status == 200
    assert refusal(account(secrets=["n" * 32]), signed(RECORD)) == (401, "signature")


@each_row("body", [b"", b"[]", b'{"note": "x"}', b"\xff"])
def test_what_is_signed_but_no_record_is_kept_and_not_asked_for_again(body: bytes) -> None:
    accepted = account().accept(signed(body))
    (message,) = accepted.messages
    assert accepted.answer.status == 422
    assert message.value == body
    assert message.envelope.id == hashlib.sha256(body).hexdigest()


def test_what_cannot_sign_shows_its_secret_instead() -> None:
    connector = account(auth="bearer", shape="kamailio", platform="sip")
    (message,) = connector.accept(post(KAMAILIO, {"authorization": f"Bearer {SECRET}"})).messages
    assert message.conversation == "sip\n1-1@x"
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": SECRET[:-1]}):
        assert refusal(connector, post(KAMAILIO, headers)) == (401, "token")


def test_a_clock_in_the_future_is_not_the_time_of_the_call() -> None:
    (message,) = account().accept(signed(RECORD.replace(b"2026-11-25", b"2036-11-25"))).messages
    assert message.envelope.time == NOW


def test_a_very_long_call_id_is_named_by_its_digest() -> None:
    (message,) = account().accept(signed(RECORD.replace(b"20261125-0001", b"9" * 300))).messages
    assert len(message.envelope.id) < 100


def test_settings_that_cannot_work_say_so() -> None:
    with pytest.raises(MisconfiguredError, match="jurisdiction"):
        account(jurisdiction=None)
    for changes in ({"secrets": ["short"]}, {"secrets": []}, {"shape": "kamailio"}):
        with pytest.raises(ValidationError) as caught:
            PhoneSettings(**{"secrets": [SECRET], "jurisdiction": "210100"} | changes)
        assert SECRET not in str(caught.value)


def test_a_call_is_as_old_as_the_first_record_of_it() -> None:
    at = [NOW]
    connector = Phone(PhoneSettings(secrets=[SECRET], jurisdiction="210100"), "cti", now=lambda: at[0])
    bounds = []
    for body in (RECORD, RECORD.replace(b"-0001", b"-0002"), RECORD.replace(b'"revision": 2', b'"revision": 3')):
        (message,) = connector.accept(signed(body, at=at[0].timestamp())).messages
        bounds.append(message.envelope.notbefore)
        at[0] += timedelta(days=2)
    assert bounds == [NOW, NOW + timedelta(days=2), NOW]


def test_of_very_many_calls_the_latest_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.phone.message_id.CALLS_MOST", 2)
    at = [NOW]
    connector = Phone(PhoneSettings(secrets=[SECRET], jurisdiction="210100"), "cti", now=lambda: at[0])

    def bound(call: bytes) -> datetime | None:
        (message,) = connector.accept(signed(RECORD.replace(b"-0001", call), at=at[0].timestamp())).messages
        return message.envelope.notbefore

    assert [bound(call) for call in (b"-1", b"-2", b"-1", b"-3")] == [NOW] * 4
    at[0] += timedelta(hours=1)
    assert [bound(call) for call in (b"-1", b"-2")] == [NOW, at[0]]
