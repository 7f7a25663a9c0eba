"""Which paths of the receiver lead to which account."""

import pytest

from hotline.config.load import load
from hotline.runtime.components import component, pushed
from schemas.errors import MisconfiguredError

OWN = "HOTLINE_CONNECTORS__SMS_HTTP__"


def test_a_path_of_its_own_goes_before_one_that_ends_in_a_secret(env: pytest.MonkeyPatch) -> None:
    """The receiver calls the first that fits, and any word fits where a secret stands."""
    accounts = {
        "CLOUD": {"PROVIDER": "aliyun", "PATH": "/sms", "PATH_SECRETS": "k3Jq0fXb81LmZt7P", "ALLOWED_ADDRESSES": "::1"},
        "ABROAD": {
            "PROVIDER": "twilio",
            "PATH": "/sms/abroad",
            "AUTH_TOKENS": "planted",
            "PUBLIC_URL": "https://12345.example/sms/abroad",
        },
    }
    for name, values in accounts.items():
        for key, value in values.items():
            env.setenv(f"{OWN}{name}__{key}", value)
    routes, limits = pushed(load())
    assert list(routes) == ["/sms/abroad", "/sms/{secret}"]
    assert limits["/sms/{secret}"] == 1 << 20


@pytest.mark.parametrize("other", ["WECHAT__SECOND", "WEB__DOOR"])
def test_the_receiver_does_not_start_with_two_accounts_at_one_path(env: pytest.MonkeyPatch, other: str) -> None:
    for account in ("WECHAT__FIRST", other):
        env.setenv(f"HOTLINE_CONNECTORS__{account}__PATH", "/same")
        if account.startswith("WECHAT"):
            for key, value in {"APPID": account, "TOKENS": "token", "MODES": "plain"}.items():
                env.setenv(f"HOTLINE_CONNECTORS__{account}__{key}", value)
    both = f"`connectors.wechat.first` and `connectors.{other.lower().replace('__', '.')}`"
    with pytest.raises(MisconfiguredError, match=f"the path /same, {both}: give each a `path` of its own"):
        component(load(), "receiver")
