"""The words of a receipt (回执): number, query code (查询码) and token, made when it is sent and kept nowhere."""

import string
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct

from normalizers.base import Policy
from normalizers.parse import ticket_tokens
from normalizers.rules import DEFAULT_RULES, Rules, part
from schemas import ids
from schemas.errors import MisconfiguredError
from schemas.records import Outbox
from tickets import policies

EMERGENCY_NUMBERS = ("110", "119", "120", "122")

_NEEDED = frozenset({"ticket_no", "query_code", "token", "urgent"})
_FILE = "answers/answers.toml"
_OF_ALL = ("version", "urgent")
"""What stands in the file beside the channels."""


class Receipt(NamedTuple):
    """A receipt as it goes out; `subject` only where the channel has one."""

    subject: str | None
    text: str
    token: str


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one channel's receipts say."""

    text: str
    subject: str | None = None


class Wording(Struct, frozen=True, kw_only=True):
    """What all receipts say, by channel; `urgent` is the sentence that an emergency adds."""

    version: str = policies.UNVERSIONED
    urgent: str
    channels: Mapping[str, Words]


def write(outbox: Outbox, wording: Wording, policy: Policy, query_key: bytes) -> Receipt:
    """Return the receipt of a ticket in the words of its channel. Pure."""
    words = wording.channels.get(outbox.channel) or wording.channels["default"]
    token = ticket_tokens.make(outbox.ticket_id, policy)
    values = {
        "ticket_no": outbox.ticket_no,
        "query_code": ids.query_code(query_key, outbox.ticket_id),
        "token": token,
        "urgent": wording.urgent if outbox.urgent else "",
    }
    subject = words.subject.format_map(values) if words.subject else None
    return Receipt(subject, words.text.strip().format_map(values), token)


@part("answers")
def wording(rules: Rules = DEFAULT_RULES) -> Wording:
    """Return what receipts say, the city's own words where its folder has some.

    Raises MisconfiguredError for words that lack the number, the code, the token or the emergency numbers.
    """
    table = policies.read("answers", rules).get("answers", {})
    urgent = table.get("urgent", "")
    try:
        version = msgspec.convert(table.get("version", policies.UNVERSIONED), policies.Version)
        channels = msgspec.convert({name: one for name, one in table.items() if name not in _OF_ALL}, dict[str, Words])
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"{_FILE} is invalid: {error}.") from error
    if not isinstance(urgent, str) or any(number not in urgent for number in EMERGENCY_NUMBERS):
        raise MisconfiguredError(f"`urgent` in {_FILE} must name {', '.join(EMERGENCY_NUMBERS)}: correct it.")
    if "default" not in channels:
        raise MisconfiguredError(f"{_FILE} lacks [default], for channels without texts of their own: add it.")
    for name, words in channels.items():
        _verify(name, words)
    return Wording(version=version, urgent=urgent, channels=channels)


def _verify(channel: str, words: Words) -> None:
    said = _places(channel, words.text)
    if said != _NEEDED:
        missing = ", ".join(f"{{{name}}}" for name in sorted(said ^ _NEEDED))
        raise MisconfiguredError(f"[{channel}] in {_FILE} lacks, or cannot fill, {missing} in `text`: correct it.")
    unknown = _places(channel, words.subject or "") - _NEEDED
    if unknown or "\n" in (words.subject or ""):
        raise MisconfiguredError(
            f"[{channel}] in {_FILE}: `subject` must be one line with known names only: correct it."
        )


def _places(channel: str, text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise MisconfiguredError(f"[{channel}] in {_FILE} has an unclosed brace: correct it.") from error
