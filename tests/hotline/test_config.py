"""Settings: one rule from TOML to environment, one order of precedence, one sentence for each fault."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from hotline.config.errors import variable_of
from hotline.config.load import FaultySettingsError, load
from hotline.config.paths import is_model
from hotline.config.settings import Settings
from schemas.contract.index_templates import indices
from tests.rows import each_row

pytestmark = pytest.mark.usefixtures("env")


def write(text: str) -> None:
    Path("hotline.toml").write_text(text, encoding="utf-8")


def faults() -> list[str]:
    with pytest.raises(FaultySettingsError) as caught:
        load()
    return caught.value.faults


def test_nothing_need_be_set() -> None:
    found = load()
    assert found.is_local
    assert found.file is None
    assert found.data_dir == Path.cwd() / ".hotline"


def test_settings_are_read_again_and_again_without_a_class_of_their_own() -> None:
    first = load()
    write("[kafka]\npartitions = 7\n")
    again = load()
    assert type(again) is type(first)
    assert (first.kafka.partitions, again.kafka.partitions) == (Settings().kafka.partitions, 7)


def test_each_index_may_have_its_own_shards() -> None:
    write("[elasticsearch.shards]\nticket = 2\n")
    shards = load().elasticsearch.shards.by_index
    made = {name: index.template()["template"]["settings"]["index"] for name, index in indices(shards=shards).items()}
    assert (
        {name: one["number_of_shards"] for name, one in made.items()}
        == shards
        == dict.fromkeys(made, 1) | {"ticket": 2}
    )


def test_the_data_folder_lies_beside_the_settings_file(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.toml").write_text("")
    assert load(folder / "mine.toml").data_dir == folder / ".hotline"


LEVELS = st.none() | st.integers(1, 1000)


@given(flag=LEVELS, env=LEVELS, secret=LEVELS, toml=LEVELS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_flags_beat_environment_beats_secrets_beats_toml_beats_defaults(
    tmp_path: Path, flag: int | None, env: int | None, secret: int | None, toml: int | None
) -> None:
    path = ("kafka", "partitions")
    folder = tmp_path / "secrets"
    folder.mkdir(exist_ok=True)
    file = folder / variable_of(path)
    file.unlink(missing_ok=True)
    if secret:
        file.write_text(f"{secret}\n")
    write(f"[kafka]\npartitions = {toml}\n" if toml else "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTLINE_SECRETS_DIR", str(folder))
        if env:
            patch.setenv(variable_of(path), str(env))
        found = load(flags={"kafka": {"partitions": flag}} if flag else None)
    assert found.kafka.partitions == (flag or env or secret or toml or 8)


def test_every_scalar_can_be_set_by_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "a:1,b:2")
    monkeypatch.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "https://a:9200, https://b:9200")
    monkeypatch.setenv("HOTLINE_LOG__LEVEL", "debug")
    found = load()
    assert found.kafka.bootstrap_servers == "a:1,b:2"
    assert found.elasticsearch.hosts == ("https://a:9200", "https://b:9200")
    assert found.log.level == "debug"


def test_a_list_that_looks_like_a_number_stays_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", "12345,67890")
    write('[connectors.wechat.city]\nappid = "wx1"\nmodes = ["plain"]\n')
    (account,) = load().connectors.wechat.values()
    assert [token.get_secret_value() for token in account.tokens] == ["12345", "67890"]


def test_a_secret_comes_from_a_file_named_like_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "HOTLINE_REQUESTER_KEYS__K1").write_text("a key of at least 16 bytes\n")
    monkeypatch.setenv("HOTLINE_SECRETS_DIR", str(tmp_path / "run"))
    assert load().requester_keys["k1"].get_secret_value() == "a key of at least 16 bytes"


@pytest.mark.parametrize(
    ("toml", "variable"),
    [
        ('[kafka]\nsasl_password = "do not tell"\n', "HOTLINE_KAFKA__SASL_PASSWORD"),
        ('[requester_keys]\nk1 = "do not tell"\n', "HOTLINE_REQUESTER_KEYS__K1"),
        ('[connectors.wechat.city]\ntokens = ["do not tell"]\n', "HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_told(toml: str, variable: str) -> None:
    write(toml)
    found = faults()
    assert any("is a secret" in fault and variable in fault for fault in found)
    assert "do not tell" not in "".join(found)


@each_row(
    ("toml", "key", "near"),
    [
        ("[kafak]\n", "kafak", "kafka"),
        ("[kafka]\npartition = 3\n", "kafka.partition", "partitions"),
        ('[connectors.mailbx.mayor]\nhost = "h"\n', "connectors.mailbx", "mailbox"),
        ("[receiver]\nprot = 1\n", "receiver.prot", "port"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(toml: str, key: str, near: str) -> None:
    write(toml)
    assert faults() == [f"`{key}` is not a setting: did you mean `{near}`?"]


def test_a_key_that_is_near_to_nothing_is_named_with_all_that_are_known() -> None:
    write("[log]\nxyz = 1\n")
    assert faults() == ["`log.xyz` is not a setting: remove it; known here are level, format."]


def test_an_unknown_variable_is_named_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_KAFAK__PARTITIONS", "3")
    assert faults() == ["HOTLINE_KAFAK__PARTITIONS is not a setting: did you mean `HOTLINE_KAFKA__PARTITIONS`?"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("HOTLINE_SETTING", "did you mean `HOTLINE_SETTINGS`?"),
        ("HOTLINE_SECRET_DIR", "did you mean `HOTLINE_SECRETS_DIR`?"),
        ("HOTLINE_COLOUR", "remove it; settings begin with jurisdiction, "),
    ],
)
def test_a_variable_of_our_prefix_that_has_no_effect_is_a_fault(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`HOTLINE_SETTING=/etc/x.toml hotline run all` would use the local servers of a developer."""
    monkeypatch.setenv(name, "x")
    (fault,) = faults()
    assert fault.startswith(f"{name} is not a setting: {told}")


