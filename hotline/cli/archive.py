"""`hotline search`, `show` and `explain`: what the archive knows; masked unless --clear."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from hotline.cli.common import (
    AsJson,
    Clear,
    Reason,
    Restricted,
    print_json,
    refuse_misread,
    refuse_unreasoned,
    say,
    settings_of,
)
from hotline.cli.narrowing import narrowed
from hotline.cli.output import Column, lists
from hotline.cli.subjects import refuse_unknown
from hotline.output import readable
from hotline.translation import is_chinese, t
from schemas.enums import CHANNELS, RUNGS, STATUSES, URGENCIES

if TYPE_CHECKING:
    from hotline.search.archive import Archive
    from schemas.enums import Words
    from tickets.search import Answer, Filters, Hit

PATIENCE_SECONDS = 15.0

T = TypeVar("T")
Name = Annotated[str, typer.Argument(metavar="ID", help="A ticket's id, its number (工单编号), or a message's id.")]


def _blocks(found: Sequence[Any]) -> None:
    from hotline.cli import archive_view

    archive_view.hits(found)


def _named(words: "Words") -> Callable[[str], str]:
    """Return what shows a word in the language of the terminal."""
    return lambda word: words.get(word, word) if is_chinese() else word


COLUMNS = (
    Column("ticket_no", "工单编号"),
    Column("received_at", "受理时间"),
    Column("channel", "渠道", shown=_named(CHANNELS)),
    Column("status", "工单状态", shown=_named(STATUSES)),
    Column("urgency", "紧急程度", shown=_named(URGENCIES)),
    Column("snippet", "内容", lambda hit: hit.snippet or hit.title),
    Column("ticket_id", "工单标识"),
    Column("rung", "匹配方式", shown=_named(RUNGS)),
)


@lists(COLUMNS, nothing="Nothing found.", plain=_blocks)
@narrowed
def search(
    ctx: typer.Context,
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY", help="Words that must all be there.")] = None,
    *,
    without: Annotated[list[str] | None, typer.Option("--not", help="Words that must not be there.")] = None,
    filters: "Filters",
    sort: Annotated[
        Literal["newest", "relevance", "deadline"],
        typer.Option(help="Newest first, best match first, or the next deadline (办结时限) first."),
    ] = "newest",
    as_written: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="A word whose synonyms are not looked for; once for each word."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many of each rung.")] = 20,
    clear: Clear = False,
    restricted: Restricted = False,
    reason: Reason = None,
) -> "list[Hit]":
    """Find tickets: by every word or a synonym; if they are few, also by sound, and by most of a sentence.

    "…" is an exact phrase, 或 or | is OR, -WORD is NOT.
    """
    from hotline.cli import archive_view
    from tickets.search import Query, Sight

    words = question(query or (), without or ())
    refuse_misread(words)
    sight: Sight = "restricted" if restricted else "clear" if clear else "masked"
    clear = clear or restricted
    refuse_unreasoned(clear, reason)

    async def find(archive: "Archive") -> "Answer":
        query = Query(
            text=words, sight=sight, sort=sort, limit=limit, filters=filters, as_written=tuple(as_written or ())
        )
        found = await archive.search(query)
        if not found.hits:
            await refuse_unknown(archive, filters.category, settings_of(ctx, accounts=False))
        return found

    answer = ask(ctx, find, restricted=restricted)
    hits = list(answer.hits)
    for line in archive_view.summary(answer):
        say(t(line), err=True)
    if clear:
        _log(ctx, (hit.ticket_id for hit in hits), reason, "title", "search_text")
    return hits


def question(wanted: Iterable[str], unwanted: Iterable[str]) -> str:
    """Return one query of the words that must be there and, each behind a minus, those that must not."""
    return " ".join([*wanted, *(f"-{word}" for words in unwanted for word in words.split())])


def show(
    ctx: typer.Context,
    name: Name,
    clear: Clear = False,
    restricted: Restricted = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Show a ticket or a message."""
    from hotline.cli import archive_view
    from hotline.search.redact import hidden
    from schemas.errors import MisconfiguredError

    refuse_misread(name)
    clear = clear or restricted
    refuse_unreasoned(clear, reason)

    async def find(archive: "Archive") -> Any:
        ticket = await archive.ticket(name, sight="clear" if clear else "masked")
        if ticket is not None:
            return ticket, ticket.ticket_id
        message = await archive.message(name)
        link = await archive.link(message.message_id) if message else None
        of_ticket = link.ticket_id if link else None
        if of_ticket and await archive.ticket(of_ticket) is None:
            return None, None  # its ticket is restricted, or a sink has not brought it yet
        return message, of_ticket

    found, of_ticket = ask(ctx, find, restricted=restricted)
    if found is None:
        raise MisconfiguredError(f"The archive has no ticket or message {readable(name)}: see `hotline search`.")
    if clear and of_ticket:
        _log(ctx, [of_ticket], reason, "all")
    elif clear:
        _log_alone(ctx, found.message_id, reason)
    # The ticket came masked from its own index; of messages there is only one in clear.
    shown = found if clear or hasattr(found, "ticket_no") else hidden(found)
    if as_json:
        print_json(shown)
    else:
        archive_view.record(shown)


def explain(
    ctx: typer.Context,
    name: Name,
    clear: Clear = False,
    restricted: Restricted = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Walk from a ticket to its links, messages, raw records and bytes, with the versions of the rules."""
    from hotline.admin.explain import explain as walk
    from hotline.admin.explain import looks_up, with_answers
    from hotline.cli import archive_view
    from hotline.config import clients

    refuse_misread(name)
    clear = clear or restricted
    refuse_unreasoned(clear, reason)
    settings = settings_of(ctx, accounts=False)
    raw = looks_up(clients.kafka(settings), clients.blobs(settings))
    told = ask(ctx, lambda archive: walk(archive, name, raw, clear=clear), restricted=restricted)
    if settings.answers:
        told = with_answers(told, clients.kafka(settings))
    if clear and told.ticket_id:
        _log(ctx, [told.ticket_id], reason, "all")
    elif clear:
        _log_alone(ctx, told.messages[0].link.message_id, reason)
    if as_json:
        print_json(told)
    else:
        archive_view.explanation(told)


def _log(ctx: typer.Context, tickets: Iterable[str], reason: str | None, *fields: str) -> None:
    """Leave a trace of who reads what in clear; without Kafka nobody does."""
    from hotline.admin.commands import log_reads
    from hotline.config.clients import kafka

    settings = settings_of(ctx, accounts=False)
    log_reads(settings, kafka(settings), tickets, reason, *fields)


def _log_alone(ctx: typer.Context, message_id: str, reason: str | None) -> None:
    """Leave the same trace of a message that no ticket has, which could tell of it: an auto-reply, a bounce."""
    from hotline.admin import audit
    from hotline.config.clients import kafka

    settings = settings_of(ctx, accounts=False)
    audit.record(kafka(settings), audit.run_of(settings, reason).act(audit.READ, datetime.now(UTC), message_id))


def ask(ctx: typer.Context, question: Callable[["Archive"], Awaitable[T]], *, restricted: bool = False) -> T:
    """Return what the archive answers, asked about restricted tickets alone or about all others."""
    from hotline.config.clients import rest
    from hotline.search.archive import Archive

    async def asked() -> T:
        settings = settings_of(ctx, accounts=False)
        with rest(settings, PATIENCE_SECONDS) as client:
            return await question(Archive(client, restricted=restricted, rules_folder=settings.rules.folder))

    return asyncio.run(asked())
