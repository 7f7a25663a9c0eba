"""`hotline command`: a clerk's or operator's order, and what became of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.common import AsJson, print_json, refuse_misread, say, settings_of
from hotline.cli.subjects import refuse_misspelt

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from schemas.records import Event

LOOK_SECONDS = 10.0
"""How long a report waits at most for the sinks to carry an erasure out."""


def command(
    ctx: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="set_status, merge, unmerge, reclassify ...: docs/how-to/commands.md.")
    ],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="Id or number (工单编号) of the ticket, or id of the hand-over; for redact and forget also of a "
            "message.",
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="Arguments of the kind: status=signed, or 'fields=[\"text\"]', because a list is JSON.",
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Reason, for colleagues; it is not written to the event log.")
    ] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="行政区划代码; by default that of the ticket.")] = None,
    command_id: Annotated[
        str | None, typer.Option(help="Id of your choice: a command with the same id is not carried out again.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the decision.")] = True,
    timeout_seconds: Annotated[float, typer.Option(min=0.1, help="Seconds to wait.")] = 30.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and print it, but send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a command (set_status, merge, dispatch ...) and print the outcome; exit 2 if it is refused.

    After redact and forget it also prints what is erased now, and what is erased when.
    """
    from hotline.admin import commands, handovers, placement
    from hotline.config import clients
    from schemas import ids

    settings = settings_of(ctx, accounts=False)
    refuse_misread(target or "")
    target = _ticket_of(ctx, target) if target and ids.valid_ticket_no(target) else target
    words = [*(arguments or ())]
    if kind == "reclassify":
        refuse_misspelt(settings, words)
    if kind == "forget" and target is not None and not any(word.startswith("message_ids=") for word in words):
        if commands.is_message(target):
            found, jurisdiction = _message_alone(ctx, target, jurisdiction)
            words, target = [*found, *words], None
        else:
            words.append(_messages_of(ctx, target))
    if kind == "redact" and target is not None and commands.is_message(target):
        target, words = _ticket_with(ctx, target, words)
    if kind in handovers.KINDS and target and not dry_run:
        jurisdiction = handovers.city_of(clients.kafka(settings), target, jurisdiction)
    given = commands.made(
        settings,
        kind,
        target,
        words,
        reason=reason,
        jurisdiction=jurisdiction,
        command_id=command_id,
    )
    if dry_run:
        print_json(given)
        return
    connection = clients.kafka(settings)
    if wait:
        placement.check(connection)  # the outcome stands in the city's partition
    with named(given.command_id):
        commands.send(settings, connection, given)
        if not wait:
            say(given.command_id)
            return
        decision = commands.outcome_of(connection, given, given_before=command_id is not None, seconds=timeout_seconds)
    tell(given.command_id, decision, as_json=as_json)
    if decision is not None:
        report_of(settings, decision, min(timeout_seconds, LOOK_SECONDS), as_json=as_json)


@contextmanager
def named(command_id: str) -> Iterator[None]:
    """Name the command when Kafka goes away meanwhile: it may have been given, and under another id it is another."""
    from schemas.errors import RetriableError, UnreachableError

    try:
        yield
    except RetriableError as error:
        raise UnreachableError(
            f"{error}.\nThe command may have been given: give it again with --command-id {command_id}, "
            "which carries nothing out twice."
        ) from error


def report_of(settings: "Settings", decision: "Event", seconds: float, *, as_json: bool) -> None:
    """Say what an erasure reached, and leave it in the audit log; nothing for any other command."""
    import asyncio

    from hotline.admin import erasure_report
    from hotline.cli import erasure_view

    found = asyncio.run(erasure_report.report(settings, decision, seconds))
    if found is None:
        return
    erasure_view.record(settings, found)
    if as_json:
        print_json(found)
    else:
        erasure_view.show(found)


def _ticket_of(ctx: typer.Context, ticket_no: str) -> str:
    """Return the id of the ticket with an official number."""
    from hotline.cli.archive import ask
    from schemas.errors import MisconfiguredError

    found = ask(ctx, lambda archive: archive.ticket(ticket_no))
    if found is None:  # it may be restricted, of which a clerk needs the right to know
        found = ask(ctx, lambda archive: archive.ticket(ticket_no), restricted=True)
    if found is None:
        raise MisconfiguredError(f"The archive has no ticket {ticket_no}: use `hotline search`.")
    return found.ticket_id


def _messages_of(ctx: typer.Context, ticket_id: str) -> str:
    """Return the argument that names a ticket's messages as the archive knows them: assign may have let it go."""
    from msgspec import json

    from hotline.cli.archive import ask

    links = ask(ctx, lambda archive: archive.links(ticket_id))
    return f"message_ids={json.encode([link.message_id for link in links]).decode()}"


def _message_alone(ctx: typer.Context, message_id: str, jurisdiction: str | None) -> tuple[list[str], str | None]:
    """Return the arguments that name a message, and its city, as far as the archive knows it; no ticket may have it."""
    from hotline.cli.archive import ask
    from schemas.errors import MisconfiguredError
    from tickets.model.ticket_state import month_of

    link = ask(ctx, lambda archive: archive.link(message_id))
    if link is not None and link.ticket_id:
        raise MisconfiguredError(f"The message belongs to the ticket {link.ticket_id}: erase the ticket.")
    words = [f'message_ids=["{message_id}"]']
    known = ask(ctx, lambda archive: archive.message(message_id))
    if known is None:  # a slip of the pen would erase nothing, and the report would call it gone
        say(
            f"The archive has no message {message_id}. For a dead letter this is normal, see "
            "`hotline dead list`; otherwise check the id.",
            err=True,
        )
    if known is None or known.message_class == "erased":
        return words, jurisdiction
    return [*words, f"month={month_of(known.ingested_at)}"], known.jurisdiction


def _ticket_with(ctx: typer.Context, message_id: str, words: list[str]) -> tuple[str, list[str]]:
    """Return the ticket that has a message, and the arguments; they name this one alone unless they name others."""
    from hotline.cli.archive import ask
    from schemas.errors import MisconfiguredError

    link = ask(ctx, lambda archive: archive.link(message_id))
    if link is None or not link.ticket_id:
        raise MisconfiguredError("No ticket has this message, so there is nothing to redact: use forget to erase it.")
    named = any(word.startswith("message_ids=") for word in words)
    return link.ticket_id, words if named else [*words, f'message_ids=["{message_id}"]']


def tell(command_id: str, decision: "Event | None", *, as_json: bool) -> None:
    """Print what became of a command. Raises MisconfiguredError when it is refused or waits for a second person."""
    from connectors.backoffice.command_status import refusal
    from schemas.errors import MisconfiguredError, UnreachableError
    from tickets.admission import SECOND_PERSON

    if decision is None:
        raise UnreachableError(
            "The command is in Kafka but not decided yet: run `hotline status`, then ask again with "
            f"--command-id {command_id}."
        )
    refused = refusal(decision)
    if as_json:
        print_json(decision)
    if refused is not None and refused.code == SECOND_PERSON:
        raise MisconfiguredError(
            f"It waits up to seven days for a second person, who runs `hotline approve {command_id}`."
        )
    if refused is not None:
        raise MisconfiguredError(f"Refused ({refused.code}): {refused.reason}.")
    if not as_json:
        changed = ", ".join(f"{one.ticket_id} is at version {one.version}" for one in decision.tickets)
        say(f"Done: {changed or 'no ticket changed'}.")
