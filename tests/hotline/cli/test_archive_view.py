"""What search, show and explain print is text: a value that looks like markup or moves the cursor is shown as it is."""

import io
from datetime import UTC, datetime

import msgspec
from obstore.store import MemoryStore
from rich.console import Console

from broker.config import KafkaConnection
from hotline.admin.explain import Explanation, Filed, Raw, looks_up
from hotline.cli import archive_view
from hotline.translation import in_language, t
from schemas.records import Link
from sinks.eraser import Target, emptied
from tickets.search import Answer, Hit, Rung, Synonyms

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
ODD = "[/b][red]\x1b[31m"
SEEN = "[/b][red]\N{REPLACEMENT CHARACTER}[31m"


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=200, force_terminal=True, color_system=None, highlight=False), out


def told(raw: Raw) -> Explanation:
    link = Link(
        message_id=f"m{ODD}", jurisdiction="210100", relation=f"new{ODD}", method=f"method{ODD}", decided_at=NOW,
        evidence=(f"evidence{ODD}",), policy_version=f"policy{ODD}",
    )  # fmt: skip
    filed = Filed(link=link, channel=f"channel{ODD}", received_at=NOW, rules={"rule": ODD}, raw=raw, text=f"text{ODD}")
    return Explanation(
        ticket_id=f"id{ODD}", ticket_no=f"no{ODD}", status=f"status{ODD}", cluster_id=f"cluster{ODD}",
        cluster_no=f"number{ODD}",
        edges=[{"kind": f"kind{ODD}", "ticket_id": f"other{ODD}", "score": 1.0}], messages=[filed],
    )  # fmt: skip


def test_explain_shows_every_value_as_it_is() -> None:
    for raw in (Raw(place=f"place{ODD}", found=True, bytes=1), Raw(place=ODD, found=False, fault=f"fault{ODD}")):
        screen, out = console()
        archive_view.explanation(told(raw), screen)
        printed = out.getvalue()
        assert "\x1b[31m" not in printed
        names = (
            "m",
            "new",
            "method",
            "evidence",
            "policy",
            "channel",
            "text",
            "id",
            "no",
            "status",
            "cluster",
            "number",
        )
        assert [name for name in (*names, "kind", "other") if f"{name}{SEEN}" not in printed] == []
        assert "2026-11-25T16:30:00+08:00" in printed
        assert f"place{SEEN}" in printed or f"fault{SEEN}" in printed


def test_explain_says_that_a_message_is_not_there() -> None:
    link = Link(message_id="m1", jurisdiction="210100", relation="new", decided_at=NOW, policy_version="2026.1")
    screen, out = console()
    archive_view.explanation(Explanation(ticket_id="t1", cluster_id="t1", messages=[Filed(link=link)]), screen)
    assert "the archive does not have this message: it is not indexed yet, or erased" in out.getvalue()
    assert "normalizer" not in out.getvalue()


def test_explain_says_of_an_erased_message_that_its_bytes_went_with_it() -> None:
    erased = emptied(Target("m1", None, "210100", NOW, whole=True))
    raw = looks_up(KafkaConnection(bootstrap_servers="127.0.0.1:9"), MemoryStore())(erased)
    screen, out = console()
    archive_view.explanation(told(raw), screen)
    assert "raw: erased with the message" in out.getvalue()


def test_search_shows_every_value_as_it_is() -> None:
    screen, out = console()
    hit = Hit(
        ticket_id=f"id{ODD}", ticket_no=f"no{ODD}", status=f"status{ODD}", channel=f"channel{ODD}", received_at=NOW,
        snippet=f"snippet{ODD}",
    )  # fmt: skip
    archive_view.hits([hit], screen)
    assert [
        name for name in ("id", "no", "status", "channel", "snippet") if f"{name}{SEEN}" not in out.getvalue()
    ] == []


def test_show_shows_every_value_as_it_is() -> None:
    screen, out = console()
    archive_view.record({f"name{ODD}": [f"item{ODD}"], "extra": {f"key{ODD}": 1, "at": NOW}}, screen)
    assert [name for name in ("name", "item", "key") if f"{name}{SEEN}" not in out.getvalue()] == []
    assert "at 2026-11-25T16:30:00+08:00" in out.getvalue()


def test_each_rung_of_a_search_has_its_heading_and_its_sum() -> None:
    hit = Hit(ticket_id="a", ticket_no="n", status="registered", channel="sms", received_at=NOW, snippet="傅家庄")
    heard = msgspec.structs.replace(hit, ticket_id="b", rung="sounds")
    answer = Answer(
        total=1,
        rungs=(Rung(name="words", total=1, hits=(hit,)), Rung(name="sounds", total=30, hits=(heard,))),
        synonyms=(Synonyms(word="暖气", also=("供暖", "供热")),),
    )
    screen, out = console()
    archive_view.hits(answer.hits, screen)
    assert [line.strip() for line in out.getvalue().splitlines()][2] == "— Sounds alike —"
    lines = list(archive_view.summary(answer))
    assert lines == ["Synonyms of 暖气: 供暖, 供热.", "As written: 1 of 1.", "Sounds alike: 1 of 30."]
    with in_language("zh"):
        assert [t(line) for line in lines][1:] == ["逐字相符：共 1 件，列出 1 件。", "读音相同：共 30 件，列出 1 件。"]
