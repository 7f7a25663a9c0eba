"""Which paths of the receiver lead to which account."""

import os
from pathlib import Path

import pytest

from hotline.config import load
from hotline.wiring import pushed

OWN = "HOTLINE_CONNECTORS__SMS_HTTP__"


def test_a_path_of_its_own_goes_before_one_that_ends_in_a_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The receiver calls the first that fits, and any word fits where a secret stands."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HOTLINE_")]:
        monkeypatch.delenv(name)
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
            monkeypatch.setenv(f"{OWN}{name}__{key}", value)
    routes, limits = pushed(load())
    assert list(routes) == ["/sms/abroad", "/sms/{secret}"]
    assert limits["/sms/{secret}"] == 1 << 20
