"""From settings to services: the local stack by default, public keys nowhere else, faults as one sentence."""

import json
import os
import stat
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from msgspec.structs import replace
from typer.testing import CliRunner

from hotline.cli.app import app
from hotline.config import clients
from hotline.config.load import load
from hotline.config.stack_state import ServerName, ServerState, StackState, save
from hotline.doctor import checks
from hotline.runtime.components import component, names
from hotline.trial import run
from hotline.trial.inputs import Input
from normalizers.base import DEMO_KEY, DEMO_KEY_ID
from normalizers.rules import Rules
from schemas.errors import MisconfiguredError
from tests.peers.certificates import Authority
from tickets import policies

pytestmark = pytest.mark.usefixtures("env")


def test_without_any_stack_the_next_action_is_told() -> None:
    with pytest.raises(MisconfiguredError, match=r"run `hotline up`, or set HOTLINE_KAFKA__BOOTSTRAP_SERVERS"):
        clients.kafka(load())
    with pytest.raises(MisconfiguredError, match="HOTLINE_ELASTICSEARCH__HOSTS"):
        clients.elasticsearch_hosts(load())


SERVERS: dict[ServerName, ServerState] = {
    "kafka": ServerState("4.3.1", 19092),
    "elasticsearch": ServerState("9", 19200),
}


def test_a_local_stack_that_was_stopped_is_not_looked_for_where_another_may_be_by_now() -> None:
    """The next stack on this machine takes the ports that are free: its Kafka is not ours."""
    folder = load().data_dir
    folder.mkdir()
    save(folder, StackState(0, None, SERVERS))
    with pytest.raises(MisconfiguredError, match="The local Kafka was stopped: run `hotline up`"):
        clients.kafka(load())
    with pytest.raises(MisconfiguredError, match="The local Elasticsearch was stopped"):
        clients.elasticsearch_hosts(load())
    left = {name: replace(server, pid=7) for name, server in SERVERS.items()}
    save(folder, StackState(0, None, left))  # a supervisor that was killed leaves its servers
    assert clients.kafka(load()).bootstrap_servers == "127.0.0.1:19092"


def test_the_local_stack_is_found_by_its_state() -> None:
    folder = load().data_dir
    folder.mkdir()
    save(folder, StackState(0, 7, SERVERS))
    assert clients.kafka(load()).bootstrap_servers == "127.0.0.1:19092"
    assert clients.elasticsearch_hosts(load()) == ["http://127.0.0.1:19200"]
    assert clients.policy(load()).requester_keys == {DEMO_KEY_ID: DEMO_KEY}


