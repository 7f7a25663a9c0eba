"""Mapped webhooks: requests of any sender, read by a profile into an SMS, a call or a submission of an app.

The record's value is the request's body as it came, or one message of it as JSON; its content type names the profile.
"""

from collections.abc import Mapping

import msgspec
from msgspec import structs

from normalizers.base import Draft, File, Policy
from normalizers.mapped_webhook.profile import JSON, CompiledProfile, Mapped, profiles
from normalizers.parse.times import written
from normalizers.phone import webhook, zone_of
from normalizers.phone.draft import Told
from normalizers.phone.draft import draft_of as draft_of_call
from normalizers.rules import Rules
from normalizers.sms import media, web
from normalizers.text.fold import safe
from normalizers.web import fields as forms
from normalizers.web import form
from normalizers.web.fields import Fields, Upload
from schemas.errors import MalformedError, UnsupportedError
from schemas.records import Party, RawMessage

PROFILE = "profile"
"""Parameter of the content type."""

CHANNEL_KINDS: Mapping[str, str] = {"sms": "sms_webhook", "phone": "phone_webhook", "web": "app_webhook"}


_MEDIA: Mapping[str, str] = {"json": JSON, "form": forms.URLENCODED, "xml": "application/xml"}


def content_type_of(profile: CompiledProfile, given: str, *, is_part: bool = False) -> str:
    """Return the content type of a record: that of the profile, since senders name wrong ones.

    Of the request's own, `given`, only the boundary of a multipart form counts. `is_part` is True for a message of
    several, which is JSON.
    """
    name, options = forms.media(given)
    if is_part:
        media_type = JSON
    elif profile.profile.body == "form" and name == forms.MULTIPART and options.get("boundary"):
        quoted = options["boundary"].replace("\\", "").replace('"', "")
        media_type = f'{name}; boundary="{quoted}"'
    else:
        media_type = _MEDIA[profile.profile.body]
    return f"{media_type}; {PROFILE}={profile.name}"


def is_mapped(raw: RawMessage) -> bool:
    """Return True if a record came by a mapped webhook."""
    return PROFILE in media(raw.envelope.datacontenttype)[1]


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of one message. Raises RecordError."""
    content_type = raw.envelope.datacontenttype
    options = media(content_type)[1]
    profile = profile_of(policy.rules, options[PROFILE])
    found = profile.read(raw.value, content_type)
    if len(found) != 1:
        raise MalformedError("the record holds several messages: only whole requests do")
    mapped = found[0]
    kind = CHANNEL_KINDS[profile.profile.channel]
    match profile.profile.channel:
        case "sms":
            draft = web.draft_of(received(mapped, profile))
        case "phone":
            platform = options.get("platform") or raw.envelope.account or ""
            told = call(mapped, profile)
            return draft_of_call(told, platform, kind, raw.envelope.recordedtime, policy.max_text_bytes)
        case "web":
            draft = _submission(mapped, profile.files(raw.value, content_type), policy)
    return structs.replace(_timed(draft, mapped, profile, raw), channel_kind=kind)


def profile_of(rules: Rules, name: str) -> CompiledProfile:
    """Return a profile by its name. Raises UnsupportedError for an unknown one."""
    found = profiles(rules).get(name)
    if found is None:
        raise UnsupportedError("the profile of this webhook is unknown: put its file back into the rules folder")
    return found


def received(mapped: Mapped, profile: CompiledProfile) -> web.Received:
    """Return the SMS of a message."""
    return web.Received(
        identifier=mapped.text("identifier"),
        sender=mapped.text("sender").strip(),
        to=mapped.text("recipient").strip(),
        text=mapped.text("text"),
        time=written(mapped.text("time"), zone_of(profile.profile.timezone)),
        report=mapped.is_report,
        extra=_rest(mapped),
    )


def call(mapped: Mapped, profile: CompiledProfile) -> Told:
    """Return the call of a message, by way of the documented record of a call. Raises MalformedError."""
    told = webhook.call(msgspec.json.encode(mapped.fields), zone_of(profile.profile.timezone))
    return structs.replace(told, extra=told.extra | _rest(mapped))


def _submission(mapped: Mapped, files: tuple[File, ...], policy: Policy) -> Draft:
    pairs = tuple((name, mapped.text(name)) for name in mapped.fields if name not in ("identifier", "time"))
    uploads = tuple(
        Upload(field="", name=one.name or "", media_type=one.media_type, data=one.data or b"") for one in files
    )
    draft = form.draft_of(Fields(pairs=pairs, files=uploads), {}, policy.rules)
    return structs.replace(draft, extra=draft.extra | _rest(mapped))


def _timed(draft: Draft, mapped: Mapped, profile: CompiledProfile, raw: RawMessage) -> Draft:
    """Take the sender's time if a message can have been sent then, else keep its text."""
    given = mapped.text("time")
    at = web.sensible(written(given, zone_of(profile.profile.timezone)), raw.envelope.recordedtime)
    extra = draft.extra if at is not None or not given else {**draft.extra, "time": safe(given)}
    sender = draft.sender
    if sender is None and profile.profile.channel == "sms" and raw.envelope.sender:
        sender = Party(kind="phone", value=raw.envelope.sender)
    return structs.replace(draft, received_at=at, extra=extra, sender=sender)


def _rest(mapped: Mapped) -> dict[str, str]:
    return {safe(path): safe(text) for path, text in mapped.rest.items()}
