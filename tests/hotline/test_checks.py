"""`hotline check` without any service: every fault of every setting, all at once, one sentence each."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, get_origin

import pytest
from pydantic import AwareDatetime
from typer.testing import CliRunner, Result

from hotline.cli.app import app
from hotline.config.clients import own_addresses
from hotline.config.errors import variable_of
from hotline.config.load import FaultySettingsError, load
from hotline.config.paths import CHOSEN, is_list, is_secret, kinds
from hotline.config.settings import Settings
from hotline.doctor.checks import faults, faults_of_the_rest
from hotline.monitor.accounts import expected
from hotline.runtime.components import names
from tests.connectors.wechat.vectors import WECOM_AES_KEY
from tests.peers.certificates import Authority
from tests.peers.presence import missing, require

IDS = {
    "mailbox": "mayor",
    "sms_smpp": "bulk",
    "wechat": "city",
    "requester_keys": "k1",
    "backoffice": "crm",
    "webhook": "open",
}
IDS |= {"answers": "mayor"}  # the account that answers
IDS |= {"asterisk": "pbx", "call_files": "calls", "weibo": "fans"}

MAILBOX, WECHAT = ("connectors", "mailbox", "mayor"), ("connectors", "wechat", "city")
SMPP = ("connectors", "sms_smpp", "bulk")
OFFICE, WEBHOOK = ("backoffice", "crm"), ("sinks", "webhook", "open")

NEEDED = {
    (*MAILBOX, "host"): "imap.example.cn",
    (*MAILBOX, "username"): "u",
    (*MAILBOX, "password"): "planted-imap-password",
    (*WECHAT, "appid"): "wx1",
    (*WECHAT, "tokens"): "plantedtoken",
    (*WECHAT, "modes"): "plain",
    (*SMPP, "host"): "smsc.example.cn",
    (*SMPP, "system_id"): "hotline",
    (*SMPP, "password"): "planted",
    (*SMPP, "tls"): "tls",
    ("connectors", "asterisk", "pbx", "host"): "pbx.example.cn",
    ("connectors", "asterisk", "pbx", "tls"): "tls",
    ("connectors", "asterisk", "pbx", "username"): "hotline",
    ("connectors", "asterisk", "pbx", "secret"): "planted",
    ("connectors", "call_files", "calls", "folder"): "/",
    ("connectors", "weibo", "fans", "app_secrets"): "plantedsecret",
    (*OFFICE, "secret"): "planted secret of thirty-two bytes or more",
    (*OFFICE, "system"): "crm",
    (*OFFICE, "kinds"): "redact",
    (*OFFICE, "jurisdictions"): "210100",
    ("answers", "mayor", "smtp", "host"): "smtp.example.cn",
    ("answers", "mayor", "smtp", "from_address"): "mayor@example.cn",
    (*WEBHOOK, "url"): "https://open.example.cn/",
    (*WEBHOOK, "secrets"): "cGxhbnRlZCBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcw==",
}

PLANTED = "planted"


pytestmark = pytest.mark.usefixtures("env")


def set_all(env: pytest.MonkeyPatch, values: dict[tuple[str, ...], str]) -> None:
    for path, value in values.items():
        env.setenv(variable_of(path), value)


def found() -> list[str]:
    try:
        return faults(load())
    except FaultySettingsError as error:
        return error.faults


def fault() -> str:
    told = found()
    assert len(told) == 1, told
    return told[0]


SETTINGS = {
    tuple(IDS.get(path[number - 1], "one") if key == CHOSEN else key for number, key in enumerate(path)): kind
    for path, kind in kinds(Settings)
}


def wrong_values(kind: Any) -> list[str]:
    """What nobody can mean by a setting of this type. A type that is not here has no check yet: write one."""
    if is_secret(kind):
        return ['[""]'] if is_list(kind) else [""]
    if is_list(kind):
        return ['[""]']
    if get_origin(kind) is Literal:
        return ["nonsense", ""]
    return {
        int: ["many", "-1", "1.5"],
        float: ["long", "-1", "nan"],
        bool: ["perhaps"],
        str: [""],
        Path: ["/dev/null/nowhere"],
        AwareDatetime: ["yesterday", "2026-11-25T08:00:00"],
    }[kind]


def test_what_is_needed_is_without_fault(env: pytest.MonkeyPatch) -> None:
    """The next test compares nothing with it: each fault that it finds is one of the value that it sets."""
    set_all(env, NEEDED)
    assert found() == []


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
def test_every_setting_has_a_check_of_what_it_may_be(path: tuple[str, ...], env: pytest.MonkeyPatch) -> None:
    """A new setting without a type, a range or a least length fails here.

    A setting that cannot be read brings no fault of another; one of an account of its own ("one") lacks the others.
    """
    set_all(env, NEEDED)
    for value in wrong_values(SETTINGS[path]):
        env.setenv(variable_of(path), value)
        told, of_others = found_and_of_others()
        names = (f"`{'.'.join(path)}`", variable_of(path), *([value] if "/" in value else ()))
        named = [one for one in told if any(name in one for name in names)]
        assert named, f"{value!r} is taken for {'.'.join(path)}: {told}"
        for sentence in named:
            assert re.search(r"[.?]$", sentence)
            assert PLANTED not in sentence
        assert "one" in path or of_others == [], value


def found_and_of_others() -> tuple[list[str], list[str]]:
    """Return the faults, and what is told beyond the faults of what could not be read."""
    try:
        return faults(load()), []
    except FaultySettingsError as error:
        rest = faults_of_the_rest(error.rest) if error.rest else []
        return error.faults, [one for one in rest if one not in error.faults]


def everything() -> list[str]:
    """What `hotline check` tells."""
    return [str(one) for one in json.loads(hotline("check", "--json").stdout)["faults"]]


def test_what_is_missing_hides_no_fault_that_concerns_several_settings(env: pytest.MonkeyPatch) -> None:
    """One look tells all: of two accounts that lack something, too."""
    Path("hotline.toml").write_text(
        "jurisdiction = '991000'\n[kafka]\nbootstrap_servers = 'a'\nsecurity_protocol = 'SASL_SSL'\n"
        "[connectors.mailbox.mayor]\nhost = 'imap.example.cn'\n"
        "[connectors.asterisk.pbx]\nhost = 'pbx.example.cn'\nusername = 'u'\n"
        "[connectors.wechat.one]\nappid = 'wx1'\n[connectors.wechat.two]\nappid = 'wx1'\n"
        "[connectors.phone.sip]\nshape = 'kamailio'\n"
        "[connectors.sms_smpp.one]\nhost = '127.0.0.1'\n"
        "[answers.nobody]\n[floods.accounts.who]\n"
    )
    for name in ("TWO", "THREE"):
        for key, value in {"HOST": "smsc", "SYSTEM_ID": "h", "PASSWORD": PLANTED, "TLS": "tls"}.items():
            env.setenv(f"HOTLINE_CONNECTORS__SMS_SMPP__{name}__{key}", value)
    told = everything()
    for words in (
        "`connectors.mailbox.mayor.username` is missing",
        "set HOTLINE_CONNECTORS__ASTERISK__PBX__SECRET.",
        "`connectors.asterisk.pbx` cannot be used (a login needs tls = tls",
        '`connectors.phone.sip` cannot be used (Kamailio cannot sign: set auth = "bearer")',
        "`answers` cannot be used (nobody is no account that can answer",
        "`kafka.bootstrap_servers` names 'a'",
        "HOTLINE_KAFKA__SASL_PASSWORD is missing",
        "`jurisdiction` is 991000, which is not a 行政区划代码",
        "Two WeChat accounts have the appid wx1",
        "Two SMPP accounts are h at smsc:2775",
        "`floods.accounts.who` is not the name of an account",
        "set HOTLINE_QUERY_KEY.",
    ):
        assert len([one for one in told if words in one]) == 1, (words, told)
    assert PLANTED not in "".join(told)


def test_the_settings_of_the_walk_are_in_order_by_themselves(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    assert found() == []
    assert {(*MAILBOX, "password"), ("kafka", "partitions"), ("requester_keys", "k1")} <= SETTINGS.keys()


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_command_tells_all_of_them_and_exits_2(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    assert hotline("check").exit_code == 0
    Path("hotline.toml").write_text(
        "jurisdiction = '991000'\n[kafka]\nbootstrap_servers = 'a'\nsecurity_protocol = 'SASL_SSL'\n"
        "[elasticsearch]\nhosts = ['es:9200']\nusername = 'u'\n"
    )
    checked = hotline("check")
    assert checked.exit_code == 2
    for words in (
        "`jurisdiction` is 991000, which is not a 行政区划代码: no province begins with 99.",
        "`kafka.bootstrap_servers` names 'a': write host:port of each broker.",
        "`kafka.sasl_mechanism` is missing: `kafka.security_protocol` is SASL_SSL, which requires a login.",
        "HOTLINE_KAFKA__SASL_PASSWORD is missing",
        "`elasticsearch.hosts` names 'es:9200': write https://host:9200.",
        "HOTLINE_ELASTICSEARCH__PASSWORD is missing",
        "set HOTLINE_REQUESTER_KEYS__K1",
        "set HOTLINE_QUERY_KEY",
    ):
        assert words in checked.stdout


KAFKA, ELASTIC = "HOTLINE_KAFKA__", "HOTLINE_ELASTICSEARCH__"
OWN_KEYS = {"HOTLINE_REQUESTER_KEYS__K1": "sixteen bytes or more", "HOTLINE_QUERY_KEY": "sixteen bytes or more"}
BROKERS = {f"{KAFKA}BOOTSTRAP_SERVERS": "a:9093", "HOTLINE_JURISDICTION": "210100", **OWN_KEYS}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {**BROKERS, f"{KAFKA}BOOTSTRAP_SERVERS": "a:1,b:99999", f"{KAFKA}REPLICATION_FACTOR": "2"},
            "`kafka.bootstrap_servers` names 'b:99999': write host:port",
        ),
        ({**BROKERS, f"{KAFKA}BOOTSTRAP_SERVERS": "a:1,b:1"}, "each topic would have one replica: set it to 3"),
        (
            {**BROKERS, f"{KAFKA}SASL_USERNAME": "u"},
            "`kafka.sasl_username` is set and `kafka.security_protocol` is PLAINTEXT, which has no login: set it to",
        ),
        (
            {f"{KAFKA}SECURITY_PROTOCOL": "SASL_SSL"},
            "`kafka.security_protocol` is set without `kafka.bootstrap_servers`: name the brokers",
        ),
        ({f"{ELASTIC}API_KEY": "planted key"}, "HOTLINE_ELASTICSEARCH__API_KEY is not an API key: use"),
        ({f"{ELASTIC}API_KEY": "aWQ6a2V5", f"{ELASTIC}USERNAME": "u"}, "an API key and also a username or password"),
        ({f"{ELASTIC}PASSWORD": PLANTED}, "`elasticsearch.username` is missing"),
        (
            {f"{ELASTIC}HOSTS": f"https://u:{PLANTED}@es:9200"},
            "`elasticsearch.hosts` contains a password: remove it there",
        ),
        ({f"{ELASTIC}HOSTS": f"u:{PLANTED}@es:9200"}, "`elasticsearch.hosts` contains a password: remove it there"),
        ({f"{ELASTIC}HOSTS": "https://es"}, "names 'https://es': write https://host:9200."),
        ({"HOTLINE_BLOBS__URL": "nonsense://x"}, "correct `blobs.url`."),
        ({"HOTLINE_REQUESTER_KEYS__K1": PLANTED}, "The key in HOTLINE_REQUESTER_KEYS__K1 is too short"),
        ({"HOTLINE_QUERY_KEY": PLANTED}, "The key in HOTLINE_QUERY_KEY is too short"),
        ({"HOTLINE_TELEMETRY__PORT": "65535"}, "and `run all` would count up to 655"),
    ],
)
def test_settings_that_contradict_each_other_are_told(
    env: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        env.setenv(name, value)
    assert words in fault()
    assert PLANTED not in fault()


@pytest.mark.parametrize(
    ("name", "service"),
    [("KAFKA__SSL_CAFILE", BROKERS), ("ELASTICSEARCH__CA_CERTS", {f"{ELASTIC}HOSTS": "https://e:1"})],
)
def test_certificates_are_read(env: pytest.MonkeyPatch, tmp_path: Path, name: str, service: dict[str, str]) -> None:
    for variable, value in {**service, f"{KAFKA}SECURITY_PROTOCOL": "SSL"}.items():
        if service is BROKERS or not variable.startswith(KAFKA):
            env.setenv(variable, value)
    (tmp_path / "no.pem").write_text("no certificate")
    for file, words in {
        "nowhere.pem": "which is not a file: correct it.",
        "no.pem": "which contains no PEM certificates: correct it.",
    }.items():
        env.setenv(f"HOTLINE_{name}", file)
        assert words in fault()
    env.setenv(f"HOTLINE_{name}", str(Authority(tmp_path).certificate))
    assert found() == []


def test_certificates_without_tls_are_told(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = str(Authority(tmp_path).certificate)
    for name, value in {**BROKERS, f"{KAFKA}SSL_CAFILE": file}.items():
        env.setenv(name, value)
    assert "which has no TLS: set it to SSL, or remove the file." in fault()
    env.delenv(f"{KAFKA}SSL_CAFILE")
    env.setenv(f"{ELASTIC}HOSTS", "http://e:1")
    env.setenv(f"{ELASTIC}CA_CERTS", file)
    assert "no host uses TLS: write https://" in fault()


ACCOUNTS: dict[str, tuple[dict[tuple[str, ...], str], str]] = {
    "path": ({("path",): "/wechat", ("appid",): "wx2"}, "Two accounts have the path /wechat"),
    "appid": ({("path",): "/other", ("appid",): "wx1"}, "Two WeChat accounts have the appid wx1"),
    "health": ({("path",): "/readyz", ("appid",): "wx2"}, "where the receiver reports its health: change it."),
    "office": ({("path",): "/commands/x", ("appid",): "wx2"}, "where commands are given: change it."),
}


@pytest.mark.parametrize("case", ACCOUNTS)
def test_wechat_accounts_that_meet_are_told(env: pytest.MonkeyPatch, case: str) -> None:
    changes, words = ACCOUNTS[case]
    set_all(env, NEEDED)
    second = {("tokens",): "token", ("modes",): "plain", **changes}
    set_all(env, {("connectors", "wechat", "two", *key): value for key, value in second.items()})
    assert words in fault()


def test_customers_that_two_accounts_would_fetch_are_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    company = {"corpid": "ww1", "tokens": "token", "aes_keys": WECOM_AES_KEY, "secret": "planted", "open_kfids": "wk1"}
    for name in ("one", "two"):
        own = {**company, "path": f"/{name}"}
        set_all(env, {("connectors", "wecom", name, key): value for key, value in own.items()})
    assert "Two WeCom accounts (企业微信) name wk1 in `open_kfids`" in fault()
    env.setenv("HOTLINE_CONNECTORS__WECOM__TWO__OPEN_KFIDS", "wk2,wk2")
    load()


def test_members_whom_no_application_could_answer_are_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    company = {"corpid": "ww1", "tokens": "token", "aes_keys": WECOM_AES_KEY, "secret": "planted"}
    set_all(env, {("connectors", "wecom", "hall", key): value for key, value in company.items()})
    assert not faults(load()), "it answers nobody"
    env.setenv("HOTLINE_ANSWERS__HALL__ENABLED", "true")
    assert "`connectors.wecom.hall.agent_id` is missing, so members who write" in fault()
    for name, value in (("OPEN_KFIDS", "wk1"), ("AGENT_ID", "1000002")):
        with pytest.MonkeyPatch.context() as given:
            given.setenv(f"HOTLINE_CONNECTORS__WECOM__HALL__{name}", value)
            assert not faults(load())


@pytest.mark.parametrize("account", [MAILBOX, SMPP, ("connectors", "asterisk", "pbx")], ids="-".join)
def test_a_login_in_clear_stays_on_this_machine(account: tuple[str, ...], env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED | {(*account, "tls"): "none"})
    told = fault()
    assert f"`{'.'.join(account)}`" in told
    assert "tls = tls" in told
    assert PLANTED not in told
    env.setenv(variable_of((*account, "host")), "127.0.0.1")
    assert found() == []


@pytest.mark.parametrize("account", [MAILBOX, SMPP], ids="-".join)
def test_a_server_on_a_private_line_may_have_no_tls(account: tuple[str, ...], env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED | {(*account, "tls"): "none", (*account, "private_line"): "true"})
    assert found() == []


def test_one_smpp_login_in_two_accounts_is_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    for name, host in (("one", "smsc.example.cn"), ("two", "SMSC.example.cn")):
        login = {"host": host, "tls": "tls", "system_id": "hotline", "password": "planted"}
        set_all(env, {("connectors", "sms_smpp", name, key): value for key, value in login.items()})
    assert "Two SMPP accounts are hotline at smsc.example.cn:2775" in fault()
    env.setenv("HOTLINE_CONNECTORS__SMS_SMPP__TWO__SYSTEM_ID", "hotline2")
    load()


def test_one_cmpp_login_in_two_accounts_is_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    for name, host in (("one", "ismg.example.cn"), ("two", "ISMG.example.cn")):
        login = {"host": host, "source": "900001", "secret": "planted"}
        set_all(env, {("connectors", "sms_cmpp", name, key): value for key, value in login.items()})
    assert "Two CMPP accounts are 900001 at ismg.example.cn:7890" in fault()
    env.setenv("HOTLINE_CONNECTORS__SMS_CMPP__TWO__SOURCE", "900002")
    load()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/wechat", "Two accounts have the path /wechat"),
        ("/healthz", "where the receiver reports its health"),
    ],
)
def test_a_web_door_where_something_else_is_is_told(env: pytest.MonkeyPatch, path: str, words: str) -> None:
    set_all(env, NEEDED)
    env.setenv("HOTLINE_CONNECTORS__WEB__ONE__PATH", path)
    assert words in fault()


def test_a_city_is_named_outside_of_the_local_stack(env: pytest.MonkeyPatch) -> None:
    for name, value in BROKERS.items():
        env.setenv(name, value)
    env.delenv("HOTLINE_JURISDICTION")
    assert "every ticket of an account without a city would have 110000" in fault()
    env.setenv("HOTLINE_JURISDICTION", "110000")
    assert found() == []


@pytest.mark.parametrize("setting", ["folder", "recordings"])
def test_a_folder_of_call_files_that_is_not_there_is_told(
    env: pytest.MonkeyPatch, tmp_path: Path, setting: str
) -> None:
    names = {one: ("connectors", "call_files", "nightly", one) for one in ("folder", "recordings")}
    set_all(env, {names[one]: str(tmp_path) for one in names})
    assert found() == []
    (tmp_path / "file").touch()
    for wrong in ("missing", "file"):
        set_all(env, {names[setting]: str(tmp_path / wrong)})
        assert fault().startswith(f"`connectors.call_files.nightly.{setting}` names {tmp_path / wrong}, which is no")


@pytest.mark.parametrize("zone", ["Asia/Peking", "Beijing", "Asia", "GMT+8"])
@pytest.mark.parametrize("account", ["phone", "asterisk", "call_files"])
def test_a_zone_that_there_is_not_is_told(env: pytest.MonkeyPatch, account: str, zone: str) -> None:
    """It would count as China's, and each time of the account would be off."""
    env.setenv(f"HOTLINE_CONNECTORS__{account.upper()}__ONE__TIMEZONE", zone)
    name = f"`connectors.{account}.one.timezone` cannot be used (it is no time zone: write one such as Asia/Shanghai"
    assert [one for one in found() if one.startswith(name)]


