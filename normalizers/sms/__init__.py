"""SMS (短信): one message, or one piece of a long one, of SMPP, CMPP, a GSM modem or a gateway's callback.

The record's value is what came over the wire, its content type says which: `application/x-smpp` (`alphabet`, `packed`
for what data_coding 0 means), `application/x-cmpp` (`version`), `application/x-gsm-pdu`, or the body of a callback
with its `provider`.
"""

from collections.abc import Callable, Mapping
from email.message import Message as Headers
from email.utils import collapse_rfc2231_value
from functools import lru_cache
from types import MappingProxyType

from msgspec import structs

from normalizers.base import Draft, Policy
from normalizers.sms import cmpp, pdu, smpp, web
from normalizers.sms import draft as short
from normalizers.sms.coding import Format
from normalizers.sms.draft import Short
from normalizers.text.fold import safe
from schemas.errors import UnsupportedError
from schemas.records import Party, RawMessage

SMPP, CMPP, GSM_PDU = "application/x-smpp", "application/x-cmpp", "application/x-gsm-pdu"

Options = Mapping[str, str]

DEFAULT_ALPHABETS: tuple[Format, ...] = ("gsm7", "ascii", "latin1", "gb", "ucs2")
"""Meanings of data_coding 0 by SMSC."""


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a message, of a piece (`part`), or of a status report (`event`). Raises RecordError."""
    media_type, options = media(raw.envelope.datacontenttype)
    if "provider" in options:
        draft = web.draft_of(web.read(options["provider"], raw.value, options))
    else:
        draft = short.draft_of(short_of(raw.value, raw.envelope.datacontenttype), _KINDS.get(media_type, ""))
    return _completed(draft, raw)


def short_of(value: bytes, content_type: str) -> Short:
    """Return the message that came over SMPP, over CMPP or from a modem. Raises RecordError."""
    media_type, options = media(content_type)
    if media_type not in _WIRES:
        raise UnsupportedError(
            "the content type is unknown for SMS: see docs/how-to/channels/sms.md for the known ones"
        )
    return _WIRES[media_type](value, options)


def media(content_type: str) -> tuple[str, Options]:
    """Return a content type's name and parameters, which are fit for JSON."""
    return _media(content_type)


@lru_cache(maxsize=256)
def _media(content_type: str) -> tuple[str, Options]:
    headers = Headers()
    headers["content-type"] = content_type
    options = headers.get_params() or [("", "")]
    return options[0][0].lower(), MappingProxyType(
        {name.lower(): safe(collapse_rfc2231_value(value)) for name, value in options[1:]}
    )


def _smpp(value: bytes, options: Options) -> Short:
    named = options.get("alphabet")
    default = next((each for each in DEFAULT_ALPHABETS if each == named), DEFAULT_ALPHABETS[0])
    return smpp.read(value, default, options.get("packed") == "true")


def _cmpp(value: bytes, options: Options) -> Short:
    version = {"2": 2, "3": 3}.get(options.get("version", "")[:1])
    return cmpp.read(value, version)


def _pdu(value: bytes, _: Options) -> Short:
    return pdu.read(value)


def _completed(draft: Draft, raw: RawMessage) -> Draft:
    """Take the sender from the envelope if the body has none, and the time if the body's clock was wrong."""
    sender = raw.envelope.sender
    if draft.received_at is not None and web.sensible(draft.received_at, raw.envelope.recordedtime) is None:
        draft = structs.replace(draft, received_at=None)
    if draft.sender is None and sender:
        return structs.replace(draft, sender=Party(kind="phone", value=sender))
    return draft


_WIRES: Mapping[str, Callable[[bytes, Options], Short]] = MappingProxyType({SMPP: _smpp, CMPP: _cmpp, GSM_PDU: _pdu})
_KINDS: Mapping[str, str] = MappingProxyType({SMPP: "sms_smpp", CMPP: "sms_cmpp", GSM_PDU: "sms_gsm"})
