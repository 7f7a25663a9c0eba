"""Definitions for Kafka, Elasticsearch and Prometheus: the files of `deploy/`, in the forms of the tools that apply
them.

The wheel contains the files as well, so that a host without a checkout has them.
"""

import re
import shlex
import sysconfig
from pathlib import Path
from textwrap import indent
from typing import Any

from schemas.errors import MisconfiguredError
from schemas.topics import TOPICS

_PLACES = (Path(__file__).parents[2] / "deploy", Path(sysconfig.get_path("data")) / "share" / "hotline")
"""Their folder in a checkout, and in an installed wheel."""

_STRIMZI = "kafka.strimzi.io/v1"
_CLUSTER = "strimzi.io/cluster"
_RESOURCES = {"--topic": "topic", "--group": "group", "--transactional-id": "transactionalId"}
_RUNBOOK = re.compile(r"(?<=runbook_url: )\S*/runbook\.md(?=#)")


def file(name: str) -> str:
    """Return the text of a file of `deploy/`. Raises MisconfiguredError if the installation lacks it."""
    for folder in _PLACES:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise MisconfiguredError(f"This installation lacks deploy/{name}: reinstall the wheel.")


def acls() -> str:
    """Return arguments of `kafka-acls.sh`, a line each."""
    return file("kafka-acls.txt")


def users(cluster: str) -> dict[str, Any]:
    """Return the same as Strimzi's KafkaUsers, which log in by SCRAM."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in acls().splitlines():
        if line and not line.startswith("#"):
            user, acl = _acl(shlex.split(line))
            found.setdefault(user, []).append(acl)
    made = [
        _strimzi("KafkaUser", user, cluster, authentication={"type": "scram-sha-512"}, authorization=_simple(rights))
        for user, rights in found.items()
    ]
    return _list(made)


def _simple(acls: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "simple", "acls": acls}


def _acl(words: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the user and the right of one line of the file."""
    given = [(word, value) for word, value in zip(words, [*words[1:], ""], strict=True) if word.startswith("--")]
    options = dict(given)
    kind = next((option for option in _RESOURCES if option in options), None)
    resource: dict[str, str] = {"type": "cluster"}
    if kind is not None:
        pattern = "prefix" if options.get("--resource-pattern-type") == "prefixed" else "literal"
        resource = {"type": _RESOURCES[kind], "name": options[kind], "patternType": pattern}
    operations = [value for word, value in given if word == "--operation"]
    return options["--allow-principal"].removeprefix("User:"), {"resource": resource, "operations": operations}


def topics(cluster: str, partitions: int, copies: int, common: dict[str, str]) -> dict[str, Any]:
    """Return every topic as Strimzi's KafkaTopic; `common` is the configuration that all of them have.

    `helm uninstall` keeps them: they hold citizens' words.
    """
    made = [
        _strimzi(
            "KafkaTopic", topic.name, cluster, partitions=topic.partitions or partitions, replicas=copies,
            config=common | topic.config,
        )
        for topic in TOPICS.values()
    ]  # fmt: skip
    for one in made:
        one["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    return _list(made)


def alerts(runbook: str | None) -> str:
    """Return Prometheus' rules; `runbook` is the URL of the runbook as pagers open it."""
    text = file("alerts.yml")
    return _RUNBOOK.sub(lambda _: runbook, text) if runbook else text


def rule(runbook: str | None) -> str:
    """Return the same as a PrometheusRule of the Prometheus operator."""
    head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: hotline}\nspec:\n"
    return head + indent(alerts(runbook), "  ")


def _strimzi(kind: str, name: str, cluster: str, **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": {_CLUSTER: cluster}}
    return {"apiVersion": _STRIMZI, "kind": kind, "metadata": metadata, "spec": spec}


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": items}
