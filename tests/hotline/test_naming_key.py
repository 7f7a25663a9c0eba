"""Accounts whose messages are named by their words and sender alone get a key that the names are made with."""

import pytest

from connectors.mailbox.settings import MailboxSettings
from connectors.registry import Entry
from connectors.sms_smpp.settings import SmppSettings
from hotline.config.settings import Settings
from hotline.runtime.components import pushed
from hotline.runtime.components_connectors import fetched, with_shared
from schemas.errors import MisconfiguredError
from schemas.tracing import OFF

QUERY_KEY = "q" * 16
ELSEWHERE = {"bootstrap_servers": "kafka.invalid:9092"}
"""No local stack, where a key of the demo, or none, is as good as any."""


def smpp(**more: str) -> SmppSettings:
    return SmppSettings(host="smsc", private_line=True, system_id="hotline", password="secret", **more)


def key_of(settings: Settings, account: SmppSettings) -> str | None:
    key = with_shared(settings, account).naming_key
    return key and key.get_secret_value()


def test_it_is_made_of_the_key_of_the_query_codes_and_tells_nothing_of_it() -> None:
    keys = [key_of(Settings(query_key=key), smpp()) for key in (QUERY_KEY, QUERY_KEY, "r" * 16)]
    assert keys[0] == keys[1] != keys[2]
    assert len(keys[0]) == 64
    assert QUERY_KEY not in keys[0]


def test_one_of_its_own_stays_and_without_any_names_are_as_they_were() -> None:
    assert key_of(Settings(query_key=QUERY_KEY), smpp(naming_key="n" * 16)) == "n" * 16
    assert key_of(Settings(), smpp()) is None


def test_an_account_that_takes_none_is_left_as_it_is() -> None:
    account = MailboxSettings(host="imap", username="x", password="y")
    assert with_shared(Settings(query_key=QUERY_KEY), account) is account


def test_outside_of_the_local_stack_no_account_is_named_without_a_key() -> None:
    with pytest.raises(MisconfiguredError, match="set HOTLINE_QUERY_KEY"):
        with_shared(Settings(kafka=ELSEWHERE), smpp())
    with pytest.raises(MisconfiguredError, match="HOTLINE_QUERY_KEY is too short"):
        with_shared(Settings(kafka=ELSEWHERE, query_key="short"), smpp())
    assert key_of(Settings(kafka=ELSEWHERE), smpp(naming_key="n" * 16)) == "n" * 16
    mailbox = MailboxSettings(host="imap", username="x", password="y")
    assert with_shared(Settings(kafka=ELSEWHERE), mailbox) is mailbox


def test_whoever_takes_short_messages_or_pushes_of_weibo_does_not_start_without_it() -> None:
    gateway = {"provider": "twilio", "path": "/sms", "public_url": "https://a.example/sms", "auth_tokens": ["t" * 32]}
    with pytest.raises(MisconfiguredError, match="set HOTLINE_QUERY_KEY"):
        pushed(Settings(kafka=ELSEWHERE, connectors={"sms_http": {"abroad": gateway}}))
    with pytest.raises(MisconfiguredError, match="set HOTLINE_QUERY_KEY"):
        pushed(Settings(kafka=ELSEWHERE, connectors={"weibo": {"fans": {"app_secrets": ["s" * 16]}}}))
    settings = Settings(kafka=ELSEWHERE, connectors={"sms_smpp": {"centre": smpp().model_dump()}})
    with pytest.raises(MisconfiguredError, match="set HOTLINE_QUERY_KEY"):
        fetched(settings, "connector:centre", "centre", OFF)


@pytest.mark.parametrize("shape", ["PULL", "SESSION"])
def test_whoever_is_fetched_from_is_given_one(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[SmppSettings] = []

    class Line:
        channel = "sms"

        def __init__(self, account: SmppSettings, _: str) -> None:
            made.append(account)

    monkeypatch.setattr("connectors.sms_smpp.connector.SmsSmpp", Line)
    entry = Entry("sms", "Lines", SmppSettings, "connectors.sms_smpp.connector:SmsSmpp")
    for name in ("PULL", "SESSION"):
        monkeypatch.setattr(f"connectors.registry.{name}", {"sms_smpp": entry} if name == shape else {})
    settings = Settings(kafka=ELSEWHERE, query_key=QUERY_KEY, connectors={"sms_smpp": {"line": smpp()}})
    fetched(settings, "connector:line", "line", OFF)
    assert made[0].naming_key is not None
