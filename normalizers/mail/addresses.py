"""Sender and recipients, from addresses as people's mail programs write them, valid or not."""

import re
from collections.abc import Iterator

from normalizers.mail.encoded_words import decode_words, one_line
from normalizers.mail.headers import Headers
from normalizers.parse.contacts import identity_of
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.records import Party

MAX_RECIPIENTS = 500
_MAX_LENGTH = 400

_TOKEN = re.compile(
    rb'"(?:[^"\\]|\\.){0,400}"|\((?:[^()\\]|\\.){0,400}\)|<[^<>]*>|=\?[^?\s]+\?[bBqQ]\?[^?]*\?=|[,;:]|[^",;:()<=]+|.',
    re.DOTALL,
)
_ANGLE = re.compile(rb"<([^<>]*+)(>?)[^<>\w]*+$")
_NO_WORD = bytes(code for code in range(256) if re.match(rb"\w", bytes([code])) is None)
"""Characters that may follow an address whose bracket is never closed."""

_COMMENT = re.compile(rb'("(?:[^"\\]|\\.){0,400}")|\(((?:[^()\\]|\\.){0,400})\)')
_SPACED_MARK = re.compile(rb"(?:(?<!\s)\s+)?([@.])\s*")
_LOOSE = re.compile(r"[^\s<>\"',;:()\[\]\\]{1,256}@[^\s<>\"',;:()\[\]\\@]+")
_ROUTE = re.compile(r"^(?:@[^:@]+)+:")
"""A source route (RFC 5321), its hosts with commas between them."""

_ADDRESS = re.compile(r"^(?:\"[^\"]+\"|[^\s@<>,;:()\"]+)(?:@[^\s@<>,;:()]+)+$")
_NOBODY = re.compile(r"^undisclosed|^recipient list|收件人未公开", re.IGNORECASE)


def sender_of(headers: Headers) -> Party | None:
    """Return the sender: From, else Sender, else the return path; only a name if there is no address."""
    named: Party | None = None
    for field in ("from", "sender", "return-path"):
        for party in _parties(headers.all(field)):
            if party.kind == "email":
                return (
                    party if party.name or named is None else Party(kind="email", value=party.value, name=named.value)
                )
            named = named or party
    return named


def requester_of(headers: Headers, sender: Party | None, rules: Rules = DEFAULT_RULES) -> Party | None:
    """Return the requester: the address in From, or Reply-To of a mail by the city's own web form.

    A web form sends every citizen's words from one address, often the mailbox's own, which would make all of them one
    person. Reply-To counts only if From has the domain of an addressee, because anybody can write from a no-reply
    address of another domain and name another person in Reply-To. If a machine sends and no person is known, the
    result identifies nobody.
    """
    if sender is None or sender.kind != "email":
        return sender
    identifies, own = identity_of(sender, rules) is not None, sender.value.lower()
    addressed = {party.value.lower() for party in addressees_of(headers)}
    if identifies and not says_generated(headers) and addressed != {own}:
        return sender
    ours = addressed | {own}
    from_own_form = own.rpartition("@")[2] in {one.rpartition("@")[2] for one in addressed}
    for party in _parties(headers.all("reply-to")) if from_own_form else ():
        if identity_of(party, rules) is not None and party.value.lower() not in ours:
            return party if party.name else Party(kind="email", value=party.value, name=sender.name)
    return Party(kind="name", value=sender.value, name=sender.name) if identifies else sender


def says_generated(headers: Headers) -> bool:
    """Return whether a machine generated the mail (RFC 3834), even on behalf of a person."""
    return (headers.text("auto-submitted") or "").lower().startswith("auto-generated")


def addressees_of(headers: Headers) -> list[Party]:
    """Return every address that the mail went to, ours among them."""
    fields = ("to", "cc", "delivered-to", "x-original-to")
    return [party for name in fields for party in _parties(headers.all(name)) if party.kind == "email"]


def recipients_of(headers: Headers) -> tuple[Party, ...]:
    """Return To and Cc, each address once."""
    found: dict[tuple[str, str], Party] = {}
    for party in _parties(headers.all("to") + headers.all("cc")):
        found.setdefault((party.kind, party.value), party)
        if len(found) >= MAX_RECIPIENTS:
            break
    return tuple(found.values())


def reply_to_of(headers: Headers) -> str | None:
    """Return the first address of Reply-To."""
    return next((party.value for party in _parties(headers.all("reply-to")) if party.kind == "email"), None)


def _parties(values: list[bytes]) -> Iterator[Party]:
    for value in values:
        for piece in _mailboxes(value):
            party = _party(piece)
            if party is not None:
                yield party


def _mailboxes(value: bytes) -> Iterator[bytes]:
    """Split at commas and semicolons outside of quotes, comments and brackets; a group's name falls away."""
    current: list[bytes] = []
    addressed = False
    for token in _TOKEN.findall(value):
        if token == b":" and not addressed:
            current.clear()
        elif token in (b",", b";"):
            yield b"".join(current).strip()
            current.clear()
            addressed = False
        else:
            current.append(token)
            addressed = addressed or b"@" in token
    yield b"".join(current).strip()


def _party(piece: bytes) -> Party | None:
    if not piece:
        return None
    plain, comment = _without_comments(piece)
    angle = _ANGLE.search(plain)
    if angle:
        inside = angle[1].strip() if angle[2] else angle[1].strip().rstrip(_NO_WORD)
        name, address = plain[: angle.start()], _SPACED_MARK.sub(rb"\1", inside)
        return _made(_name(name) or _name(comment), decode_words(address))
    return _made(_name(comment), decode_words(plain).strip("\"' "))


def _without_comments(piece: bytes) -> tuple[bytes, bytes]:
    """Return the mailbox without its comments, and the first of them; quoted text has none."""
    comment = b""
    for _ in range(4):  # they nest
        found = _COMMENT.findall(piece)
        comment = comment or next((text for _, text in found if text), b"")
        changed = _COMMENT.sub(lambda match: match[1] or b" ", piece)
        if changed == piece:
            break
        piece = changed
    return piece.strip(), comment


def _name(raw: bytes) -> str | None:
    raw = raw.strip()
    if raw.startswith(b'"') and raw.endswith(b'"') and len(raw) > 1:
        raw = re.sub(rb"\\(.)", rb"\1", raw[1:-1])
    return one_line(decode_words(raw).strip("\"' ")) or None


def _made(name: str | None, address: str) -> Party | None:
    """Return the party; an address with spaces in it is looked through for one without."""
    address = _ROUTE.sub("", address).strip().removeprefix("mailto:")
    if not _ADDRESS.match(address):
        loose = _LOOSE.search(address) or _LOOSE.search(name or "")
        if loose is None:
            return _named(name, address)
        around = one_line(address[: loose.start()].strip("\"'<>()[] ")) if loose.string == address else None
        name, address = name or around or None, loose[0]
    local, _, domain = address.rpartition("@")
    name = None if name == address else (name or "")[:_MAX_LENGTH] or None
    return Party(kind="email", value=f"{local}@{domain.lower().rstrip('.')}"[:_MAX_LENGTH], name=name)


def _named(name: str | None, address: str) -> Party | None:
    value = (address or name or "")[:_MAX_LENGTH]
    if value and _NOBODY.match(value):
        return None
    return Party(kind="name", value=value, name=name if name != value else None) if value else None
