"""The doctor at the platform's API: each fault is one sentence, and tells no secret."""

from collections.abc import Iterator

import pytest

from hotline.config.load import load
from hotline.dev.demo.wechat_api import WeChatApi
from hotline.doctor.accounts import wechat
from hotline.doctor.findings import Finding, findings
from hotline.runtime.components_media import apis
from tests.connectors.wechat.test_api import answering
from tests.connectors.wechat.vectors import WECOM_AES_KEY

pytestmark = pytest.mark.integration


@pytest.fixture
def platform(env: pytest.MonkeyPatch) -> Iterator[WeChatApi]:
    with WeChatApi().running() as running:
        for own, identifier in (("WECHAT__CITY__", "APPID"), ("WECOM__SERVICE__", "CORPID")):
            settings = {identifier: "x1", "TOKENS": '["token"]', "AES_KEYS": f'["{WECOM_AES_KEY}"]'}
            for name, value in (settings | {"SECRET": "planted-secret", "API_URL": running.url}).items():
                env.setenv(f"HOTLINE_CONNECTORS__{own}{name}", value)
        yield running


def found() -> list[Finding]:
    return [
        one
        for section, name, api in apis(load())
        for one in findings(f"{section} {name}", lambda api=api, name=name, section=section: wechat(api, name, section))  # type: ignore[misc] # bound early
    ]


def test_accounts_whose_secrets_are_right(platform: WeChatApi) -> None:
    assert [(one.name, one.outcome, one.detail) for one in found()] == [
        ("wechat city", "ok", "the platform issues a token"),
        ("wecom service", "ok", "the platform issues a token"),
    ]


@pytest.mark.parametrize(("errcode", "word"), [(40164, "IP白名单"), (40125, "AppSecret"), (40243, "errcode 40243")])
def test_a_refusal_is_told(platform: WeChatApi, errcode: int, word: str) -> None:
    platform.fault = answering(f'{{"errcode":{errcode},"errmsg":"planted"}}'.encode(), only="stable_token")
    first, second = found()
    assert (first.outcome, second.outcome) == ("mend", "ok")
    assert word in first.detail
    assert "planted" not in first.detail
