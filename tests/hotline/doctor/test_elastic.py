"""The doctor at the real Elasticsearch, plain and behind TLS and an API key: each fault is one sentence."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch
from typer.testing import CliRunner

from connectors.web.archive import Wanted
from hotline.cli.app import app
from hotline.config.load import load
from hotline.dev.stack.stack import Endpoints
from hotline.doctor.elastic import examine_elasticsearch
from hotline.doctor.findings import Finding
from hotline.monitor.exporter import Monitor
from hotline.runtime.components_web import WebArchive
from schemas.contract import index_templates
from sinks.elastic.templates import ensure_indices
from tests.peers.certificates import DAY, Authority
from tests.peers.elastic_door import ElasticDoor

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.usefixtures("indices")]

KEY = "HOTLINE_ELASTICSEARCH__API_KEY"


def found() -> list[Finding]:
    return list(examine_elasticsearch(load()))


def fault() -> str:
    bad = [one for one in found() if one.outcome != "ok"]
    assert len(bad) == 1, bad
    assert bad[0].outcome == "mend", bad
    return bad[0].detail


@pytest.fixture
def indices(stack: Endpoints) -> None:
    """Every index of ours, as it should be."""

    async def ensure() -> None:
        async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as opened:
            await ensure_indices(opened)

    asyncio.run(ensure())


@pytest.fixture
def client(stack: Endpoints) -> Iterator[Elasticsearch]:
    with Elasticsearch(stack.elasticsearch_url, request_timeout=60) as opened:
        yield opened


def test_a_node_behind_tls_and_a_key_is_in_order(door: ElasticDoor) -> None:
    assert [(one.name, one.outcome) for one in found()] == [("Elasticsearch", "ok"), ("indices", "ok")]
    assert door.refused == []


def test_a_wrong_key_is_told_and_the_key_is_not(door: ElasticDoor, local: pytest.MonkeyPatch) -> None:
    local.setenv(KEY, "d3Jvbmc6a2V5")
    assert "refuses our login (401)" in fault()
    assert "d3Jvbmc6a2V5" not in fault()
    local.delenv(KEY)
    assert "refuses our login (401)" in fault()


def test_a_key_that_lacks_a_right_is_told_apart(door: ElasticDoor) -> None:
    door.forbidden = lambda method, path: path.startswith("/_index_template")
    assert (
        "denies this to our user (403 AuthorizationException): give it the role of deploy/elasticsearch-roles.json"
        in fault()
    )


def test_the_roles_of_the_example_are_enough_and_no_more(door: ElasticDoor, local: pytest.MonkeyPatch) -> None:
    """As far as their documentation says: the local node has no security to ask."""
    for role, verbs in {
        "hotline-sink": [["index", "create"], ["index", "describe"], ["doctor", "sink:elastic"]],
        "hotline-desk": [["search", "路灯", "--clear", "--reason", "x"], ["doctor", "desk"]],
        "hotline-restricted": [
            ["search", "路灯", "--restricted", "--reason", "x"],
            ["show", "210100-nothing"],
            ["doctor", "desk"],
        ],
        "hotline-analyst": [["search", "路灯"]],
        "hotline-monitor": [["status"], ["doctor", "monitor"]],
        "hotline-console": [["search", "路灯"]],
    }.items():
        local.setenv(KEY, door.keys[role])
        for verb in verbs:
            CliRunner().invoke(app, verb)
            assert door.refused == [], (role, verb)
    for role in ("hotline-desk", "hotline-analyst", "hotline-monitor"):
        local.setenv(KEY, door.keys[role])
        assert CliRunner().invoke(app, ["search", "路灯", "--restricted", "--reason", "x"]).exit_code == 2
        assert door.refused[-1][1:] == ("/hotline-ticket-restricted/_search", 403)
    local.setenv(KEY, door.keys["hotline-analyst"])
    assert CliRunner().invoke(app, ["search", "路灯", "--clear", "--reason", "x"]).exit_code == 2
    assert door.refused[-1][1:] == ("/hotline-ticket/_search", 403)


def test_who_may_not_ask_how_the_cluster_does_cannot_be_the_monitor(
    door: ElasticDoor, local: pytest.MonkeyPatch
) -> None:
    local.setenv(KEY, door.keys["hotline-analyst"])
    assert "denies this to our user (403" in CliRunner().invoke(app, ["doctor", "monitor"]).stdout
    local.setenv(KEY, door.keys["hotline-monitor"])
    assert "denies this to our user (403" not in CliRunner().invoke(app, ["doctor", "monitor"]).stdout


def doctor_of_the_monitor() -> list[str]:
    told = CliRunner().invoke(app, ["doctor", "monitor", "--json"]).stdout.splitlines()
    return [one["detail"] for one in map(json.loads, told) if one["name"] in ("Elasticsearch", "archive")]


def test_a_monitor_that_may_not_count_what_is_overdue_does_not_pretend_to_see(
    door: ElasticDoor, local: pytest.MonkeyPatch
) -> None:
    local.setenv(KEY, door.keys["hotline-monitor"])
    assert doctor_of_the_monitor()[-1] == "the monitor may search hotline-ticket-masked"
    Monitor(load()).look(datetime.now(UTC))
    assert door.refused == []
    door.forbidden = lambda method, path: path.endswith("/_search")
    assert "denies this to our user (403" in doctor_of_the_monitor()[-1]
    monitor = Monitor(load())
    monitor.look(datetime.now(UTC))
    assert "denies this to our user (403" in (monitor.trouble or "")
    assert monitor.last_look is None  # so MonitorBlind rings


def test_a_web_door_s_role_is_enough_for_its_questions(door: ElasticDoor, local: pytest.MonkeyPatch) -> None:
    async def ask() -> None:
        archive = WebArchive(load())
        await archive.newest(Wanted(jurisdiction="210100", start=datetime.now(UTC) - DAY, end=datetime.now(UTC)))
        await archive.ticket("210100-nothing")
        await archive.filed("m" * 26)
        await archive.close()

    local.setenv(KEY, door.keys["hotline-web"])
    asyncio.run(ask())
    assert door.refused == []


def doctor_of_the_receiver() -> list[str]:
    told = CliRunner().invoke(app, ["doctor", "receiver", "--json"]).stdout.splitlines()
    return [one["detail"] for one in map(json.loads, told) if one["name"] == "Elasticsearch"]


@pytest.mark.usefixtures("fresh_indices")
def test_a_receiver_with_a_web_door_is_asked_whether_it_may_search(
    door: ElasticDoor, local: pytest.MonkeyPatch, client: Elasticsearch
) -> None:
    local.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__APPID", "wx1")
    local.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__TOKENS", "token")
    local.setenv("HOTLINE_CONNECTORS__WECHAT__CITY__MODES", "plain")
    assert doctor_of_the_receiver() == []  # callbacks alone need no archive
    local.setenv("HOTLINE_CONNECTORS__WEB__DOOR__PUBLIC_URL", "https://12345.city.example/web")
    local.setenv(KEY, door.keys["hotline-web"])
    assert doctor_of_the_receiver() == ["the web form may search hotline-ticket-masked and hotline-link"]
    local.setenv(KEY, door.keys["hotline-analyst"])
    assert "denies this to our user (403" in doctor_of_the_receiver()[0]
    local.setenv(KEY, "d3Jvbmc6a2V5")
    assert "refuses our login (401)" in doctor_of_the_receiver()[0]
    local.setenv(KEY, door.keys["hotline-web"])
    client.indices.delete_alias(index="hotline-link-v1", name="hotline-link")
    try:
        assert doctor_of_the_receiver() == ["The alias hotline-link does not exist: run `hotline index create`."]
    finally:
        client.indices.put_alias(index="hotline-link-v1", name="hotline-link")
    local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "https://127.0.0.1:9")
    assert "does not answer (Connection refused)" in doctor_of_the_receiver()[0]


def test_tls_where_there_is_none_and_the_other_way_round(
    door: ElasticDoor, stack: Endpoints, local: pytest.MonkeyPatch
) -> None:
    local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", door.url.replace("https", "http"))
    assert "requires TLS: write https:// in `elasticsearch.hosts`" in fault()
    local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", stack.elasticsearch_url.replace("http", "https"))
    assert "does not use TLS: write http:// in `elasticsearch.hosts`" in fault()


def test_each_fault_of_a_certificate_is_told(
    door: ElasticDoor, stack: Endpoints, local: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    local.setenv("HOTLINE_ELASTICSEARCH__CA_CERTS", str(Authority(tmp_path, "another").certificate))
    assert "name its authority's certificate in `elasticsearch.ca_certs`" in fault()
    local.setenv("HOTLINE_ELASTICSEARCH__CA_CERTS", str(door.authority.certificate))
    for words, key in {
        "has expired: renew it": door.authority.issue("old", until=datetime.now(UTC) - DAY),
        "is for another host": door.authority.issue("elsewhere", host="es.example.cn"),
    }.items():
        with ElasticDoor(stack.elasticsearch_url, door.authority, key) as other:
            local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", other.url)
            assert words in fault()


def test_a_node_that_asks_for_our_certificate_gets_it(
    door: ElasticDoor, stack: Endpoints, local: pytest.MonkeyPatch
) -> None:
    ours, key = door.authority.issue("hotline-sink"), door.authority.issue("elasticsearch")
    with ElasticDoor(stack.elasticsearch_url, door.authority, key, asks=True) as asking:
        local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", asking.url)
        local.setenv("HOTLINE_ELASTICSEARCH__API_KEY", asking.api_key)
        assert [one.outcome for one in found()] != ["ok", "ok"]
        local.setenv("HOTLINE_ELASTICSEARCH__CLIENT_CERT", str(ours.file))
        assert [one.outcome for one in found()] == ["ok", "ok"]


def test_a_node_that_does_not_answer_hides_no_other(door: ElasticDoor, local: pytest.MonkeyPatch) -> None:
    local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", f"https://127.0.0.1:9,{door.url}")
    away, there, _ = found()
    assert (away.outcome, there.outcome) == ("wait", "ok")
    assert away.detail.startswith("Elasticsearch at 127.0.0.1:9 does not answer (Connection refused)")


def test_an_old_version_is_told(door: ElasticDoor) -> None:
    def old(path: str, body: bytes) -> bytes:
        return body.replace(b'"number":"9.5.3"', b'"number":"7.17.0"').replace(b'"9.5.3"', b'"7.17.0"')

    door.changed = old
    assert fault() == "The version of Elasticsearch is 7.17.0: use 8.19 or newer."


def test_a_red_cluster_is_told(local: pytest.MonkeyPatch, client: Elasticsearch) -> None:
    nowhere = {"index.routing.allocation.require._name": "nobody", "index.number_of_replicas": 0}
    client.indices.create(index="test-nowhere", settings=nowhere, wait_for_active_shards=0)
    try:
        (red,) = found()
        assert (red.outcome, "1 shards are unavailable" in red.detail) == ("wait", True)
    finally:
        client.indices.delete(index="test-nowhere")


def test_an_index_with_other_shards_than_the_settings_say_is_told(local: pytest.MonkeyPatch) -> None:
    local.setenv("HOTLINE_ELASTICSEARCH__SHARDS__TICKET", "2")
    assert fault().startswith(
        "The index hotline-ticket-v1 has 1 shard, and `elasticsearch.shards.ticket` is 2: run `ho"
    )


@pytest.mark.usefixtures("fresh_indices")
@pytest.mark.parametrize("block", ["read_only_allow_delete", "write"])
def test_an_index_that_takes_nothing_is_told(local: pytest.MonkeyPatch, client: Elasticsearch, block: str) -> None:
    """What Elasticsearch itself does when a disk reaches the flood stage."""
    client.indices.put_settings(index="hotline-ticket-v1", settings={f"index.blocks.{block}": True})
    try:
        assert f"The index hotline-ticket-v1 accepts no documents (index.blocks.{block}): free disk" in fault()
    finally:
        client.indices.put_settings(index="hotline-ticket-v1", settings={f"index.blocks.{block}": None})


@pytest.mark.usefixtures("fresh_indices")
def test_a_second_index_behind_an_alias_is_told(local: pytest.MonkeyPatch, client: Elasticsearch) -> None:
    client.indices.create(index="hotline-link-v7", aliases={"hotline-link": {}})
    try:
        assert fault().startswith("2 indices have the alias hotline-link (hotline-link-v1, hotline-link-v7)")
    finally:
        client.indices.delete(index="hotline-link-v7")


@pytest.mark.usefixtures("fresh_indices")
def test_a_missing_template_alias_or_field_and_another_type_are_told(
    local: pytest.MonkeyPatch, client: Elasticsearch
) -> None:
    client.indices.delete_index_template(name="hotline-message")
    assert fault() == "The index template hotline-message does not exist: run `hotline index create`."
    client.indices.delete(index="hotline-link-v1")
    properties = {"ticket_id": {"type": "text"}}
    client.indices.delete_index_template(name="hotline-link")
    client.indices.create(
        index="hotline-link-v1", mappings={"dynamic": False, "properties": properties}, aliases={"hotline-link": {}}
    )
    client.indices.delete_index_template(name="hotline-ticket-masked")
    client.indices.delete(index="hotline-ticket-masked-v1")
    client.indices.create(
        index="hotline-ticket-masked-v1",
        mappings=index_templates.plain_mapping("ticket"),
        aliases={"hotline-ticket-masked": {}},
    )
    told = [one.detail for one in found() if one.outcome == "mend"]
    assert any(one.startswith("The index hotline-ticket-masked-v1 is of an older version") for one in told)
    assert any(
        one.startswith("The field ticket_id of the index hotline-link-v1 has type text, not keyword") for one in told
    )
    assert "The index hotline-link-v1 has no field message_id: run `hotline index create`." in told
    client.indices.delete(index="hotline-link-v1")
    told = [one.detail for one in found() if one.outcome == "mend"]
    assert "The alias hotline-link does not exist: run `hotline index create`." in told
    client.indices.create(index="hotline-link")
    try:
        told = [one.detail for one in found() if one.outcome == "mend"]
        assert any(one.startswith("An index has the name of the alias hotline-link: delete it") for one in told)
    finally:
        client.indices.delete(index="hotline-link")


def test_another_city_that_gives_an_account_the_same_name_is_told(
    local: pytest.MonkeyPatch, client: Elasticsearch
) -> None:
    """Two settings files, one Kafka: what both name alike is one document of the archive."""
    for key, value in (("HOST", "imap.example.cn"), ("USERNAME", "x"), ("PASSWORD", "x"), ("JURISDICTION", "210100")):
        local.setenv(f"HOTLINE_CONNECTORS__MAILBOX__MAYOR__{key}", value)

    def told(source: str, city: str, *, at: str | None = None) -> list[str]:
        document = {"source": source, "jurisdiction": city, "ingested_at": at or datetime.now(UTC).isoformat()}
        kept = client.index(index="hotline-message-2026.11", document=document, refresh=True)
        try:
            return [one.detail for one in examine_elasticsearch(load(), searches=True) if one.outcome != "ok"]
        finally:
            client.delete(index="hotline-message-2026.11", id=kept["_id"], refresh=True)

    (fault,) = told("/hotline/mailbox/mayor", "330100")
    assert fault == (
        "The archive has messages of 330100 from an account mayor, the name of an account of 210100 here. If "
        "another city uses this name, messages of both become one document: rename one of them, unless the "
        "account was moved to 210100."
    )
    assert told("/hotline/mailbox/mayor", "210100") == []
    assert told("/hotline/mailbox/bureau", "330100") == []
    assert told("/hotline/sms/mayor", "330100") == []
    assert told("/hotline/mailbox/mayor", "330100", at="2026-01-05T00:00:00+00:00") == []


def test_what_answers_must_be_elasticsearch(door: ElasticDoor) -> None:
    door.changed = lambda path, body: json.dumps({"hello": "world"}).encode() if path == "/" else body
    assert fault() == "The service there does not answer like Elasticsearch: correct `elasticsearch.hosts`."
