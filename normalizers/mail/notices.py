"""Delivery notices (退信) of mail systems in other forms than RFC 3464's, recognised by several signs together.

A citizen may write about lost mail, and forward or paste notices. Subject and text, which anybody can write, are
therefore never enough; the sender's address decides how many signs are needed. A display name proves nothing: anybody
may be called System Administrator.
"""

from enum import IntEnum

from normalizers.mail.addresses import addressees_of, sender_of
from normalizers.mail.headers import Headers, split_header
from normalizers.mail.mime import Part
from normalizers.parse.automated_senders import Machines
from schemas.records import Party

_OPENING = 800
"""Characters at the beginning of a text in which a notice identifies itself; the rest repeats the mail."""


class Needed(IntEnum):
    """The points that make a notice of a mail, by the address that it comes from.

    No path to return by (RFC 5321 4.5.5) or the failed recipients in a header count 2. Subject, text, an address or a
    status code (RFC 3463) in such a text, and our own mail that comes back count 1 each. The subject of a role's mail
    that begins as programs write it counts 1 more.
    """

    DAEMON = 1
    """Signs for a program that writes nothing else: `mailer-daemon`."""

    ROLE = 2
    """Signs for a mail system that a person may use as well: `postmaster` (RFC 2142), `ndr`."""

    SOFTWARE = 3
    """Named as a program or a service that handles mail, or no address at all."""

    ANYBODY = 5


class Notice:
    """The signs of one mail."""

    def __init__(self, root: Part, known: Machines, *, title: str, text: str, sender: Party | None) -> None:
        """Take a mail's own text, without quotes, and its sender according to the header."""
        opening = text[:_OPENING]
        self.needed = _needed(sender, known)
        self._machine = "x-failed-recipients" in root.headers or has_null_path(root.headers)
        self._subject = known.bounce_subject.search(title) is not None
        self._title = self.needed is Needed.ROLE and known.bounce_title.match(title) is not None
        self._text = known.bounce_text.search(opening) is not None
        self._failure = self._text and known.failure.search(opening) is not None
        self._returned = self._machine and self._text and _brings_back_ours(root)

    @property
    def is_certain(self) -> bool:
        """Return whether a mail system wrote it, and no person."""
        if self.needed is Needed.ANYBODY and not self._returned:
            return False
        points = 2 * self._machine + self._subject + self._title + self._text + self._failure + self._returned
        return points >= self.needed

    @property
    def is_likely(self) -> bool:
        """Return whether no machine may answer it: a possible notice, or a person's mail."""
        if self.needed <= Needed.ROLE:
            return True
        is_named = self.needed is Needed.SOFTWARE and (self._subject or self._text)
        return is_named or (self._text and (self._failure or self._subject))


def has_null_path(headers: Headers) -> bool:
    """Return whether nothing can be returned to the sender: `Return-Path: <>`."""
    return any(value.replace(b" ", b"") == b"<>" for value in headers.all("return-path"))


def _needed(sender: Party | None, known: Machines) -> Needed:
    if sender is None:
        return Needed.SOFTWARE
    local = sender.value.split("@")[0].strip("\\\"' ")
    if known.mailer.match(local):
        return Needed.DAEMON
    if known.mail_role.match(local):
        return Needed.ROLE
    return Needed.SOFTWARE if known.mail_software.search(local) else Needed.ANYBODY


def _brings_back_ours(root: Part) -> bool:
    """Return whether an attached mail was written by an addressee of this one."""
    ours = {party.value.lower() for party in addressees_of(root.headers)}
    waiting = list(root.children)
    while waiting:
        part = waiting.pop()
        waiting += part.children
        if part.media_type in ("message/rfc822", "text/rfc822-headers"):
            author = sender_of(Headers.of(split_header(part.data())[0]))
            if author is not None and author.value.lower() in ours:
                return True
    return False
