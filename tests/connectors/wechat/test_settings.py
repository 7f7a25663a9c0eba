"""Settings of an account that cannot work are refused at the start, and say what to do."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.wechat.settings import WeChatSettings
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN
from tests.rows import each_row

GOOD: dict[str, Any] = {"appid": APPID, "tokens": [TOKEN], "aes_keys": [AES_KEY]}


def test_safe_mode_alone_is_the_default() -> None:
    assert WeChatSettings(**GOOD).modes == {"safe"}


def test_plain_mode_needs_no_key() -> None:
    assert WeChatSettings(**GOOD | {"aes_keys": [], "modes": ["plain"]}).aes_keys == ()


@each_row(
    ("change", "says"),
    [
        ({"aes_keys": []}, "aes_keys is missing"),
        ({"aes_keys": ["short"]}, "43 letters and digits"),
        ({"aes_keys": ["!" * 43]}, "43 letters and digits"),
        ({"tokens": []}, "tokens"),
        ({"tokens": [""]}, "tokens"),
        ({"modes": []}, "modes"),
        ({"modes": ["none"]}, "modes"),
        ({"jurisdiction": "1"}, "jurisdiction"),
        ({"path": "wechat"}, "path"),
        ({"account": "city"}, "account"),
    ],
)
def test_what_cannot_work_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        WeChatSettings(**GOOD | change)


def test_secrets_are_not_printed() -> None:
    printed = repr(WeChatSettings(**GOOD))
    assert TOKEN not in printed
    assert AES_KEY not in printed


def test_a_refused_key_is_not_printed() -> None:
    with pytest.raises(ValidationError) as caught:
        WeChatSettings(**GOOD | {"aes_keys": ["secret-but-short"]})
    assert "secret-but-short" not in str(caught.value)
