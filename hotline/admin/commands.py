"""Commands given by hand: from a command line to a Command, into Kafka, and its outcome."""

import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec

from broker import kafka_reader
from broker.sync_producer import Producer
from connectors.backoffice import command_status
from hotline.config.command_signers import principal, signer_of_person
from normalizers.parse.codes import is_code
from schemas import command_signature, ids, topics
from schemas.codec import UNREADABLE, Outbound, appended_at, decode
from schemas.errors import MisconfiguredError, RecordError
from schemas.records import Command, Event
from tickets.admission import CONFIRM_WITHIN, SECOND_PERSON, confirmation_id, may_take_two_persons, signed_headers
from tickets.commands import COMMANDS, check
from tickets.commands.args import unknown
from tickets.commands.order import presumed
from tickets.commands.refusal import RefusalError

if TYPE_CHECKING:
    from broker.config import KafkaConnection
    from hotline.config.settings import Settings


_TICKET = re.compile(ids.TICKET_ID)
_HANDOVER = re.compile(ids.MESSAGE_ID)

SLACK = timedelta(minutes=1)
"""Largest expected difference between the clocks of this machine and of the event log's writer."""

LOOK_BACK = timedelta(days=7)
"""How far back the outcome of an earlier command is searched: as long as Kafka keeps it."""


def made(
    settings: "Settings",
    kind: str,
    target: str | None,
    words: Iterable[str] = (),
    *,
    reason: str | None = None,
    jurisdiction: str | None = None,
    command_id: str | None = None,
) -> Command:
    """Return the command; `words` are its arguments as name=value. Raises MisconfiguredError with the next action."""
    if kind not in COMMANDS:
        near = get_close_matches(kind, COMMANDS, n=1)
        choose = f"did you mean {near[0]}?" if near else f"choose from {', '.join(COMMANDS)}."
        raise MisconfiguredError(f"Unknown kind of command: {choose}")
    ticket = _TICKET.fullmatch(target) if target else None
    handover = target if target and _HANDOVER.fullmatch(target) else None
    if target and ticket is None and handover is None:
        raise MisconfiguredError("The target is neither the id of a ticket nor of a hand-over: use `hotline search`.")
    now, args = datetime.now(UTC), _arguments(kind, words)
    command = Command(
        command_id=command_id or f"cli:{_random()}",
        jurisdiction=jurisdiction or (ticket[1] if ticket else settings.jurisdiction),
        ticket_id=target if ticket else None,
        handover_id=handover,
        kind=kind,
        author=principal(settings),
        at=now,
        seen_at=presumed(now, args),
        reason=reason,
        args=args,
    )
    for name in ("command_id", "author", "jurisdiction"):
        if not is_code(getattr(command, name)):
            raise MisconfiguredError(f"The {name} must be a code of A-Z a-z 0-9 _ . : / + -: correct it.")
    if not ids.is_adcode(command.jurisdiction):
        raise MisconfiguredError(f"The jurisdiction {command.jurisdiction} must be six digits, such as 210100.")
    try:
        check(command)
    except RefusalError as refused:
        raise MisconfiguredError(f"The command would be refused: {refused.reason}.") from refused
    return command


def is_message(target: str) -> bool:
    """Return whether a target is a message's id, which is its hand-over's as well."""
    return _HANDOVER.fullmatch(target) is not None


def _random() -> str:
    """Return an id with too few digits to be taken for a telephone number: one in 1,500 UUIDs is."""
    return ids.b32_text(secrets.token_bytes(15), 24)


def send(settings: "Settings", connection: "KafkaConnection", *commands: Command) -> None:
    """Return when the brokers hold the commands, signed by their sender. Raises MisconfiguredError without a key."""
    if not commands:
        return
    signer = signer_of_person(settings)
    deliver(connection, *(command.outbound(datetime.now(UTC), signer) for command in commands))


def deliver(connection: "KafkaConnection", *records: Outbound) -> None:
    """Return when the brokers hold the records."""
    with closing(Producer(connection)) as producer:
        producer.deliver_now(records)


def outcome_of(connection: "KafkaConnection", command: Command, *, given_before: bool, seconds: float) -> Event | None:
    """Wait for the decision; None when there is none in time."""
    since = command.at - (LOOK_BACK if given_before else SLACK)
    return command_status.find(connection, command.command_id, command.jurisdiction, since, seconds)


