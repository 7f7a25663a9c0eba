"""How `hotline try` shows its results to a person."""

from collections.abc import Iterable
from typing import Any

from rich.table import Column, Table

from hotline.cli.common import shown, there
from hotline.terminal import Console
from hotline.translation import t
from schemas.enums import counted
from schemas.records import Link, Message, Ticket

TEXT_CHARACTERS = 300


def show(results: Iterable[dict[str, Any]], console: Console | None = None) -> int:
    """Print one block for each input, and return how many they are."""
    console = console or Console()
    count = 0
    for count, result in enumerate(results, 1):  # noqa: B007 - it is returned
        console.print(f"[bold]{shown(result['input'])}[/]")
        console.print(_block(result))
    return count


def _block(result: dict[str, Any]) -> Table:
    table = Table.grid(Column(), Column(overflow="fold"), padding=(0, 2))  # Chinese has no blanks to wrap at
    for name, value in _rows(result):
        if value:
            table.add_row(f"  [dim]{t(name)}[/]", value)
    return table


def _rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    if (dead := result["dead"]) is not None:
        return [("dead letter", f"[red]{dead['code']}[/] {shown(t(dead['reason']))}")]
    return [*_message(result["message"]), *_ticket(result.get("ticket"), result.get("link"))]


def _message(message: Message) -> list[tuple[str, str]]:
    sender = f"{message.sender.name or ''} {message.sender.value}".strip() if message.sender else ""
    emergency = message.emergency
    return [
        ("message", message.message_id),
        ("from", shown(f"{sender} ({message.channel})".strip())),
        ("received", there(message.received_at)),
        ("class", "" if message.message_class == "person" else message.message_class),
        ("title", shown(message.title or "")),
        ("text", shown(_short(message.text))),
        ("files", shown(", ".join(file.name or file.id for file in message.attachments))),
        ("findings", shown(", ".join(f"{finding.kind}={finding.value}" for finding in message.findings))),
        ("emergency", f"[red]{emergency.level}: {', '.join(emergency.classes)}[/]" if emergency else ""),
    ]


def _ticket(ticket: Ticket | None, link: Link | None) -> list[tuple[str, str]]:
    if link is None:
        return []
    why = t(f"{link.relation} ({link.method}, score {link.score:g})")
    if ticket is None:
        return [("no ticket", why)]
    cluster = "" if ticket.cluster_id == ticket.ticket_id else ticket.cluster_id
    return [
        ("ticket", f"[green]{ticket.ticket_no}[/] {ticket.ticket_id}, {counted(ticket.message_count, 'message')}"),
        ("why", why),
        ("cluster", cluster),
        ("proposed", ", ".join(f"{one.relation} {one.target}" for one in ticket.proposals)),
    ]


def _short(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS else f"{text[:TEXT_CHARACTERS]} … ({len(text)} characters)"
