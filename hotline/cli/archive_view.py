"""How search, show and explain look to a person; every text of a citizen is stripped of control characters."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from rich.text import Text
from rich.tree import Tree

from hotline.cli.common import there
from hotline.output import readable
from hotline.terminal import Console
from hotline.translation import is_chinese, t
from schemas.enums import CHANNELS, STATUSES, Words
from schemas.ids import SHANGHAI

if TYPE_CHECKING:
    from hotline.admin.explain import Explanation, Filed, Raw
    from tickets.search import Answer, Hit


def hits(found: "Sequence[Hit]", console: Console | None = None) -> None:
    """Print one block for each ticket that was found."""
    console = console or Console(highlight=False)
    rung = "words"
    for hit in found:
        if hit.rung != rung:
            rung = hit.rung
            console.print(_text((f"— {t(_RUNGS[rung])} —", "bold")))
        at = hit.received_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        told = f"  {at}  {named(CHANNELS, hit.channel)}  {named(STATUSES, hit.status)}  "
        console.print(_text((hit.ticket_no, "bold"), (told, ""), (hit.ticket_id, "dim")), soft_wrap=True)
        console.print(_snippet(hit), soft_wrap=True)


def named(words: Words, word: str) -> str:
    """Return a word of the records in the language of the terminal."""
    return words.get(word, word) if is_chinese() else word


_RUNGS = {"words": "As written", "sounds": "Sounds alike", "most": "Most of it"}


def summary(answer: "Answer") -> "Iterator[str]":
    """Yield what a person should know of an answer: how many were found how, and what was looked for besides."""
    for one in answer.synonyms:
        yield f"Synonyms of {one.word}: {', '.join(one.also)}."
    for rung in answer.rungs:
        if not rung.total:
            continue
        yield f"{_RUNGS[rung.name]}: {len(rung.hits)} of {rung.total}."


def _snippet(hit: "Hit") -> Text:
    text = Text("  " + readable(hit.snippet or hit.title or "").replace("\n", " "))
    for start, end in hit.marks:
        text.stylize("bold yellow", start + 2, end + 2)
    return text


def record(content: Any, console: Console | None = None) -> None:
    """Print the fields of a record that hold something, nested ones indented, times in Chinese time."""
    console = console or Console(highlight=False)
    console.print(_branches(Tree("", hide_root=True), msgspec.to_builtins(content, builtin_types=(datetime,))))


def _branches(tree: Tree, value: Any) -> Tree:
    items = value.items() if isinstance(value, dict) else ((str(number), item) for number, item in enumerate(value, 1))
    for name, item in items:
        if item in (None, "", (), [], {}):
            continue
        if isinstance(item, dict | list | tuple):
            _branches(tree.add(_text((name, "dim"))), item)
        else:
            tree.add(_text((name, "dim"), (f" {there(item) if isinstance(item, datetime) else item}", "")))
    return tree


def explanation(told: "Explanation", console: Console | None = None) -> None:
    """Print the walk as a tree."""
    console = console or Console(highlight=False)
    stand = t(f"{told.ticket_id}, version {told.version}, {told.status}, policy {told.policy_version}")
    head = _text((told.ticket_no or "", "bold"), (f" {stand}", "")) if told.ticket_id else Text(t("no ticket"), "bold")
    tree = Tree(head)
    for edge in told.edges:
        tree.add(_text((t(f"{edge['kind']} with {edge['ticket_id']}, score {edge['score']:g}"), "")))
    if told.cluster_id != told.ticket_id:
        tree.add(_text((" ".join(filter(None, (t("cluster"), told.cluster_no, told.cluster_id))), "")))
    for filed in told.messages:
        _message(tree, filed)
    for one in told.answers:
        how = f"{one.state}{f' ({one.code})' if one.code else ''}"
        tree.add(_text((t(f"answer by {one.account}  {one.channel}  {there(one.at)}  {how}"), "")))
    console.print(tree)


def _message(tree: Tree, filed: "Filed") -> None:
    link = filed.link
    at = there(filed.received_at) if filed.received_at else ""
    head = t(f"message {link.message_id}  {filed.channel or 'not indexed'}  {at}")
    branch = tree.add(_text((head, "")))
    test = f"{link.relation} by {link.method or 'no test'}, score {link.score:g}"
    reasons = branch.add(_text((t(f"{test}, {link.decided_by}, policy {link.policy_version}"), "")))
    reasons.add(_text((f"{t('evidence')}: {', '.join(link.evidence) or t('none')}", "")))
    if filed.channel is None:
        branch.add(_text((t("the archive does not have this message: it is not indexed yet, or erased"), "yellow")))
        return
    rules = ", ".join(" by ".join(rule) for rule in filed.rules.items())
    branch.add(_text((t(f"normalizer {filed.normalizer_version}, rules {rules or t('none')}"), "")))
    if filed.text:
        branch.add(_text((filed.text, "")))
    if filed.raw is not None:
        branch.add(_raw(filed.raw))


def _raw(raw: "Raw") -> Text:
    if not raw.found:
        return _text((f"{t('raw')}{raw.place and ' '}{raw.place}: {t(raw.fault or '')}", ""))
    state = (t("intact"), "") if raw.intact else (t("the bytes differ from those received"), "red")
    return _text((t(f"raw {raw.place}: {raw.bytes} bytes, "), ""), state)


def _text(*parts: tuple[str, str]) -> Text:
    """Return words and their styles; nothing in them is markup, whoever wrote it."""
    return Text.assemble(*((readable(words), style) for words, style in parts))
