"""What `hotline check` looks at in single values: hosts that are none, times without end, too little room."""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from hotline.settings_shape import leaves
from hotline.variables import variable_of
from normalizers.enrich import rulebooks
from normalizers.enrich.category import codes
from schemas import enums
from schemas.errors import MisconfiguredError
from schemas.records.raw import SIZE_LIMIT
from schemas.topics import CHANNELS

if TYPE_CHECKING:
    from hotline.settings import Settings

_NO_HOST = re.compile(r"://|[\s/@]|^[^:]*:[^:]*$")
"""What stands in an address that was copied whole, and in no host (IPv6 has two colons at least)."""

_LONGEST_SECONDS = 1e9
"""Thirty years; far longer ones are no times that a clock can reckon with."""

_LEAST_BODY_BYTES = 16 * 1024
"""A citizen's longest words by a callback, encrypted, with room to spare."""

_ENVELOPE_BYTES = 64 * 1024
"""What a journal keeps beside a body, at most."""

_ANY_BYTES = ("requester_keys", "query_key")
"""These keys are no words, and must stay what they are."""


def hosts(settings: "Settings") -> Iterator[str]:
    """Find whole addresses in the place of a host."""
    for keys, value in leaves(settings):
        if keys[-1] in ("host", "reply_host") and isinstance(value, str) and _NO_HOST.search(value):
            yield f"`{'.'.join(keys)}` names {value!r}: write the host alone, such as imap.example.cn."


def times(settings: "Settings") -> Iterator[str]:
    """Find times that never end: TOML knows `inf`, and a clock does not."""
    for keys, value in leaves(settings):
        is_time = keys[-1].endswith("_seconds") or keys[-2:-1] == ("silent_after",)
        if is_time and isinstance(value, float | int) and not (math.isfinite(value) and value <= _LONGEST_SECONDS):
            yield f"`{'.'.join(keys)}` is {value:g} seconds, longer than thirty years: choose a shorter time."


def names(settings: "Settings") -> Iterator[str]:
    """Find limits of accounts that there are not: they would limit nothing."""
    known = {name for accounts in settings.connectors.sections.values() for name in accounts}
    for name in settings.floods.accounts:
        if name not in known:
            yield f"`floods.accounts.{name}` names no account: correct it, or remove it."
    for name in settings.telemetry.silent_after:
        if name not in known | settings.lmtp.mailboxes.keys() | set(CHANNELS):
            yield f"`telemetry.silent_after.{name}` names neither an account nor a channel: correct it, or remove it."


def rooms(settings: "Settings") -> Iterator[str]:
    """Find limits below what a message needs: each would be refused, or lost to a journal that cannot hold it."""
    for keys, value in leaves(settings):
        if keys[-1] == "body_max_bytes" and value < _LEAST_BODY_BYTES:
            yield (
                f"`{'.'.join(keys)}` is {value}, and a message may have {_LEAST_BODY_BYTES} bytes: set it to that or "
                "more, or remove it."
            )
    for name, room, body in (
        ("receiver", settings.receiver.journal_max_bytes, _largest_body(settings)),
        ("lmtp", settings.lmtp.journal_max_bytes, SIZE_LIMIT),
    ):
        if room < body + _ENVELOPE_BYTES:
            yield (
                f"`{name}.journal_max_bytes` is {room}, and one message may need {body + _ENVELOPE_BYTES} bytes, so "
                "that it would be refused while Kafka is away: set it to many times that, or remove it."
            )


def _largest_body(settings: "Settings") -> int:
    """Return how many bytes a request to the receiver may have."""
    sizes: list[int] = [value for keys, value in leaves(settings) if keys[-1] == "body_max_bytes"]
    return max(sizes)


def secrets(settings: "Settings") -> Iterator[str]:
    """Find passwords and tokens with a line end or another character that nobody sees, as an editor may leave one."""
    for keys, value in leaves(settings):
        listed = value if isinstance(value, tuple) else (value,)
        texts = [one.get_secret_value() for one in listed if isinstance(one, SecretStr)]
        if keys[0] not in _ANY_BYTES and not all(text.isprintable() for text in texts):
            yield f"{variable_of(keys)} holds a line end, or another character that nobody sees: write it again."


def filters(settings: "Settings") -> Iterator[str]:
    """Find words in a subscriber's filter that no ticket can have: it would get nothing, and nobody would say why."""
    known = _categories(settings.rules.folder)
    for subscriber, one in settings.sinks.webhook.items():
        where = f"sinks.webhook.{subscriber}.filter"
        for status in sorted(set(one.filter.statuses) - set(enums.STATUSES)):
            yield f"`{where}.statuses` names {status}, which is no 办理状态: choose from {', '.join(enums.STATUSES)}."
        for name in sorted(set(one.filter.categories) & set(known)):
            yield f"`{where}.categories` names {name}: write its code, {known[name]}."


def _categories(rules_folder: Path | None) -> dict[str, str]:
    """Return the codes of the categories by their names; none by rules that cannot be used, which is told elsewhere."""
    with suppress(MisconfiguredError):
        if rules_folder is not None:
            rulebooks.verify_one(rules_folder, "category")
        return codes(rules_folder)
    return {}


LOOKS = (hosts, times, names, rooms, secrets, filters)
