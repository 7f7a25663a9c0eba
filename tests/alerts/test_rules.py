"""The alarms by themselves: `promtool` finds them in order, each rings in its time, and the runbook knows each."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.cases import CASES, LOOKS, STANDING, Case
from tests.docs.pages import ROOT, anchors
from tests.peers import prometheus
from tests.peers.presence import require

pytestmark = pytest.mark.long

FILE = ROOT / "deploy" / "alerts.yml"
RUNBOOK = ROOT / "docs" / "how-to" / "runbook.md"
RULES = [rule for group in yaml.safe_load(FILE.read_text("utf-8"))["groups"] for rule in group["rules"]]
ALARMS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = [rule for rule in RULES if "record" in rule]

MAYOR = {"connector": "mayor"}
Rule = dict[str, Any]
PARTS = ("Means", "Look", "Do", "Over")


def rendered(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels.get(found[1], ""), text)


def promtool_test(alarm: str, case: Case) -> dict[str, Any]:
    """A test of promtool: one look before it rings and one when it does."""
    labels = case.labels | ALARMS[alarm]["labels"]
    annotations = {name: rendered(text, labels) for name, text in ALARMS[alarm]["annotations"].items()}
    rings = [{"exp_labels": labels, "exp_annotations": annotations}]
    looks = [
        {"eval_time": f"{minute}m", "alertname": alarm, "exp_alerts": expected}
        for minute, expected in ((case.quiet, []), (case.rings, rings))
        if minute is not None
    ]
    series = [{"series": name, "values": values} for name, values in (STANDING | case.series).items()]
    return {"interval": "1m", "name": alarm, "input_series": series, "alert_rule_test": looks}


@pytest.fixture(autouse=True)
def promtool() -> None:
    require(prometheus.missing())


def run(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_files_are_in_order() -> None:
    assert f"{len(RULES)} rules found" in run("check", "rules", str(FILE))
    assert "SUCCESS" in run("check", "config", str(FILE.with_name("prometheus.yml")))


def told(tries: Sequence[tuple[Sequence[Rule], str]], folder: Path) -> list[str]:
    """Return what promtool finds wrong with each of these rules when their alarm is looked at, "" when nothing.

    It reads JSON, too, which takes Python no time to write, and collects its rubbish seldom: a sixth of its CPU.
    """
    files = []
    for number, (rules, alarm) in enumerate(tries):
        file, alone = folder / f"looks-{number}.yml", folder / f"rules-{number}.yml"
        alone.write_text(json.dumps({"groups": [{"name": "hotline", "rules": [*rules]}]}), "utf-8")
        tests = [promtool_test(alarm, case) for name, case in LOOKS if name == alarm]
        file.write_text(json.dumps({"rule_files": [str(alone)], "evaluation_interval": "1m", "tests": tests}), "utf-8")
        files.append(str(file))
    command, seldom = ["promtool", "test", "rules", *files], {"GOGC": "800"}
    done = subprocess.run(
        command, env=os.environ | seldom, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    answers = done.stdout.split("Unit Testing:")[1:]
    assert len(answers) == len(files), done.stdout
    return ["" if answer.strip().endswith("SUCCESS") else answer for answer in answers]


def test_each_rings_in_its_time_and_not_before(tmp_path: Path) -> None:
    assert CASES.keys() == ALARMS.keys()
    assert "".join(told([([*RECORDED, rule], alarm) for alarm, rule in ALARMS.items()], tmp_path)) == ""


def wrong(rule: Rule) -> Iterator[Rule]:
    """Yield the rule with one thing wrong: a bound, a comparison, a label left out, a half of it, a wait."""
    expr: str = rule["expr"]
    for found in re.finditer(r"(?<= )\d[\de.]*(?![\w\]])", expr):
        for number in (float(found[0]) * 2 or 1, float(found[0]) / 2 or -1):
            yield rule | {"expr": f"{expr[: found.start()]}{number}{expr[found.end() :]}"}
    for found in re.finditer(" [<>] ", expr):
        yield rule | {"expr": f"{expr[: found.start()]} {'<>'[found[0] == ' < ']} {expr[found.end() :]}"}
    for found in re.finditer(r"\{.*?\}", expr):
        yield rule | {"expr": expr[: found.start()] + expr[found.end() :]}
    for half in expr.split(" or ") * (" or " in expr):
        yield rule | {"expr": half}
    if wait := re.fullmatch(r"(\d+)([mh])", rule.get("for", "")):
        yield rule | {"for": f"{int(wait[1]) * 2}{wait[2]}"}
        yield rule | {"for": "0s"}


def passing(tries: Sequence[tuple[Sequence[Rule], str]], folder: Path) -> list[Sequence[Rule]]:
    return [rules for (rules, _), fault in zip(tries, told(tries, folder), strict=True) if not fault]


@pytest.mark.parametrize("alarm", ALARMS)
def test_a_rule_that_is_wrong_does_not_pass(alarm: str, tmp_path: Path) -> None:
    assert passing([([*RECORDED, rule], alarm) for rule in wrong(ALARMS[alarm])], tmp_path) == []


def test_what_others_stand_on_does_not_pass_when_it_is_wrong(tmp_path: Path) -> None:
    (young,) = RECORDED
    assert passing([([rule, ALARMS["WorkerFenced"]], "WorkerFenced") for rule in wrong(young)], tmp_path) == []


def test_the_runbook_has_each_alarm_and_no_other_one() -> None:
    text = RUNBOOK.read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [*ALARMS]
    for alarm, part in zip(ALARMS, text.split("\n## ")[1:], strict=True):
        assert re.findall(r"^\*\*(\w+)\.\*\*", part, re.MULTILINE) == [*PARTS], alarm


def test_each_alarm_says_the_same_in_both_languages() -> None:
    for alarm, rule in ALARMS.items():
        english, chinese = (rule["annotations"][name] for name in ("summary", "summary_zh"))
        assert re.search(r"[\u4e00-\u9fff]", chinese), alarm
        assert sorted(re.findall(r"\$labels\.\w+", english)) == sorted(re.findall(r"\$labels\.\w+", chinese)), alarm


def test_each_alarm_leads_to_its_place_in_the_runbook() -> None:
    for alarm, rule in ALARMS.items():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (ROOT / page, anchor) == (RUNBOOK, alarm.lower())
        assert anchor in anchors(RUNBOOK)
        assert rule["labels"]["severity"] in ("critical", "warning")
