"""Every secret that there can be is planted, and looked for in all that a command, a fault or a log may tell."""

import base64
import json
import os
import pickle
import re
import traceback
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from broker.config import KafkaConnection
from hotline.cli.app import app
from hotline.config.errors import variable_of
from hotline.config.load import FaultySettingsError, load
from hotline.config.paths import CHOSEN, is_list, is_secret, kinds
from hotline.config.settings import Settings
from hotline.runtime.components import names
from tests.connectors.serving import free_port
from tests.forked import Forked
from tests.waiting import until

SECRETS = {path: kind for path, kind in kinds(Settings) if is_secret(kind)}
"""By the settings' own types: one that is new is planted with the others, or fails here for want of a value."""

CLOSED = "127.0.0.1:9"

AT_THE_RIM = ("connector", "receiver", "fetcher", "outbox", "sink")
"""Components that have secrets, or are asked for them."""

PULLING = ("mailbox", "weibo_pull", "asterisk", "sms_cmpp", "sms_smpp")

SIGNED = """
[signature]
algorithm = "hmac-sha256"
given = "header:x-signature"
signed = "{body}"
"""

SETTINGS = f"""
jurisdiction = "210100"
[rules]
folder = "rules"
[kafka]
bootstrap_servers = "{CLOSED}"
security_protocol = "SASL_PLAINTEXT"
sasl_mechanism = "PLAIN"
sasl_username = "u"
[elasticsearch]
hosts = ["https://{CLOSED}"]
[console]
public_url = "https://console.example"
[console.oidc]
issuer = "https://{CLOSED}"
client_id = "console"
[console.groups]
analysts = ["analyst"]
[connectors.mailbox.mailbox]
host = "127.0.0.1"
port = 9
username = "u"
[connectors.call_files.call_files]
folder = "calls"
[connectors.weibo_pull.weibo_pull]
[connectors.weibo.weibo]
[connectors.phone.phone]
[connectors.phone_webhook.phone_webhook]
profile = "cti"
path = "/cti"
[connectors.app_webhook.app_webhook]
profile = "government_app"
path = "/app"
[connectors.sms_webhook.sms_webhook]
profile = "qiniu_sms"
path = "/qiniu"
[connectors.sms_http.sms_http]
provider = "aliyun"
allowed_addresses = ["127.0.0.1"]
[connectors.sms_http.signing]
provider = "twilio"
path = "/twilio"
public_url = "https://12345.example/twilio"
[connectors.wechat.wechat]
appid = "wx1"
api_url = "http://{CLOSED}"
[connectors.wecom.wecom]
corpid = "ww1"
open_kfids = ["wk1"]
api_url = "http://{CLOSED}"
[connectors.asterisk.asterisk]
host = "127.0.0.1"
port = 9
username = "u"
[connectors.sms_cmpp.sms_cmpp]
host = "127.0.0.1"
port = 9
source = "900001"
[connectors.sms_smpp.sms_smpp]
host = "127.0.0.1"
port = 9
system_id = "u"
[connectors.web.web]
[backoffice.one]
system = "crm"
kinds = ["set_status"]
jurisdictions = ["210100"]
[command_keys.one]
kinds = ["set_status"]
jurisdictions = ["210100"]
systems = ["crm"]
[receiver]
trusted_proxies = ["127.0.0.1"]
[answers.mailbox.smtp]
host = "127.0.0.1"
port = 9
username = "u"
from_address = "mayor@example.cn"
[sinks.webhook.one]
url = "http://{CLOSED}/"
allow_private = true
"""


def value_of(path: tuple[str, ...], number: int) -> str:
    """A value that this setting takes and no other secret has; of a new one that it does not take, write it here."""
    word = f"plant{number:02}"
    if path[-1] == "aes_keys":
        return base64.b64encode(f"{word:.<32}".encode()).decode().rstrip("=")
    if path[-1] == "api_key":
        return base64.b64encode(f"id:{word}".encode()).decode()
    if path[:2] == ("sinks", "webhook") and path[-1] == "secrets":
        return f"whsec_{base64.b64encode(f'{word:.<33}'.encode()).decode()}"
    return word if path[-1] == "tokens" or path[1:2] + path[-1:] == ("sms_smpp", "password") else f"{word:x<32}"