def test_variables_that_others_set_with_our_prefix_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_SERVICE_HOST", "10.0.0.1")  # Kubernetes, for a service named hotline
    monkeypatch.setenv("HOTLINE_PORT_19110_TCP_ADDR", "10.0.0.1")
    assert load().receiver.host == "127.0.0.1"


def test_kubernetes_may_have_a_service_named_like_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_RECEIVER_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("HOTLINE_ELASTICSEARCH_PORT", "tcp://10.0.0.2:9200")
    settings = load()
    assert (settings.receiver.port, settings.elasticsearch.hosts) == (19110, ())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HOTLINE_KAFKA_BOOTSTRAP_SERVERS", "HOTLINE_KAFKA__BOOTSTRAP_SERVERS"),
        ("HOTLINE_RECEIVER_PORT", "HOTLINE_RECEIVER__PORT"),
        ("HOTLINE_REQUESTER_KEYS_K1", "HOTLINE_REQUESTER_KEYS__K1"),
        ("HOTLINE_CONNECTORS_MAILBOX_OLD_CITY_PASSWORD", "HOTLINE_CONNECTORS__MAILBOX__OLD_CITY__PASSWORD"),
    ],
)
def test_a_variable_with_one_underscore_where_two_belong_is_no_silence(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "19000")
    assert faults() == [f"{name} is not a setting: did you mean `{meant}`?"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HOTLINE_KAFKA", "a:9092", "such as HOTLINE_KAFKA__BOOTSTRAP_SERVERS"),
        ("HOTLINE_CONNECTORS__MAILBOX", "{bad", "such as HOTLINE_CONNECTORS__MAILBOX__ID"),
        ("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", '["planted', "begins like a JSON list but"),
    ],
)
def test_a_variable_that_is_no_json_is_named_and_not_quoted(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('[connectors.wechat.city]\nappid = "wx1"\nmodes = ["plain"]\n')
    monkeypatch.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", "token")
    monkeypatch.setenv(name, value)
    (fault,) = faults()
    assert fault.startswith(name)
    assert told in fault
    assert value not in fault


@pytest.mark.parametrize("in_a_file", [False, True], ids=["variable", "secret"])
def test_a_list_that_is_no_json_hides_no_other_fault(
    in_a_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, value = "HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", '["planted'
    if in_a_file:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / name).write_text(value)
        monkeypatch.setenv("HOTLINE_SECRETS_DIR", str(tmp_path / "run"))
    else:
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOTLINE_KAFKA", "[" * 100_000)
    write('[log]\nlevel = "loud"\n[connectors.wechat.city]\nmodes = ["plain"]\n[answers.nobody]\n')
    found = faults()
    for told in (
        f"{name} begins like a JSON list",
        "HOTLINE_KAFKA names a table",
        "`log.level`",
        "wechat.city.appid` is missing",
    ):
        assert len([fault for fault in found if told in fault]) == 1, (told, found)
    assert any("nobody is no account that can answer" in fault for fault in found)
    assert len(found) == 5
    assert "planted" not in "".join(found)


def test_a_secret_that_a_variable_stands_for_need_be_no_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "HOTLINE_ELASTICSEARCH__HOSTS").write_text("[")
    monkeypatch.setenv("HOTLINE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "https://a:9200")
    assert load().elasticsearch.hosts == ("https://a:9200",)


def test_a_folder_of_secrets_with_more_than_secrets_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "core").open("wb") as file:
        file.truncate(17 << 20)
    monkeypatch.setenv("HOTLINE_SECRETS_DIR", str(tmp_path))
    (fault,) = faults()
    assert fault.startswith(f"The folder of secrets {tmp_path} cannot be used")


def test_a_city_that_is_none_is_told_once_and_not_for_each_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", "p")
    monkeypatch.setenv("HOTLINE_CONNECTORS__MAILBOX__HARBOUR__PASSWORD", "p")
    accounts = (
        '[connectors.mailbox.mayor]\nhost = "h"\nusername = "u"\n'
        '[connectors.mailbox.harbour]\nhost = "h"\nusername = "u"\njurisdiction = "harbour"\n'
        '[lmtp.mailboxes.letters]\nrecipients = ["mayor@city.example"]\n'
    )
    for city in ('"2101"', "210100"):
        write(f"jurisdiction = {city}\n{accounts}")
        assert [fault.split()[0] for fault in faults()] == [
            "`jurisdiction`",
            "`connectors.mailbox.harbour.jurisdiction`",
        ]


def test_a_folder_without_a_name_is_not_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_LOCAL__DATA_DIR", "")
    write('[rules]\nfolder = ""\n')
    assert sorted(faults()) == [
        "`local.data_dir` cannot be used (it is empty): correct it in hotline.toml or HOTLINE_LOCAL__DATA_DIR.",
        "`rules.folder` cannot be used (it is empty): correct it in hotline.toml or HOTLINE_RULES__FOLDER.",
    ]


def test_a_fault_names_the_settings_file_that_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "north.toml"
    other.write_text('[connectors.mailbox.mayor]\nusername = " "\nfolder = "F"\n[rules]\nfolder = ""\n')
    monkeypatch.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", "p")
    monkeypatch.setenv("HOTLINE_SETTINGS", str(other))
    told = faults()
    assert [fault for fault in told if "hotline.toml" in fault] == []
    assert f"`connectors.mailbox.mayor.host` is missing: set it in {other} or as " in "\n".join(told)
    assert f"`rules.folder` cannot be used (it is empty): correct it in {other} or " in "\n".join(told)


@each_row(
    ("toml", "reason"),
    [
        ('jurisdiction = "2101"', "it must be six digits in quotes, such as 210100"),
        ('jurisdiction = "21０１００"', "it must be six digits in quotes, such as 210100"),
        ('[kafka]\npartitions = "eight"', "it must be a whole number"),
        ("[kafka]\nreplication_factor = 10", "it must be less than or equal to 9"),
        ('[log]\nlevel = "INFO"', "it must be 'debug', 'info', 'warning' or 'error'"),
        ('[local]\nmaven_mirror = "mirror"', "it must begin with https:// or http://"),
        (
            '[lmtp.mailboxes.mayor]\nrecipients = ["mayor"]',
            "it must be a mail address, or a domain with @ before it, such as @city.gov.cn",
        ),
    ],
)
def test_a_reason_is_said_in_plain_words(toml: str, reason: str) -> None:
    write(toml)
    (fault,) = faults()
    assert f"({reason})" in fault


def test_how_long_a_secret_must_be_is_said_in_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONNECTORS__SMS_SMPP__BULK__PASSWORD", "x" * 65)
    monkeypatch.setenv("HOTLINE_CONNECTORS__WEIBO__FANS__APP_SECRETS", "short")
    write('[connectors.sms_smpp.bulk]\nhost = "a.cn"\nsystem_id = "h"\nprivate_line = true\n')
    told = "\n".join(faults())
    assert "password` cannot be used (it must have at most 64 characters): correct HOTLINE_" in told
    assert "app_secrets` cannot be used (it must have at least 8 characters): correct HOTLINE_" in told


def test_a_list_with_a_bad_item_is_not_called_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_SINKS__WEBHOOK__CRM__SECRETS", "abc")
    write('[sinks.webhook.crm]\nurl = "https://crm.example.cn/hook"\n')
    (fault,) = faults()
    assert "a secret is whsec_" in fault


def test_every_fault_is_told_at_once() -> None:
    write('jurisdiction = "1"\n[kafka]\npartitions = "many"\n[log]\nlevel = "loud"\n')
    assert len(faults()) == 3


def test_an_id_that_no_variable_could_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_REQUESTER_KEYS__A-B", "a key of at least 16 bytes")
    (fault,) = faults()
    assert "lower_snake_case" in fault


@each_row("text", ["[kafka\n", "\x00", "a = 1\na = 2\n", f"a = {'9' * 5_000}\n"], ids=range(4))
def test_a_file_that_is_no_toml_is_named(text: str) -> None:
    write(text)
    (fault,) = faults()
    assert "hotline.toml is not valid TOML" in fault


def test_a_file_in_another_encoding_says_which_one_it_must_be() -> None:
    Path("hotline.toml").write_bytes('jurisdiction = "210100" # 沈阳\n'.encode("gb18030"))
    assert faults() == ["hotline.toml is not written in UTF-8: save it as UTF-8."]


def test_a_file_that_is_named_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_SETTINGS", "nowhere.toml")
    assert faults() == ["There is no settings file nowhere.toml: name one that exists, or none."]


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_REQUESTER_KEYS__K1", "a key of at least 16 bytes")
    assert "16 bytes" not in repr(load())


def tables(kind: Any) -> Iterator[type[BaseModel]]:
    """Every table of the settings, whichever room declares it."""
    if is_model(kind):
        yield kind
    inner = [field.annotation for field in kind.model_fields.values()] if is_model(kind) else get_args(kind)
    for one in inner:
        yield from tables(one)


@each_row("table", dict.fromkeys(tables(Settings)), ids=lambda table: table.__name__)
def test_a_table_refuses_what_it_does_not_know_and_repeats_no_value(table: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as caught:
        table.model_validate({"surprise": "geheim"})
    assert "extra_forbidden" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_an_account_of_any_channel_that_names_no_city_has_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", "p")
    monkeypatch.setenv("HOTLINE_CONNECTORS__MAILBOX__HARBOUR__PASSWORD", "p")
    for name in ("CITY", "ISLAND"):
        monkeypatch.setenv(f"HOTLINE_CONNECTORS__WECHAT__{name}__TOKENS", "token")
    monkeypatch.setenv("HOTLINE_JURISDICTION", "210100")
    write(
        '[connectors.mailbox.mayor]\nhost = "h"\nusername = "u"\n'
        '[connectors.mailbox.harbour]\nhost = "h"\nusername = "u"\njurisdiction = "210200"\n'
        '[connectors.wechat.city]\nappid = "x"\nmodes = ["plain"]\n'
        '[connectors.wechat.island]\nappid = "y"\nmodes = ["plain"]\njurisdiction = "210200"\n'
    )
    found = load().connectors
    assert (found.mailbox["mayor"].jurisdiction, found.mailbox["harbour"].jurisdiction) == ("210100", "210200")
    assert (found.wechat["city"].jurisdiction, found.wechat["island"].jurisdiction) == ("210100", "210200")
    assert found.mailbox["mayor"].password.get_secret_value() == "p"


def test_an_id_of_two_channels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CONNECTORS__MAILBOX__CITY__PASSWORD", "p")
    monkeypatch.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", "token")
    write(
        '[connectors.mailbox.city]\nhost = "h"\nusername = "u"\n'
        '[connectors.wechat.city]\nappid = "x"\nmodes = ["plain"]\n'
    )
    (fault,) = faults()
    assert "two channels" in fault


ACCOUNTS = """
[connectors.mailbox.mayor]
host = "imap.example.cn"
username = "u"
[connectors.wechat.city]
appid = "wx1"
[connectors.wecom.service]
corpid = "ww1"
open_kfids = ["wk1"]
[connectors.weibo_pull.lists]
[connectors.phone.cti]
[connectors.web.door.clients.app]
[backoffice.crm]
system = "crm"
kinds = ["redact"]
jurisdictions = ["210100"]
[sinks.webhook.map]
url = "https://map.example.cn/"
[answers.mayor]
smtp = {host = "smtp.example.cn", from_address = "mayor@example.cn", username = "u"}
"""


def test_who_asks_no_account_needs_none_of_their_secrets() -> None:
    """An analyst has the same file and no secret of it."""
    write(ACCOUNTS)
    assert len(faults()) >= 6
    found = load(accounts=False)
    assert set(found.connectors.sections["mailbox"]) == {"mayor"}
    assert found.connectors.sections["mailbox"]["mayor"].username == "u"
    assert set(found.sinks.webhook) == {"map"}
    assert found.file is not None


def test_answers_of_an_account_without_its_secret_keep_nobody_from_asking() -> None:
    write('[connectors.weibo_pull.lists]\naccess_token_file = "t"\n[answers.lists]\n')
    load()
    write('[connectors.wechat.city]\nappid = "a"\nmodes = ["plain"]\n[answers.city]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", "token")
        assert "connectors.wechat.city.secret is missing" in "".join(faults())
        load(accounts=False)


def test_what_an_account_lacks_by_a_rule_is_named_with_its_variable() -> None:
    write('[connectors.wechat.city]\nappid = "a"\n[connectors.asterisk.pbx]\nhost = "pbx.example.cn"\nusername = "u"\n')
    told = [one for one in faults() if "EncodingAESKey" in one]
    assert told == [
        "`connectors.wechat.city.aes_keys` is missing (safe and compatible mode need the EncodingAESKey): set "
        "HOTLINE_CONNECTORS__WECHAT__CITY__AES_KEYS."
    ]
    (tls,) = [one for one in faults() if "tls = tls" in one]
    assert tls.endswith("correct it in hotline.toml or variables that begin with HOTLINE_CONNECTORS__ASTERISK__PBX__.")


@each_row(
    ("more", "told"),
    [
        ("[connectors.mailbox.two]\nhost = 'h'\n", "`connectors.mailbox.two.username` is missing"),
        ("[connectors.phone.two]\nprot = 1\n", "`connectors.phone.two.prot` is not a setting"),
        ("[kafka]\npartitions = 'many'\n", "`kafka.partitions` cannot be used"),
        ("[sinks.elastic]\nbatch_max_documents = 0\n", "`sinks.elastic.batch_max_documents` cannot be used"),
    ],
)
def test_what_else_is_wrong_is_told_all_the_same(more: str, told: str) -> None:
    write(ACCOUNTS + more)
    with pytest.raises(FaultySettingsError, match=told.replace("(", r"\(")):
        load(accounts=False)
