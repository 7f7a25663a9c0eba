"""What `hotline check` looks at in single values: hosts that are none, times without end, names of no account."""

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hotline.settings_shape import leaves
from schemas.topics import CHANNELS

if TYPE_CHECKING:
    from hotline.settings import Settings

_NO_HOST = re.compile(r"://|[\s/@]|^[^:]*:[^:]*$")
"""What stands in an address that was copied whole, and in no host (IPv6 has two colons at least)."""

_LONGEST_SECONDS = 1e9
"""Thirty years; far longer ones are no times that a clock can reckon with."""


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
