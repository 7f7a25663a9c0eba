"""What the demo shows: messages as they come, tickets as they grow, hand-overs, and what a search finds."""

from collections.abc import Mapping

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from hotline.dev.demo.ledger import Ledger, Totals
from hotline.dev.demo.play import Result
from schemas.records import Link, Ticket
from tickets.masking.mask import mask_text
from tickets.search import Hit

RELATIONS = {
    "new": ("新工单", "new", "green"),
    "follow_up": ("后续", "follow-up", "cyan"),
    "same_person_same_matter": ("同人同事", "same matter", "yellow"),
    "same_matter_other_person": ("异人同事", "other person", "magenta"),
    "part_of": ("分段", "a part", "blue"),
}
URGENT = "🚨 "

SENT_LINES = 6
HANDOVER_LINES = 4
WIDE = 110
"""From so many columns on, a ticket's relation is told in both languages."""

_FRAMES = 9
"""Lines that are always there: the borders of three panels, the head of the table, one line for the cursor."""

_MEASURE = Console()

_BEFORE = 4
"""Characters that stand before a match, so that it is seen in one line."""


def opening(versions: Mapping[str, str]) -> RenderableType:
    """Return what is going to happen, for somebody who sees it for the first time."""
    return Group(
        Text("12345 政务服务便民热线 · the demo", style="bold"),
        Text(
            "Sample messages go through a mail server, SMS centres, signed callbacks (WeChat, 企业微信, Weibo, a call "
            f"centre), a web form and Open311 into Apache Kafka {versions['kafka']}; they become tickets (工单), which "
            f"Elasticsearch {versions['elasticsearch']} finds. "
            "All of it is real but the people."
        ),
        Text(),
    )


def stage(ledger: Ledger, sent: list[str], height: int = 60, width: int = 100) -> RenderableType:
    """Return the picture of this moment, in no more lines than the terminal has: a taller one would scroll away."""
    counts = _counts(ledger.totals(), ledger)
    told = list(ledger.handovers.values())[-HANDOVER_LINES:]
    left = height - _FRAMES - max(len(told), 1) - len(counts.wrap(_MEASURE, width))
    notes = sent[-(SENT_LINES if left > 2 * SENT_LINES else 2) :]
    alarms = [_line(f"{URGENT}{'/'.join(one.classes)} ({one.level})  {mask_text(one.text)}", "red") for one in told]
    return Group(
        _panel("来件 messages", *[_line(note) for note in notes]),
        _panel("工单 tickets", _tickets(ledger, max(left - max(len(notes), 1), 1), width >= WIDE)),
        _panel("紧急转接 hand-overs → 110 / 119 / 120 / 122", *alarms),
        counts,
    )


def summary(result: Result) -> RenderableType:
    """Return what the searches found and whether everything is accounted for."""
    totals = result.totals
    arrived = sum(totals.published.values())
    repeats = f"重复 repeats {totals.repeats}: sent once more, no ticket came of them · 重复来件不另立单"
    sums = (
        f"published {arrived} = messages {totals.messages} + dead {totals.dead};  "
        f"messages = tickets {totals.tickets} + linked {totals.linked} + no ticket {totals.no_ticket};  "
        f"indexed {result.indexed}"
    )
    verdict = Text("✔ 每一条来件都有着落 · every message is accounted for", style="bold green")
    if not result.complete:
        verdict = Text("✘ 账目不平 · the sums do not match", style="bold red")
    return Group(_panel("检索 search", _found(result)), Text(repeats), Text(sums), verdict)


def _panel(title: str, *lines: RenderableType) -> Panel:
    return Panel(Group(*lines) if lines else Text("…", "dim"), title=title, title_align="left", border_style="dim")


def _line(text: str, style: str = "") -> Text:
    return Text(text.replace("\n", " "), style, no_wrap=True, overflow="ellipsis")


def _table(*columns: str) -> Table:
    """Return a table whose last column takes what width is left, and is cut where there is too little."""
    fixed = [Column(name, no_wrap=True) for name in columns[:-1]]
    return Table(*fixed, Column(columns[-1], ratio=1), box=box.SIMPLE_HEAD, expand=True, show_edge=False)


def _counts(totals: Totals, ledger: Ledger) -> Text:
    reasons = f" ({', '.join(sorted(set(ledger.dead.values())))})" if ledger.dead else ""
    told = {
        "来件 received": sum(totals.published.values()),
        "工单 tickets": totals.tickets,
        "关联 linked": totals.linked,
        "不立单 no ticket": totals.no_ticket,
        "死信 dead letters": f"{totals.dead}{reasons}",
        "紧急转接 hand-overs": totals.handovers,
    }
    parts = [Text.assemble((name, "bold"), f" {count}") for name, count in told.items()]
    return Text("   ").join(parts)


def _tickets(ledger: Ledger, rows: int, wide: bool) -> Table:
    table = _table("编号 number", "版 v", "渠道 from", "关系", "内容 text, masked")
    last = {link.ticket_id: link for link in ledger.links.values() if link.relation != "no_ticket"}
    for ticket in sorted(ledger.tickets.values(), key=lambda ticket: ticket.updated_at)[-rows:]:
        table.add_row(*_row(ticket, last.get(ticket.ticket_id), wide))
    return table


def _row(ticket: Ticket, link: Link | None, wide: bool) -> tuple[RenderableType, ...]:
    chinese, english, colour = RELATIONS.get(link.relation if link else "new", ("", "", ""))
    urgent = URGENT if ticket.urgency != "normal" else ""
    words = _line(f"{urgent}{mask_text(ticket.title or ticket.text)}")
    relation = Text(f"{chinese} {english}" if wide else chinese, colour)
    return ticket.ticket_no, str(ticket.version), "+".join(ticket.channels), relation, words


def _found(result: Result) -> Table:
    table = _table("检索词 query", "命中 hits", "编号 number", "内容 text, masked")
    for query, hits in result.hits.items():
        table.add_row(query, str(len(hits)), hits[0].ticket_no if hits else "—", _snippet(hits))
    return table


def _snippet(hits: tuple[Hit, ...]) -> Text:
    """Return the line around the first match."""
    if not hits:
        return Text("—")
    hit = hits[0]
    first = max(hit.marks[0][0] - _BEFORE, 0) if hit.marks else 0
    text = _line(hit.snippet[first:])
    for start, end in hit.marks:
        text.stylize("bold yellow", start - first, end - first)
    return text
