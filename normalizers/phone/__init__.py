"""Phone (电话): one record of a call: a platform's JSON, an event of Asterisk or Kamailio, a line of a call file.

The record's value is what came, its content type says which: `application/json` (`shape` call or kamailio),
`application/x-asterisk-ami`, `text/csv` (`shape` calls, behind the file's heading line, or asterisk). Its parameters
name the `platform` whose call ids are meant and the `zone` of times without an offset; `call` is the call of a leg that
does not say it, `recording` and `recording_bytes` what the connector found where the recording should be.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import structs

from normalizers.base import Draft, Policy
from normalizers.phone import ami, sheet, values, webhook
from normalizers.phone.draft import Told, draft_of
from normalizers.sms import media
from schemas import ids
from schemas.enums import RECORDING_STATES
from schemas.errors import UnsupportedError
from schemas.records import RawMessage

JSON, AMI, CSV = "application/json", "application/x-asterisk-ami", "text/csv"

Reader = Callable[[bytes, ZoneInfo], Told]

READERS: Mapping[tuple[str, str], Reader] = MappingProxyType(
    {
        (JSON, "call"): webhook.call,
        (JSON, "kamailio"): webhook.kamailio,
        (AMI, "event"): ami.read,
        (CSV, "calls"): sheet.read,
        (CSV, "asterisk"): sheet.asterisk,
    }
)
"""By media type and shape."""

KINDS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (JSON, "call"): "phone_http",
        (JSON, "kamailio"): "phone_sip",
        (AMI, "event"): "phone_asterisk",
        (CSV, "calls"): "phone_file",
        (CSV, "asterisk"): "phone_asterisk",
    }
)
"""The finer kinds (channel_kind)."""

DEFAULT_SHAPES: Mapping[str, str] = MappingProxyType({JSON: "call", AMI: "event", CSV: "calls"})


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of one record of a call; one that has no words is an `event`. Raises RecordError."""
    media_type, options = media(raw.envelope.datacontenttype)
    which = media_type, options.get("shape", DEFAULT_SHAPES.get(media_type, ""))
    reader = READERS.get(which)
    if reader is None:
        raise UnsupportedError("the content type is unknown for phone: see docs/how-to/channels/phone.md")
    told = _known(reader(raw.value, zone_of(options.get("zone", ""))), options)
    platform = options.get("platform") or raw.envelope.account or ""
    return draft_of(told, platform, KINDS[which], raw.envelope.recordedtime, policy.max_text_bytes)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name, China's for one that nobody knows."""
    try:
        return ZoneInfo(name) if name else ids.SHANGHAI
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder's name, or one too long for a file
        return ids.SHANGHAI


def _known(told: Told, options: Mapping[str, str]) -> Told:
    """Add what the connector knows: which call a leg belongs to, and what it found where the recording should be."""
    if options.get("call"):
        told = structs.replace(told, call_id=options["call"])
    state, size = options.get("recording"), options.get("recording_bytes", "")
    if state not in RECORDING_STATES or not told.recordings:
        return told
    found = structs.replace(told.recordings[0], state=state, size=values.whole(size))
    return structs.replace(told, recordings=(found, *told.recordings[1:]))
