"""The verdict of the fault suite is one line of JSON, and says what a machine without a peer leaves out."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults import __main__ as verb
from benchmarks.faults import sources
from benchmarks.faults.run import Plan, Report


def report(plan: Plan, folder: Path, **wrong: list[str]) -> Report:
    empty: dict[str, Any] = {}
    return Report(
        seed=plan.seed, sent=plan.messages, again=1, ordered=1, left_out={"mailbox": "dovecot is not installed"},
        planted=0, urgent=0, faults=empty, wrong=wrong, wrong_counts={kind: len(one) for kind, one in wrong.items()},
        restarts=empty, repeats=empty, dead=0, handed=0, answers=empty, most_unknown=empty, deliveries=0,
        repeats_delivered=0, erased=0, slowest_seconds=empty, slowest_of_faults=empty, takeovers=0,
        longest_takeover_seconds=0, fenced=0, seconds=0, settled_seconds=0,
    )  # fmt: skip


def test_the_verdict_on_all_seeds_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verb, "run", lambda plan, folder: report(plan, folder))
    assert verb.main(["--seeds", "2", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["passed"], told["seeds"], told["wrong"]) == (True, [1, 2], {})
    assert told["left_out"] == {"mailbox": "dovecot is not installed"}
    assert [one["sent"] for one in told["runs"]] == [20_000, 20_000]


def test_what_is_wrong_in_one_seed_is_the_verdict_on_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(plan: Plan, folder: Path) -> Report:
        return report(plan, folder, **({"doubled": ["hb1", "hb2"]} if plan.seed == 2 else {}))

    monkeypatch.setattr(verb, "run", found)
    assert verb.main(["--seeds", "2", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["wrong"]) == (False, {"doubled": 2})


def test_without_a_mail_server_the_crowd_writes_by_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "missing", lambda: "dovecot is not installed")
    assert sources.left_out() == {"mailbox": "dovecot is not installed"}
    assert {one.channel for one in sources.crowd(200, 7)} == {"wechat", "sms"}


def test_the_crowd_writes_again_beside_and_under_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "missing", lambda: None)
    sent = sources.crowd(300, 7, sources.CITIES[:2])
    again = [one for one in sent if one.first is not one]
    assert {one.channel for one in again if one.answers} == {"mailbox"}
    assert {one.channel for one in again if not one.answers} == {"mailbox", "wechat", "sms"}
    assert all((one.sender, one.city, one.channel) == (f"c{one.first.number}", one.first.city, one.first.channel)
               for one in again)  # fmt: skip
    assert all(one.first.first is one.first and one.first.number < one.number for one in again)
    assert any(one.beside for one in sent)
    assert any(one.is_ordered for one in sent)
    assert [one.text for one in sources.crowd(300, 7, sources.CITIES[:2])] == [one.text for one in sent]