def placed(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return a setting with the ids of the accounts above: one of a channel is named like it."""
    account = {"connectors": path[1], "answers": "mailbox"}.get(path[0], "one") if len(path) > 2 else "one"
    account = "signing" if path[-1] == "auth_tokens" else account
    return tuple(account if key == CHOSEN else key for key in path)


NAMED_SO = re.compile("password|secret|token|key|cookie|authorization")

PLANTED = {placed(path): value_of(path, number) for number, path in enumerate(SECRETS)}


@pytest.fixture
def planted(env: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    (tmp_path / "hotline.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "calls").mkdir()
    for name in ("cti", "qiniu_sms"):  # with a signature, as their accounts are given keys
        shipped = files("normalizers.rules").joinpath("webhooks", f"{name}.toml").read_text("utf-8")
        (tmp_path / "rules" / "webhooks").mkdir(parents=True, exist_ok=True)
        (tmp_path / "rules" / "webhooks" / f"{name}.toml").write_text(shipped + SIGNED, encoding="utf-8")
    for path, value in PLANTED.items():
        env.setenv(variable_of(path), value)
    return env


def told(text: str) -> list[str]:
    """Return the secrets that a text tells, as they are or as a log may write them."""
    return [variable_of(path) for path, value in PLANTED.items() if value in text]


def parts(value: Any) -> Iterable[str]:
    """Return what each part of the settings says of itself."""
    yield from (repr(value), str(value), f"{value}")
    if hasattr(value, "model_dump_json"):
        yield value.model_dump_json()
        for _, inner in value:
            yield from parts(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from parts(inner)


def hotline(*arguments: str) -> str:
    """Return all that a command tells, its end by an error among it."""
    done = CliRunner().invoke(app, arguments)
    return done.output + "".join(traceback.format_exception(done.exception))


def test_there_are_as_many_values_as_secrets() -> None:
    assert len(set(PLANTED.values())) == len(SECRETS) >= 34


def test_what_is_named_like_a_secret_is_one() -> None:
    alike = {path[-1] for path, kind in kinds(Settings) if path not in SECRETS and NAMED_SO.search(path[-1])}
    tokens = {"access_token_file", "token_file", "token_command", "token_expires_at", "token_warn_days"}
    assert alike == tokens | {"ssl_keyfile", "client_key"} | {"secret_header"}  # paths of files, the name of a header


def test_the_settings_hold_each_of_them_and_show_none(planted: pytest.MonkeyPatch) -> None:
    settings = load()
    held = pickle.dumps(settings.model_dump()).decode("latin-1")  # a pickle shows what the type hides
    assert set(told(held)) == {variable_of(path) for path in PLANTED}
    assert told("\n".join(parts(settings))) == []


@pytest.mark.parametrize("path", PLANTED, ids=".".join)
def test_no_fault_shows_one(path: tuple[str, ...], planted: pytest.MonkeyPatch) -> None:
    """Unusable, in another's place, and in `hotline.toml`, where none belongs."""
    value = PLANTED[path]
    for wrong in (f"{value}\n", f'["{value}', f'{{"{value}": 1}}', f"市{value}"):
        planted.setenv(variable_of(path), wrong)
        assert told(hotline("check")) == [], wrong
    planted.delenv(variable_of(path))
    table, key = ".".join(path[:-1]), path[-1]
    said = json.dumps([value] if is_list(SECRETS.get(path, str)) else value)
    file = Path("hotline.toml")
    file.write_text(SETTINGS + (f"[{table}.more]\n{key} = {said}\n" if table else ""), encoding="utf-8")
    if table:
        with pytest.raises(FaultySettingsError) as caught:
            load()
        assert told(str(caught.value)) == []


@pytest.mark.parametrize("other", ["api_key", "password"])
@pytest.mark.enable_socket
def test_no_check_and_no_doctor_shows_one(other: str, planted: pytest.MonkeyPatch) -> None:
    """Each login is tried, with nobody there."""
    planted.delenv(variable_of(("elasticsearch", other)))
    if other == "api_key":
        planted.setenv("HOTLINE_ELASTICSEARCH__USERNAME", "u")
    said = hotline("--debug", "doctor")
    assert "imap" in said.lower()
    assert told(said + hotline("check") + hotline("check", "--json")) == []


@pytest.mark.integration
@pytest.mark.enable_socket
def test_no_component_logs_one(planted: pytest.MonkeyPatch, fresh_topics: KafkaConnection, tmp_path: Path) -> None:
    """On a real Kafka, at the level `debug`; of what a component talks to nobody is there."""
    planted.delenv("HOTLINE_ELASTICSEARCH__PASSWORD")
    text = SETTINGS.replace(CLOSED, fresh_topics.bootstrap_servers, 1).replace("SASL_PLAINTEXT", "PLAINTEXT")
    text = text.replace('sasl_mechanism = "PLAIN"\n', "").replace('sasl_username = "u"\n', "")
    planted.delenv("HOTLINE_KAFKA__SASL_PASSWORD")
    (tmp_path / "hotline.toml").write_text(text, encoding="utf-8")
    planted.setenv("HOTLINE_LOG__LEVEL", "debug")
    planted.setenv("HOTLINE_TELEMETRY__PORT", "0")
    planted.setenv("HOTLINE_KAFKA__PARTITIONS", "2")
    planted.setenv("HOTLINE_RECEIVER__PORT", str(free_port()))
    chosen = [one for one in names(load()) if one.partition(":")[0] in AT_THE_RIM]
    log = tmp_path / "log"
    with log.open("wb") as output:
        running = Forked("-m", "hotline", "run", *chosen, env=os.environ, cwd=tmp_path, stdout=output, stderr=output)
    try:
        tried = [*(f'"connector": "{one}"' for one in PULLING), '"event": "sink_not_reachable"']
        until(lambda: all(one in log.read_text("utf-8") for one in tried), lambda: log.read_text("utf-8")[-3000:])
    finally:
        running.terminate()
        running.wait(90)
    assert told(log.read_text("utf-8")) == []
