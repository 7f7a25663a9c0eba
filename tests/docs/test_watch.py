"""The queries of the how-to and the alarms for Prometheus parse, and name metrics and labels that are declared."""

import base64
import re
from collections.abc import Iterator
from typing import get_args

import promql_parser
import yaml
from prometheus_client import Histogram

from connectors.runtime.health import State
from hotline.dev.reference.metrics import ROOMS, exposed, instruments
from schemas import ids
from tests.docs.pages import ROOMS as FOLDERS
from tests.docs.pages import ROOT
from tests.rows import each_row

PAGE = (ROOT / "docs" / "how-to" / "watch.md").read_text(encoding="utf-8")
QUERIES = [query.replace(r"\|", "|") for query in re.findall(r"^\| [^|]* \| `(.+)` \|$", PAGE, re.MULTILINE)]
RULES = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]


TARGET = {"job", "instance"}
"""Prometheus names the process that it asked by these itself, and tells in `up` whether it answered."""


def declared() -> dict[str, set[str]]:
    """Return the labels of every series that Prometheus gets from us."""
    series: dict[str, set[str]] = {"up": set(), "process_start_time_seconds": set()}
    series |= {rule["record"]: set() for rule in RULES if "record" in rule}
    for room in ROOMS:
        for one in instruments(room):
            labels = set(one._labelnames)
            is_histogram = isinstance(one, Histogram)
            parts = {"_bucket": {"le"}, "_sum": set(), "_count": set()} if is_histogram else {"": set()}
            series |= {f"{exposed(one)}{suffix}": labels | more for suffix, more in parts.items()}
    return {name: labels | TARGET for name, labels in series.items()}


SERIES = declared()


def selectors(query: str) -> Iterator[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(expression: promql_parser.Expr) -> bool:
        if isinstance(expression, promql_parser.VectorSelector):
            found.append(expression)
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    return iter(found)


@each_row("query", [*QUERIES, *(rule["expr"] for rule in RULES)])
def test_a_query_parses_and_asks_for_what_is_declared(query: str) -> None:
    asked = list(selectors(query))
    assert asked
    for one in asked:
        assert one.name in SERIES
        assert {matcher.name for matcher in one.matchers.matchers} <= SERIES[one.name]
    grouped = re.findall(r"by \(([\w, ]+)\)", query)
    labels = set().union(*(SERIES[str(one.name)] for one in asked))
    assert {label.strip() for group in grouped for label in group.split(",")} <= labels


def test_the_page_and_the_file_have_queries() -> None:
    assert len(QUERIES) > 10
    assert len(RULES) > 8
    assert {label for rule in RULES for label in re.findall(r"\$labels\.(\w+)", str(rule.get("annotations")))} <= {
        label for rule in RULES for label in re.findall(r"\w+", rule["expr"])
    } | {"connector"}


def test_the_trace_id_is_the_message_id() -> None:
    source, identifier = "/hotline/mailbox/mayor", "x"
    shown = base64.b32decode(ids.message_id(source, identifier).upper() + "======").hex()
    assert ids.traceparent(source, identifier).split("-")[1] == shown


def test_every_event_that_the_runbook_names_is_logged() -> None:
    """Somebody at night looks for that word, and finds nothing where it was renamed."""
    page = (ROOT / "docs" / "how-to" / "runbook.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", page))
    sources = "".join(path.read_text(encoding="utf-8") for room in FOLDERS for path in (ROOT / room).rglob("*.py"))
    there = set(re.findall(r"\w+", sources)) | {f"connector_{state}" for state in get_args(State)}
    assert named - there == {"node_timex_sync_status"}  # of the exporter of hosts
    assert not re.findall(r"into its log for `[a-z]+`", page), "no event is a single word"
    assert len(named) > 30