def test_a_form_behind_a_proxy_that_nobody_names_is_told_outside_of_the_local_stack(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_CONNECTORS__WEB__DOOR__PATH", "/web")
    assert found() == []
    for name, value in BROKERS.items():
        env.setenv(name, value)
    assert "`receiver.trusted_proxies` is empty, so all citizens at the form of `connectors.web.door`" in fault()
    env.setenv("HOTLINE_RECEIVER__TRUSTED_PROXIES", '["127.0.0.1"]')
    assert found() == []


def test_an_account_below_a_web_door_is_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    env.setenv("HOTLINE_CONNECTORS__WEB__DOOR__PATH", "/web")
    env.setenv(variable_of((*WECHAT, "path")), "/web/status")
    assert f"`{'.'.join(WECHAT)}.path` is /web/status, below the web form /web: change one of them." in fault()


def test_the_same_folder_of_one_mailbox_twice_is_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    second = {"host": "IMAP.example.cn", "username": "u", "password": "p", "folders": "Spam,INBOX"}
    set_all(env, {("connectors", "mailbox", "two", key): value for key, value in second.items()})
    assert "The mailboxes mayor and two read the same folder INBOX of one account" in fault()
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__TWO__FOLDERS", "Spam,Spam")
    assert fault() == "`connectors.mailbox.two.folders` names Spam twice: remove one."


def test_the_receiver_s_port_among_those_of_the_processes_is_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    env.setenv("HOTLINE_RECEIVER__PORT", "19121")
    assert "`receiver.port` 19121 is one of the ports 19120 to" in fault()


def test_settings_in_order_name_what_runs_with_its_port(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    told = hotline("check").stdout.splitlines()[1:]
    assert told[:2] == ["19120  all", "19121  screen"]
    assert [line.split()[1] for line in told[1:]] == names(load())
    env.setenv("HOTLINE_TELEMETRY__PORT", "0")
    assert hotline("check").stdout.splitlines()[1] == " none  all"


def test_the_port_of_lmtp_among_those_of_the_processes_is_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    env.setenv("HOTLINE_LMTP__MAILBOXES__LETTERS__RECIPIENTS", "mayor@city.example")
    assert faults(load()) == [], "its own port is none of theirs"
    env.setenv("HOTLINE_LMTP__PORT", "19124")
    assert "`lmtp.port` 19124 is one of the ports 19120 to" in fault()


def test_one_port_for_the_receiver_and_for_lmtp_is_told(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    env.setenv("HOTLINE_LMTP__MAILBOXES__LETTERS__RECIPIENTS", "mayor@city.example")
    env.setenv("HOTLINE_LMTP__PORT", str(load().receiver.port))
    assert fault() == "`receiver.port` and `lmtp.port` are both 19110: change one of them."
    env.setenv("HOTLINE_LMTP__HOST", "10.0.0.1")
    assert faults(load()) == [], "two addresses have each a port of this number"
    env.setenv("HOTLINE_RECEIVER__HOST", "0.0.0.0")
    assert fault() == "`receiver.port` and `lmtp.port` are both 19110: change one of them."


def test_a_city_of_an_account_is_looked_at_too(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__JURISDICTION", "991000")
    assert "`connectors.mailbox.mayor.jurisdiction` is 991000, which is not a 行政区划代码" in fault()


def test_the_city_of_the_settings_is_told_once_and_not_for_each_account(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    env.setenv("HOTLINE_JURISDICTION", "991000")
    assert fault().startswith("`jurisdiction` is 991000")
    env.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__JURISDICTION", "981000")
    assert [one.split()[0] for one in found()] == ["`jurisdiction`", "`connectors.mailbox.mayor.jurisdiction`"]


def test_checking_writes_nothing(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    assert found() == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def secrets(env: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    env.setenv("HOTLINE_SECRETS_DIR", str(folder))
    return folder


def test_a_folder_of_secrets_that_is_none_is_told(env: pytest.MonkeyPatch, secrets: Path) -> None:
    for folder in (secrets / "nowhere", Path("/dev/null")):
        env.setenv("HOTLINE_SECRETS_DIR", str(folder))
        assert fault() == f"HOTLINE_SECRETS_DIR names {folder}, which is not a folder: correct it."


def test_a_misspelt_secret_is_told(secrets: Path) -> None:
    for name, near in {
        "HOTLINE_QUERY_KEYS": "HOTLINE_QUERY_KEY",
        "HOTLINE_KAFKA__SASL_PASSWRD": "sasl_password",
    }.items():
        (secrets / name).write_text(PLANTED)
        assert f"did you mean `{near}`?" in fault()
        (secrets / name).unlink()


def test_a_secret_that_cannot_be_read_is_told_without_its_content(secrets: Path) -> None:
    file = secrets / "HOTLINE_QUERY_KEY"
    file.write_bytes(PLANTED.encode("utf-16"))
    assert fault() == f"The secret {file} is not UTF-8 text: write it again."
    file.write_text("\n")
    assert fault() == "`query_key` cannot be used (it is empty): correct HOTLINE_QUERY_KEY."


def test_a_secret_of_another_user_is_told(secrets: Path) -> None:
    require(missing("setpriv") if os.getuid() == 0 else None)  # root may read everything
    file = secrets / "HOTLINE_QUERY_KEY"
    file.write_text(PLANTED)
    file.chmod(0)
    bounded = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.getuid() == 0 else []
    command = [*bounded, sys.executable, "-m", "hotline", "check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 2
    assert checked.stdout == f"The secret {file} cannot be read (Permission denied): let this user read it.\n"


def test_a_share_of_an_account_that_there_is_not(env: pytest.MonkeyPatch) -> None:
    set_all(env, {path: value for path, value in NEEDED.items() if path[:2] == MAILBOX[:2]})
    env.setenv("HOTLINE_FLOODS__ACCOUNTS__MAYOR__SENDER_BURST", "5")
    assert found() == []
    env.setenv("HOTLINE_FLOODS__ACCOUNTS__NOBODY__SENDER_BURST", "5")
    assert fault() == "`floods.accounts.nobody` is not the name of an account: correct it, or remove it."


def test_a_mailbox_that_is_fetched_and_handed_over_needs_two_names(env: pytest.MonkeyPatch) -> None:
    set_all(env, NEEDED)
    before = found()
    env.setenv("HOTLINE_LMTP__MAILBOXES__MAYOR__RECIPIENTS", '["Mayor@city.gov.cn", "@12345.city.gov.cn"]')
    (told,) = (one for one in found() if one not in before)
    assert told == "The id mayor names an account of `connectors` and one of `lmtp.mailboxes`: rename one of them."
    env.delenv("HOTLINE_LMTP__MAILBOXES__MAYOR__RECIPIENTS")
    env.setenv("HOTLINE_LMTP__MAILBOXES__LETTERS__RECIPIENTS", '["Mayor@city.gov.cn", "@12345.city.gov.cn"]')
    settings = load()
    assert found() == before
    assert expected(settings)["letters"].channel == "mailbox"  # it is watched for silence
    assert "mayor@city.gov.cn" in set(own_addresses(settings))  # nothing is answered that comes from there
    assert settings.lmtp.mailboxes["letters"].jurisdiction == settings.jurisdiction
