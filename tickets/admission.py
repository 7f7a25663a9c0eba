"""Admission of commands: the key that signed one, whether it may, and whether a second person confirmed it.

Pure. A command that is not admitted becomes a refusal in the event log under an id of its own, so that a forged
command cannot take the id of a real one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from schemas import command_signature as signature
from schemas.codec import Inbound, appended_at, decode
from schemas.errors import RecordError
from schemas.records import Command, Event, event

TWO_PERSONS = frozenset({"forget", "export"})
"""Kinds that take effect only after a second person confirmed them; so does `reclassify` where it lowers the level."""

PERSONAL = frozenset({*TWO_PERSONS, "approve", "record"})
"""Kinds that no back office may give, and that are never taken unsigned."""

VOUCHED = frozenset({"record"})
"""Of these, what a system's key may give if the settings say so: the console records acts of its people."""

_OWN_ACTS = frozenset({"read", "record"})
"""A person's key may always give these kinds: they record acts of this person."""

CONFIRM_WITHIN = timedelta(days=7)
"""How long a request waits for its second person: as long as `hotline.command.v1` keeps it."""

CONFIRMED = "+2"
"""Suffix that makes a confirmation's id from the request's, so that a request is carried out once."""

UNPROVEN, SECOND_PERSON = "unproven", "second_person"
"""Methods and codes of refusals."""


class Standing(Struct, frozen=True, kw_only=True):
    """Facts about the senders of a command: who confirmed it, and why it is not admitted.

    `needs_two` is false in a local installation without keys, where no sender is known.
    """

    approved_by: str | None = None
    needs_two: bool = False
    unproven: str | None = None


LOCAL = Standing()
"""The standing of a command in an installation without keys."""


class CommandKey(Struct, frozen=True, kw_only=True):
    """A key: of one person (`author`), or of a service that signs for the people of `systems`."""

    secret: bytes
    kinds: frozenset[str]
    jurisdictions: frozenset[str]
    author: str | None = None
    systems: frozenset[str] = frozenset()

    def obstacle(self, command: Command, kind: str) -> str | None:
        """Return why the key may not give a command; `kind` is the request's if it confirms one."""
        if command.jurisdiction not in self.jurisdictions:
            return "its key is not for this city"
        if self.author is None:
            system, slash, _ = command.author.partition("/")
            if not slash or system not in self.systems:
                return "its key does not sign for this author"
            if kind in PERSONAL - VOUCHED:
                return f"{kind} takes a person's key, and this is a system's"
        elif command.author != self.author:
            return "its key is not this author's"
        elif kind in _OWN_ACTS:
            return None
        return None if kind in self.kinds else "its key is not for this kind of command"


class CommandKeys(Struct, frozen=True, kw_only=True):
    """All keys by id. Unsigned commands that the broker took before `unsigned_until` pass, but none of `PERSONAL`."""

    keys: Mapping[str, CommandKey] = {}
    unsigned_until: datetime | None = None

    def prove(self, value: bytes, key_id: bytes, sign: bytes, command: Command, kind: str) -> str | None:
        """Return why a command is not proven by its signature; None if it is."""
        secrets = {name: key.secret for name, key in self.keys.items()}
        name = signature.verified(secrets, key_id, value, sign)
        return "no key of ours signed it" if name is None else self.keys[name].obstacle(command, kind)


def admit(command: Command, record: Inbound, keys: CommandKeys | None) -> tuple[Command, Standing]:
    """Return the command to decide, and its standing; a confirmation becomes the request that it confirms.

    `keys` is None in a local installation without keys.
    """
    headers = dict(record.headers)
    request = _request(headers) if command.kind == "approve" else None
    if keys is None and request is not None and request.jurisdiction != command.jurisdiction:
        return command, Standing(unproven="its city is not that of the request")
    if keys is None:
        return (command, Standing()) if request is None else (_confirmed(request, command), _by(command))
    kind = request.kind if request else command.kind
    value, given = record.value or b"", headers.get(signature.SIGNATURE)
    if given is None:
        why = None if _may_be_unsigned(command, record, keys) else "it is not signed"
    else:
        why = keys.prove(value, headers.get(signature.KEY) or b"", given, command, kind)
    if why is None and command.kind == "approve":
        why = _obstacle(command, request, headers, keys)
    if why is not None:
        return command, Standing(unproven=why)
    if request is not None:
        return _confirmed(request, command), replace(_by(command), needs_two=True)
    return command, Standing(needs_two=True)


def as_recorded(command: Command, record: Inbound, decided: Event | None) -> tuple[Command, Standing]:
    """Return what `admit` returned when a decision was recorded: a replay has no keys and repeats the judgement."""
    request = _request(dict(record.headers)) if command.kind == "approve" else None
    if decided is not None and decided.method == UNPROVEN:
        refused = next(one for one in decided.changes if isinstance(one, event.CommandRefused))
        return command, Standing(unproven=refused.reason)
    waits = decided is not None and any(getattr(one, "code", None) == SECOND_PERSON for one in decided.changes)
    if request is None:
        return command, Standing(needs_two=waits)
    return _confirmed(request, command), _by(command)


def may_take_two_persons(command: Command) -> bool:
    """Return True for a command that, by its kind and arguments, may wait for a second person."""
    return command.kind in TWO_PERSONS or (command.kind == "reclassify" and "confidentiality" in command.args)


def confirmation_id(request: Command) -> str:
    """Return the id that a request's confirmation must have."""
    return request.command_id + CONFIRMED


def _may_be_unsigned(command: Command, record: Inbound, keys: CommandKeys) -> bool:
    came = appended_at(record)
    before = keys.unsigned_until is not None and came is not None and came < keys.unsigned_until
    return before and command.kind not in PERSONAL


def _request(headers: Mapping[str, bytes]) -> Command | None:
    try:
        return decode(headers.get(signature.REQUEST) or b"", Command)
    except RecordError:
        return None


def _obstacle(command: Command, request: Command | None, headers: Mapping[str, bytes], keys: CommandKeys) -> str | None:
    """Return why a signed confirmation does not confirm its request."""
    value = headers.get(signature.REQUEST) or b""
    if request is None or request.kind == "approve" or command.args.get("digest") != signature.digest_of(value):
        return "it does not carry the request that it confirms"
    if (command.command_id, command.jurisdiction) != (confirmation_id(request), request.jurisdiction):
        return "its id or its city is not that of the request"
    if command.author == request.author:
        return "the second person must be another than the first"
    if not timedelta(0) <= command.at - request.at <= CONFIRM_WITHIN:
        return "the request is older than seven days: make it again"
    key, sign = headers.get(signature.REQUEST_KEY) or b"", headers.get(signature.REQUEST_SIGNATURE) or b""
    why = keys.prove(value, key, sign, request, request.kind)
    return why and f"of the request: {why}"


def _confirmed(request: Command, command: Command) -> Command:
    """Return the request as it is carried out: at the present time, with the version of the ticket that its sender had
    read.
    """
    seen_at = request.seen_at or request.at
    return replace(request, command_id=command.command_id, at=command.at, seen_at=seen_at)


def _by(command: Command) -> Standing:
    return Standing(approved_by=command.author)


def signed_headers(request: Sequence[tuple[str, bytes]], value: bytes) -> list[tuple[str, bytes]]:
    """Return the headers by which a confirmation carries a request, given the request's own."""
    own = dict(request)
    return [
        (signature.REQUEST, value),
        (signature.REQUEST_KEY, own.get(signature.KEY) or b""),
        (signature.REQUEST_SIGNATURE, own.get(signature.SIGNATURE) or b""),
    ]
