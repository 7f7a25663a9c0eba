"""The example for production loads, names every secret it wants, and its unit lets `hotline run` drain."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from hotline.admin.topics import Provision
from hotline.config import clients
from hotline.config.load import FaultySettingsError, load
from hotline.config.settings import Settings
from hotline.doctor import checks
from hotline.runtime import supervisor
from hotline.runtime.components import MAKERS, STAGES, names
from tests.docs.pages import ROOT
from tests.peers.presence import missing, require

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "hotline.toml"

SECRETS = {
    "HOTLINE_KAFKA__SASL_PASSWORD": "p",
    "HOTLINE_ELASTICSEARCH__API_KEY": "aWQ6a2V5",
    "HOTLINE_QUERY_KEY": "sixteen bytes or more",
    "HOTLINE_REQUESTER_KEYS__K2026": "sixteen bytes or more",
    "HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD": "p",
    "HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS": "token",
    "HOTLINE_CONNECTORS__WECHAT__CITY__AES_KEYS": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
}


pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
def settings(env: pytest.MonkeyPatch) -> Settings:
    for name, value in SECRETS.items():
        env.setenv(name, value)
    return load(FILE)


def test_the_example_loads_and_lacks_only_the_certificates(settings: Settings) -> None:
    assert checks.faults(settings) == [
        "`kafka.ssl_cafile` names /etc/hotline/kafka-ca.pem, which is not a file: correct it.",
        "`elasticsearch.ca_certs` names /etc/hotline/elasticsearch-ca.pem, which is not a file: correct it.",
    ]
    assert names(settings)[-3:] == ["receiver", "connector:mayor", "monitor"]
    assert not settings.is_local


def test_the_secrets_may_come_from_files(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value + "\n")
    env.setenv("HOTLINE_SECRETS_DIR", str(tmp_path))
    assert load(FILE).connectors.mailbox["mayor"].password.get_secret_value() == "p"


def test_one_broker_may_be_away_and_two_copies_are_kept(settings: Settings) -> None:
    connection = clients.kafka(settings)
    assert len(connection.bootstrap_servers.split(",")) == connection.replication_factor == 3
    config = Provision(connection).config("hotline.event.v1")
    assert (config["min.insync.replicas"], config["unclean.leader.election.enable"]) == ("2", "false")
    assert (connection.security_protocol, connection.sasl_password) == ("SASL_SSL", "p")


def test_the_example_names_every_secret(env: pytest.MonkeyPatch) -> None:
    assert set(re.findall(r"HOTLINE_\w+__\w+|HOTLINE_QUERY_KEY", FILE.read_text(encoding="utf-8"))) == SECRETS.keys()
    with pytest.raises(FaultySettingsError) as caught:
        load(FILE)
    told = re.findall(r"HOTLINE_\w+", str(caught.value))
    assert told
    assert all(any(secret.startswith(name) for secret in SECRETS) for name in told)


def test_the_accounts_have_the_citys_code(settings: Settings) -> None:
    city = tomllib.loads(FILE.read_text(encoding="utf-8"))["jurisdiction"]
    assert settings.connectors.mailbox["mayor"].jurisdiction == settings.connectors.wechat["city"].jurisdiction == city


def unit() -> dict[str, list[str]]:
    """The settings of the unit; systemd allows a key more than once."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", (DEPLOY / "hotline@.service").read_text(encoding="utf-8"), re.M):
        found.setdefault(name, []).append(value)
    return found


def test_the_unit_runs_its_instance_for_ever_and_lets_it_drain(settings: Settings) -> None:
    told = unit()
    assert told["ExecStart"][0].endswith("/hotline run %i")
    assert (told["Restart"], told["StartLimitIntervalSec"]) == (["always"], ["0"])
    longest = max(
        supervisor.DRAIN_SECONDS, settings.sinks.elastic.drain_max_seconds, settings.receiver.shutdown_timeout_seconds
    )
    assert float(told["TimeoutStopSec"][0]) > longest
    assert told["Environment"] == [
        "HOTLINE_SETTINGS=/etc/hotline/hotline.toml",
        "HOTLINE_SECRETS_DIR=/etc/hotline/secrets",
        "PYTHONSAFEPATH=1",
    ]


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    require(missing("systemd-analyze"))
    text = (DEPLOY / "hotline@.service").read_text(encoding="utf-8")
    copy = tmp_path / "hotline@all.service"
    copy.write_text(text.replace("/opt/hotline/.venv/bin/hotline", "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("name", [*STAGES, *MAKERS])
def test_whoever_parts_the_components_is_told_of_each(name: str) -> None:
    told = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"`hotline@{name}\b", told)


def test_the_unit_may_write_where_the_settings_say(settings: Settings) -> None:
    (folder,) = unit()["StateDirectory"]
    assert settings.data_dir == Path("/var/lib") / folder
    assert unit()["ProtectSystem"] == ["strict"]


def test_all_packages_are_compiled_where_services_may_not_write() -> None:
    told = (DEPLOY / "README.md").read_text(encoding="utf-8")
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    (compiled,) = re.findall(r"compileall -q ([a-z ]+)\n", told)
    assert sorted(compiled.split()) == sorted(built["packages"])
