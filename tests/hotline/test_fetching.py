"""The fetcher is run where an account has a secret, and asks for exactly these accounts."""

import threading
from pathlib import Path

import pytest

from broker.sync_producer import Producer
from connectors.wechat.media_jobs import CustomerErrand
from hotline.config import clients
from hotline.config.load import load
from hotline.runtime import components, components_media
from schemas.errors import UnauthorizedError
from tests.connectors.wechat.test_errands import EVENT, raw
from tests.connectors.wechat.vectors import WECOM_AES_KEY

CITY, SERVICE = "HOTLINE_CONNECTORS__WECHAT__CITY__", "HOTLINE_CONNECTORS__WECOM__SERVICE__"


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    env = monkeypatch
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    for own, identifier in ((CITY, "APPID"), (SERVICE, "CORPID")):
        for name, value in ((identifier, "x1"), ("TOKENS", '["token"]'), ("AES_KEYS", f'["{WECOM_AES_KEY}"]')):
            env.setenv(own + name, value)
    return env


def test_without_a_secret_nothing_is_fetched(accounts: pytest.MonkeyPatch) -> None:
    for name in ("CORPID", "TOKENS", "AES_KEYS"):
        accounts.delenv(SERVICE + name)
    assert "fetcher" not in components.names(load())
    assert "receiver" in components.names(load())


@pytest.mark.parametrize("own", [CITY, SERVICE])
def test_with_one_it_is(accounts: pytest.MonkeyPatch, own: str) -> None:
    accounts.setenv(own + "SECRET", "s")
    assert "fetcher" in components.names(load())


def test_a_company_without_one_is_told_when_customers_write_to_it(accounts: pytest.MonkeyPatch) -> None:
    settings = load()
    assert "fetcher" in components.names(settings)
    plan = components_media.plan(settings, Producer(clients.kafka(settings)), threading.Event())
    event = raw(EVENT.encode(), "text/xml", account="service")
    (errand,) = plan(event)
    with pytest.raises(UnauthorizedError):
        errand.run(lambda _: None, last=False)
    accounts.setenv(SERVICE + "SECRET", "s")
    (errand,) = components_media.plan(load(), Producer(clients.kafka(settings)), threading.Event())(event)
    assert isinstance(errand, CustomerErrand)


def test_only_accounts_with_a_secret_are_asked(accounts: pytest.MonkeyPatch) -> None:
    accounts.setenv(SERVICE + "SECRET", "s")
    accounts.setenv(SERVICE + "OPEN_KFIDS", "wk1,wk2")
    settings = load()
    (only,) = components_media.accounts(settings, Producer(clients.kafka(settings)), threading.Event())
    name, account = only
    assert (name, account.open_kfids, account.customers is not None) == ("service", ("wk1", "wk2"), True)


def test_the_component_is_made_and_says_how_it_does(accounts: pytest.MonkeyPatch) -> None:
    accounts.setenv(CITY + "SECRET", "s")
    component = components.component(load(), "fetcher")
    assert component.probe is not None
    assert component.probe()["state"] == "starting"