def log_reads(
    settings: "Settings", connection: "KafkaConnection", tickets: Iterable[str], reason: str | None, *fields: str
) -> None:
    """Log that the user of this command line reads tickets in clear, before they are shown (谁使用谁负责).

    Raises an error of Kafka's: a reading that cannot be logged is refused.
    """
    told = f"fields={msgspec.json.encode(fields).decode()}"
    reads = (made(settings, "read", ticket_id, [told], reason=reason) for ticket_id in dict.fromkeys(tickets))
    send(settings, connection, *reads)


def request(connection: "KafkaConnection", command_id: str) -> Any:
    """Return the record of a command that waits for its second person. Raises MisconfiguredError if there is none.

    The first of several with this id: later ones are repeats.
    """
    wanted = ("ce_id", command_id.encode())
    for record in kafka_reader.read_all(connection, topics.COMMAND, datetime.now(UTC) - LOOK_BACK):
        if wanted in record.headers:
            return record
    raise MisconfiguredError("There is no command with this id, or it is older than seven days: give it again.")


def waiting(connection: "KafkaConnection", now: datetime) -> list[Command]:
    """Return the requests that wait for their second person, the oldest first.

    Such a request was refused as `second_person`, is not older than seven days, and no confirmation of it is decided.
    """
    given: dict[str, tuple[Command, datetime]] = {}
    for record in kafka_reader.read_all(connection, topics.COMMAND, now - LOOK_BACK):
        try:
            command = decode(record.value or b"", Command)
        except RecordError:  # `normalize` makes a dead letter of it
            continue
        if command.kind == "approve" or may_take_two_persons(command):
            given.setdefault(command.command_id, (command, appended_at(record) or command.at))
    requests = [one for one, _ in given.values() if may_take_two_persons(one) and now - one.at <= CONFIRM_WITHIN]
    since: dict[int, dict[bytes, datetime]] = {}
    for one in requests:
        number = ids.partition_of(one.jurisdiction, connection.partitions)
        for name in (one.command_id, confirmation_id(one)):
            if name in given:
                since.setdefault(number, {})[_decision(name)] = given[name][1] - SLACK
    decided: dict[bytes, Any] = {}
    for number, names in since.items():
        decided |= kafka_reader.named(connection, topics.EVENT, number, names)
    return sorted((one for one in requests if _waits(one, decided)), key=lambda one: one.at)


def _waits(request: Command, decided: Mapping[bytes, Any]) -> bool:
    asked = decided.get(_decision(request.command_id))
    if asked is None or _decision(confirmation_id(request)) in decided:
        return False
    refused = command_status.refusal(decode(asked.value, Event))
    return refused is not None and refused.code == SECOND_PERSON


def _decision(command_id: str) -> bytes:
    """Return the id of the event that decides a command."""
    return f"command:{command_id}".encode()


def confirmation(settings: "Settings", record: Any) -> tuple[Command, Outbound]:
    """Return the confirmation of a request by its second person, and its record. Raises MisconfiguredError."""
    value = record.value or b""
    asked, author, now = decode(value, Command), principal(settings), datetime.now(UTC)
    if asked.author == author:
        raise MisconfiguredError(f"{author} requested it: another person must confirm it.")
    command = Command(
        command_id=confirmation_id(asked),
        jurisdiction=asked.jurisdiction,
        ticket_id=asked.ticket_id,
        kind="approve",
        author=author,
        at=now,
        args={"digest": command_signature.digest_of(value)},
    )
    return command, command.outbound(now, signer_of_person(settings), signed_headers(record.headers, value))


def _arguments(kind: str, words: Iterable[str]) -> dict[str, Any]:
    """Return name=value words as the kind's arguments: a number, true, a list as JSON, else text."""
    given: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise MisconfiguredError("An argument is not of the form name=value: see `hotline command --help`.")
        given[name] = _json(value) if value[:1] in ("[", "{") else value
    for name, near in unknown(given, COMMANDS[kind].args).items():
        takes = f"did you mean {near}?" if near else f"it takes {', '.join(COMMANDS[kind].args.__struct_fields__)}."
        raise MisconfiguredError(f"{kind} has no argument {name}: {takes}")
    try:
        read = msgspec.convert(given, COMMANDS[kind].args, strict=False)
    except msgspec.ValidationError:
        return given  # `check` reports what fits
    return {name: value for name, value in msgspec.to_builtins(read).items() if name in given}


def _json(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except UNREADABLE as error:
        raise MisconfiguredError("A value that begins with [ or { must be JSON.") from error
