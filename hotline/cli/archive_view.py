"""How search, show and explain look to a person; every text of a citizen is stripped of control characters."""

from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from hotline.cli.common import readable, shown
from schemas.ids import SHANGHAI

if TYPE_CHECKING:
    from hotline.archive import Hit
    from hotline.explain import Explanation, Filed


def hits(found: "list[Hit]", console: Console | None = None) -> None:
    """Print one block for each ticket that was found."""
    console = console or Console(highlight=False)
    for hit in found:
        at = hit.received_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        console.print(
            f"[bold]{hit.ticket_no}[/]  {at}  {hit.channel}  {hit.status}  [dim]{hit.ticket_id}[/]", soft_wrap=True
        )
        console.print(_snippet(hit), soft_wrap=True)
    if not found:
        console.print("Nothing found.")


def _snippet(hit: "Hit") -> Text:
    text = Text("  " + readable(hit.snippet or hit.title or "").replace("\n", " "))
    for start, end in hit.marks:
        text.stylize("bold yellow", start + 2, end + 2)
    return text


def record(content: Any, console: Console | None = None) -> None:
    """Print the fields of a record that hold something, nested ones indented."""
    console = console or Console(highlight=False)
    console.print(_branches(Tree("", hide_root=True), msgspec.to_builtins(content)))


def _branches(tree: Tree, value: Any) -> Tree:
    items = value.items() if isinstance(value, dict) else ((str(number), item) for number, item in enumerate(value, 1))
    for name, item in items:
        if item in (None, "", (), [], {}):
            continue
        if isinstance(item, dict | list | tuple):
            _branches(tree.add(f"[dim]{shown(name)}[/]"), item)
        else:
            tree.add(f"[dim]{shown(name)}[/] {shown(str(item))}")
    return tree


def explanation(told: "Explanation", console: Console | None = None) -> None:
    """Print the walk as a tree."""
    console = console or Console(highlight=False)
    stand = f"version {told.version}, {told.status}, policy {told.policy_version}"
    head = f"[bold]{told.ticket_no}[/] {told.ticket_id}, {stand}"
    tree = Tree(head if told.ticket_id else "[bold]no ticket[/]")
    for edge in told.edges:
        tree.add(f"{edge['kind']} with {edge['ticket_id']}, score {edge['score']:g}")
    if told.cluster_id != told.ticket_id:
        tree.add(f"cluster {told.cluster_id}")
    for filed in told.messages:
        _message(tree, filed)
    console.print(tree)


def _message(tree: Tree, filed: "Filed") -> None:
    link = filed.link
    branch = tree.add(f"message {link.message_id}  {filed.channel or 'not indexed'}  {filed.received_at or ''}")
    why = f"{link.relation} by {link.method or 'no test'}, score {link.score:g}, {link.decided_by}"
    branch.add(f"{why}, policy {link.policy_version}").add(f"evidence: {', '.join(link.evidence) or 'none'}")
    branch.add(f"normalizer {filed.normalizer_version}, rules {filed.rules or 'none'}")
    if filed.text:
        branch.add(shown(filed.text))
    if (raw := filed.raw) is not None:
        state = f"{raw.bytes} bytes, {'intact' if raw.intact else '[red]not the bytes that came[/]'}"
        branch.add(f"raw {raw.place}: {state if raw.found else raw.fault}")
