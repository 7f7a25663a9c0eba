"""Accounts whose messages are named by their words and sender alone get a key that the names are made with."""

from connectors.mailbox import MailboxSettings
from connectors.sms_smpp.settings import SmppSettings
from hotline.settings import Settings
from hotline.wiring_accounts import with_naming_key

QUERY_KEY = "q" * 16


def smpp(**more: str) -> SmppSettings:
    return SmppSettings(host="smsc", private_line=True, system_id="hotline", password="secret", **more)


def key_of(settings: Settings, account: SmppSettings) -> str | None:
    key = with_naming_key(settings, account).naming_key
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
    assert with_naming_key(Settings(query_key=QUERY_KEY), account) is account
