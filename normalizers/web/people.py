"""The requester of a form or an app: a phone number, else a mail address, else the app's own account, else a name."""

from collections.abc import Mapping
from typing import NamedTuple

from normalizers.parse.contacts import identity_of
from normalizers.rules import Rules
from schemas.records import Party

_HAN_FROM = "\u2e80"


class Contact(NamedTuple):
    """The requester, and the mail address if they gave a phone number as well."""

    sender: Party | None
    reply_to: str | None = None


def contact(rules: Rules, *, name: str = "", phone: str = "", email: str = "", account: str = "") -> Contact:
    """Return the requester; a number or address that reaches nobody is no identity, and stays with the caller."""
    shown = name.strip() or None
    known = [
        party
        for kind, value in (("phone", phone), ("email", email), ("uid", account))
        if value.strip() and identity_of(party := Party(kind=kind, value=value.strip(), name=shown), rules) is not None
    ]
    if not known:
        return Contact(Party(kind="name", value=shown, name=shown) if shown else None)
    mail = next((party.value for party in known[1:] if party.kind == "email"), None)
    return Contact(known[0], mail)


def full_name(form: Mapping[str, str]) -> str:
    """Return `last_name` and `first_name` in the order of their script: 王小明, Anna Berg."""
    first, last = form.get("first_name", "").strip(), form.get("last_name", "").strip()
    chinese = any(character >= _HAN_FROM for character in first + last)
    return last + first if chinese else " ".join(filter(None, (first, last)))


def unread(form: Mapping[str, str], found: Contact) -> dict[str, str]:
    """Return the contact fields that identify nobody, so that a clerk still sees them."""
    taken = {found.sender.value if found.sender else "", found.reply_to or ""}
    return {name: form[name] for name in ("phone", "email") if form.get(name, "").strip() not in taken}
