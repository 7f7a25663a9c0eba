"""What the demo shows: messages as they come, tickets as they grow, hand-overs, and what a search finds."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hotline.archive import Hit
from hotline.demo.ledger import Ledger
from hotline.demo.play import Result
from schemas.records import Link, Ticket
from tickets.masking import mask_text

ROWS = 14
RELATIONS = {
    "new": ("新工单", "green"),
    "follow_up": ("后续", "cyan"),
    "same_person_same_matter": ("同人同事", "yellow"),
    "no_ticket": ("不立单", "dim"),
}


def stage(ledger: Ledger, sent: list[str]) -> RenderableType:
    """Return the picture of this moment."""
    totals = ledger.totals()
    line = Text.assemble(
        ("来件 ", "bold"), f"{sum(totals.published.values())}  ",
        ("工单 ", "bold"), f"{totals.tickets}  ", ("关联 ", "bold"), f"{totals.linked}  ",
        ("不立单 ", "bold"), f"{totals.no_ticket}  ", ("死信 ", "bold"), f"{totals.dead}  ",
        ("紧急转接 ", "bold red"), f"{totals.handovers}",
    )  # fmt: skip
    return Group(_sent(sent), _tickets(ledger), _handovers(ledger), line)


def summary(result: Result) -> RenderableType:
    """Return what the searches found and whether everything is accounted for."""
    found = Table("检索 search", "命中 hits", "工单 ticket", "内容 (masked)", title="检索 Archive", expand=True)
    for query, hits in result.hits.items():
        found.add_row(query, str(len(hits)), hits[0].ticket_no if hits else "—", _snippet(hits))
    totals = result.totals
    arrived = sum(totals.published.values())
    sums = (
        f"published {arrived} = messages {totals.messages} + dead {totals.dead};  "
        f"messages = tickets {totals.tickets} + linked {totals.linked} + no ticket {totals.no_ticket};  "
        f"indexed {result.indexed}"
    )
    verdict = Text("✔ 每一条来件都有着落 · every message is accounted for", style="bold green")
    if not result.complete:
        verdict = Text("✘ 账目不平 · the sums do not match", style="bold red")
    return Group(found, Text(sums), verdict)


def _sent(sent: list[str]) -> Panel:
    return Panel(Text("\n".join(sent[-6:]) or "…"), title="来件 Messages", title_align="left")


def _tickets(ledger: Ledger) -> Table:
    table = Table(
        "工单编号", "版本", "渠道", "关系", "内容 (masked)", title="工单 Tickets", title_justify="left", expand=True
    )
    last = {link.ticket_id: link for link in ledger.links.values() if link.relation != "no_ticket"}
    newest = sorted(ledger.tickets.values(), key=lambda ticket: ticket.updated_at)[-ROWS:]
    for ticket in newest:
        table.add_row(*_row(ticket, last.get(ticket.ticket_id)))
    return table


def _row(ticket: Ticket, link: Link | None) -> tuple[RenderableType, ...]:
    relation, colour = RELATIONS.get(link.relation if link else "new", ("", ""))
    urgent = "🚨 " if ticket.urgency != "normal" else ""
    words = mask_text(ticket.title or ticket.text)[:38]
    return ticket.ticket_no, str(ticket.version), "+".join(ticket.channels), Text(relation, colour), f"{urgent}{words}"


def _handovers(ledger: Ledger) -> Panel:
    lines = [
        f"🚨 {'/'.join(handover.classes)} ({handover.level})  {mask_text(handover.text)[:60]}"
        for handover in ledger.handovers.values()
    ]
    return Panel(Text("\n".join(lines) or "…", style="red"), title="紧急转接 Hand-overs", title_align="left")


def _snippet(hits: list[Hit]) -> Text:
    if not hits:
        return Text("—")
    text = Text(hits[0].snippet.replace("\n", " "))
    for start, end in hits[0].marks:
        text.stylize("bold yellow", start, end)
    return text