def test_an_existing_kafka_is_used_as_it_is_named(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "a:1,b:2")
    env.setenv("HOTLINE_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    env.setenv("HOTLINE_KAFKA__SASL_PASSWORD", "secret")
    found = clients.kafka(load())
    assert (found.bootstrap_servers, found.security_protocol, found.sasl_password) == ("a:1,b:2", "SASL_SSL", "secret")


def test_the_public_keys_are_refused_outside_of_the_local_stack(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "a:1")
    env.setenv("HOTLINE_JURISDICTION", "210100")
    assert len(checks.faults(load())) == 2
    env.setenv("HOTLINE_REQUESTER_KEYS__K1", DEMO_KEY.decode())
    with pytest.raises(MisconfiguredError, match="HOTLINE_REQUESTER_KEYS__K1"):
        clients.policy(load())
    env.setenv("HOTLINE_REQUESTER_KEYS__K1", "short")
    with pytest.raises(MisconfiguredError, match="too short"):
        clients.policy(load())


def test_a_folder_of_own_rules_is_tried_before_a_message_meets_it(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("HOTLINE_RULES__FOLDER", str(tmp_path / "rules"))
    assert [fault for fault in checks.faults(load()) if "which is not a folder" in fault]
    (tmp_path / "rules").mkdir()
    assert clients.policy(load()).rules == clients.ticket_policy(load()).rules == Rules.load(tmp_path / "rules")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "kind.toml").write_text("version = 'x'", encoding="utf-8")
    env.setenv("HOTLINE_RULES__FOLDER", str(tmp_path / "broken"))
    (fault,) = checks.faults(load())
    assert "kind.toml cannot be used" in fault


def test_decisions_say_the_version_of_the_citys_own_rules(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = clients.ticket_policy(load()).version
    (tmp_path / "near").mkdir()
    near = (policies.OURS / "near" / "near.toml").read_text("utf-8")
    (tmp_path / "near" / "near.toml").write_text(near.replace('version = "2026.12"', 'version = "2099.9"'), "utf-8")
    env.setenv("HOTLINE_RULES__FOLDER", str(tmp_path))
    own = clients.ticket_policy(load()).version
    assert own.startswith("2099.9-")
    assert own != ours
    told = Input(name="1", channel="record", data=b'{"id": "1", "text": "a lamp is broken"}')
    (tried,) = run.run([told], stage="ticket", jurisdiction="210100", rules=Rules.load(tmp_path))
    assert tried["link"].policy_version == tried["ticket"].lineage.policy_version == own
    checked = json.loads(CliRunner().invoke(app, ["check", "--json"]).stdout)
    assert (checked["ok"], checked["policy_version"]) == (True, own)


def test_a_category_model_that_is_not_there_is_named(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("HOTLINE_RULES__CATEGORY_MODEL", str(tmp_path / "none.npz"))
    (fault,) = checks.faults(load())
    assert "hotline learn category" in fault


def test_the_newest_key_comes_first(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_REQUESTER_KEYS__K2025", "an older key, 16 bytes")
    env.setenv("HOTLINE_REQUESTER_KEYS__K2026", "a newer key, 16 bytes")
    assert list(clients.policy(load()).requester_keys) == ["k2026", "k2025"]


@pytest.mark.parametrize("url", ["file://host/x", "file:relative", "nonsense://x", "s3://"])
def test_a_blob_store_that_cannot_be_opened_is_one_sentence(url: str, env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_BLOBS__URL", url)
    with pytest.raises(MisconfiguredError, match=r"correct `blobs\.url`"):
        clients.blobs(load())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://city.blob.core.windows.net/mails?sp=rw&sig=planted", "https://city.blob.core.windows.net/mails"),
        ("nonsense://key:planted@host/mails?sig=planted#planted", "nonsense://host/mails"),
        ("AccountName=city;AccountKey=planted", "of `blobs.url`"),
        ("https://[planted", "of `blobs.url`"),
        ("s3://bucket/path", "s3://bucket/path"),
        ("file:///var/lib/hotline/blobs", "file:///var/lib/hotline/blobs"),
    ],
)
def test_a_token_in_the_address_of_the_blob_store_is_never_shown(url: str, shown: str, env: pytest.MonkeyPatch) -> None:
    assert clients.told_url(url) == shown
    env.setenv("HOTLINE_BLOBS__URL", url.replace("https:", "nonsense:"))
    try:
        clients.blob_store_of(load())
    except MisconfiguredError as error:
        told = "".join(traceback.format_exception(error))
        assert shown.replace("https:", "nonsense:") in told
        assert "planted" not in told


def test_why_a_folder_cannot_be_the_blob_store_is_told(tmp_path: Path, env: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "file" / "blobs").as_uri())
    told = r"cannot be opened \(Not a directory\): allow our user to write there, or correct `blobs\.url`\."
    with pytest.raises(MisconfiguredError, match=told):
        clients.blobs(load())


def test_a_local_blob_store_is_nobody_elses_to_read(tmp_path: Path, env: pytest.MonkeyPatch) -> None:
    """Nor is the data folder that it makes on its way: Kafka's log and all indices may come to lie there."""
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path / "data"))
    before = os.umask(0o022)
    try:
        clients.blobs(load())
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / one).stat().st_mode) for one in ("data", "data/blobs")] == [0o700, 0o700]


