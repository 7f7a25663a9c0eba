"""`hotline manifest` prints the files of deploy/ and the same in the forms of other tools."""

import json
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from hotline.admin import manifest
from hotline.cli.app import app
from schemas.topics import TOPICS
from tests.docs.pages import ROOT
from tests.peers import acls

pytestmark = pytest.mark.usefixtures("env")

FILES = {"kafka-users": "kafka-acls.txt", "roles": "elasticsearch-roles.json", "alerts": "alerts.yml"}
URL = "https://docs.example.cn/runbook"


def printed(*words: str) -> str:
    done = CliRunner().invoke(app, ["manifest", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def deployed(name: str) -> str:
    return (ROOT / "deploy" / name).read_text(encoding="utf-8")


def test_files_are_printed_as_they_lie_in_the_checkout() -> None:
    assert {what: printed(what) for what in FILES} == {what: deployed(name) for what, name in FILES.items()}


def test_the_wheel_has_the_files_where_they_are_looked_for() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*data["shared-data"]} == {f"deploy/{name}" for name in FILES.values()}
    folder = manifest._PLACES[1].relative_to(sysconfig.get_path("data"))
    assert {str(Path(place).parent) for place in data["shared-data"].values()} == {str(folder)}


def test_strimzi_gets_each_user_with_each_right() -> None:
    items = json.loads(printed("kafka-users", "--format", "strimzi", "--cluster", "city"))["items"]
    assert [one["metadata"]["name"] for one in items] == list(acls.users())
    assert {one["metadata"]["labels"]["strimzi.io/cluster"] for one in items} == {"city"}
    wanted = {_right(acl) for line in acls.lines() for acl in acls.acls_of(line)}
    found = {
        (one["metadata"]["name"], right["resource"]["type"].lower(), right["resource"].get("name", "kafka-cluster"),
         right["resource"].get("patternType", "literal"), operation.lower())
        for one in items for right in one["spec"]["authorization"]["acls"] for operation in right["operations"]
    }  # fmt: skip
    assert found == wanted


def _right(acl: Any) -> tuple[str, ...]:
    pattern = acl.resource_pattern
    kind = pattern.resource_type.name.replace("_", "").lower()
    shape = {"LITERAL": "literal", "PREFIXED": "prefix"}[pattern.pattern_type.name]
    user, operation = acl.principal.removeprefix("User:"), acl.operation.name.replace("_", "").lower()
    return user, kind, pattern.resource_name, shape, operation


def test_strimzi_gets_each_topic_and_keeps_it(env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_KAFKA__PARTITIONS", "32")
    items = json.loads(printed("topics"))["items"]
    assert [one["metadata"]["name"] for one in items] == list(TOPICS)
    for one, topic in zip(items, TOPICS.values(), strict=True):
        assert topic.config.items() <= one["spec"]["config"].items()
        assert one["spec"]["partitions"] == (topic.partitions or 32)
        assert one["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_a_pager_can_open_the_runbook() -> None:
    rules, operators = (
        yaml.safe_load(printed("alerts", "--runbook-url", URL)),
        printed("alerts", "--format", "operator"),
    )
    urls = [
        rule["annotations"]["runbook_url"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule
    ]
    assert {url.partition("#")[0] for url in urls} == {URL}
    made = yaml.safe_load(operators)
    assert (made["kind"], made["spec"]) == ("PrometheusRule", yaml.safe_load(deployed("alerts.yml")))
