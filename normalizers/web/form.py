"""The city's own web form: kind, title, text, place and contact, as a draft."""

from collections.abc import Iterator, Mapping

from normalizers.base import Draft
from normalizers.record import KINDS
from normalizers.rules import Rules
from normalizers.web import people
from normalizers.web.fields import Fields
from normalizers.web.open311 import answering, files_of, origin, said, where, written
from schemas.records import Finding, Thread

_TAKEN = frozenset(
    {"kind", "title", "text", "place", "lat", "long", "name", "phone", "email", "confidential", "hotline", "lang"}
    | {"stamp", "website", "number", "code"}
)
"""Fields of the page; `stamp` and `website` (the honeypot) are the door's own."""

_KINDS = frozenset(KINDS.values())


def draft_of(given: Fields, options: Mapping[str, str], rules: Rules) -> Draft:
    """Return the draft of a form; `options` are the door's parameters: hotline_code, ticket (a token)."""
    form = given.form
    asks = people.contact(rules, name=form.get("name", ""), phone=form.get("phone", ""), email=form.get("email", ""))
    text, place = written(given, "text"), form.get("place", "").strip()
    extra = {name: value for name, value in given.joined.items() if name not in _TAKEN}
    return Draft(
        message_class="person" if text or form.get("title", "").strip() or not given.files else "unsupported",
        channel_kind="web",
        sender=asks.sender,
        recipients=answering(options),
        thread=Thread(reply_to=asks.reply_to),
        title=form.get("title", "").strip() or None,
        text="\n".join(filter(None, (text, f"地点：{place}" if place and place not in text else ""))),
        files=files_of(given, options),
        findings=tuple(_findings(form, options)),
        extra=extra | people.unread(form, asks),
    )


def _findings(form: Mapping[str, str], options: Mapping[str, str]) -> Iterator[Finding]:
    if form.get("kind") in _KINDS:
        yield said("request_kind", form["kind"])
    yield from where(form.get("place", ""), form.get("lat", ""), form.get("long", ""))
    if form.get("confidential"):
        yield said("confidentiality", "confidential")
    yield from origin(form.get("hotline", ""), options)