def test_a_local_blob_store_is_made(tmp_path: Path, env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "mit Lücke").as_uri())
    clients.blobs(load()).put("a/b", b"x")
    assert (tmp_path / "mit Lücke" / "a" / "b").read_bytes() == b"x"


def test_a_file_that_is_not_there_and_a_path_used_twice_are_faults(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_KAFKA__SSL_CAFILE", "/nowhere.pem")
    for name in ("A", "B"):
        env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{name}__APPID", name)
        env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{name}__TOKENS", "token")
        env.setenv(f"HOTLINE_CONNECTORS__WECHAT__{name}__MODES", "plain")
    found = " ".join(checks.faults(load()))
    assert "`kafka.ssl_cafile` names /nowhere.pem" in found
    assert "Two accounts have the path /wechat" in found


def test_a_certificate_of_ours_that_cannot_be_shown_is_a_fault(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def told() -> str:
        return " ".join(checks.faults(load()))

    authority = Authority(tmp_path)
    ours, others = authority.issue("ours").file, authority.issue("others").file
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "k:9093")
    env.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "http://es:9200")
    env.setenv("HOTLINE_KAFKA__SSL_KEYFILE", str(others))
    assert "`kafka.ssl_keyfile` is set without `kafka.ssl_certfile`" in told()
    env.setenv("HOTLINE_KAFKA__SSL_CERTFILE", str(ours))
    assert "`kafka.ssl_certfile` is set and `kafka.security_protocol` is PLAINTEXT" in told()
    env.setenv("HOTLINE_KAFKA__SECURITY_PROTOCOL", "SSL")
    assert f"`kafka.ssl_certfile` names {ours}, which cannot be used with its key (KEY_VALUES_MISMATCH)" in told()
    env.delenv("HOTLINE_KAFKA__SSL_KEYFILE")
    env.setenv("HOTLINE_ELASTICSEARCH__CLIENT_CERT", str(tmp_path / "gone.pem"))
    assert "kafka.ssl" not in told()
    assert "gone.pem, which cannot be used with its key (No such file or directory)" in told()
    assert "`elasticsearch.client_cert` is set but no host uses TLS" in told()
    locked = BestAvailableEncryption(b"secret")
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    (tmp_path / "locked.pem").write_bytes(key)
    env.setenv("HOTLINE_KAFKA__SSL_KEYFILE", str(tmp_path / "locked.pem"))
    assert "the key must have no password" in told()


def test_the_components_follow_from_the_settings(env: pytest.MonkeyPatch) -> None:
    assert names(load()) == ["screen", "normalize", "assign", "sink:elastic", "eraser", "monitor"]
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__HOST", "h")
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__USERNAME", "u")
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", "p")
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__JURISDICTION", "210100")
    assert names(load())[-2:] == ["connector:mayor", "monitor"]
    env.setenv("HOTLINE_SINKS__WEBHOOK__MAP__URL", "https://hooks.example.cn/in")
    env.setenv("HOTLINE_SINKS__WEBHOOK__MAP__SECRETS", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    env.setenv("HOTLINE_SINKS__WEBHOOK__MAP__CA_CERTS", "/nowhere.pem")
    assert names(load())[3:5] == ["sink:elastic", "sink:webhook"]
    with pytest.raises(MisconfiguredError, match=r"set `sinks\.archive\.enabled`"):
        component(load(), "sink:archive")
    env.setenv("HOTLINE_SINKS__ARCHIVE__ENABLED", "true")
    assert names(load())[3:6] == ["sink:elastic", "sink:archive", "sink:webhook"]
    assert "`sinks.webhook.map.ca_certs` names /nowhere.pem" in " ".join(checks.faults(load()))
    with pytest.raises(MisconfiguredError, match="connector:mayor, monitor, all"):
        component(load(), "connector:nobody")


def test_a_password_in_an_address_that_is_none_is_not_told(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "http://u:pla%ZZnted@es:99999")
    with pytest.raises(MisconfiguredError, match=r"http://es:99999") as told:
        clients.elasticsearch(load())
    assert "nted" not in str(told.value)
