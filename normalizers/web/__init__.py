"""The web (网站, 移动端): a submission of the city's own form, or an app's request by Open311.

The record's value is the body as it came, without the app's key. The content type is the body's; parameters that the
door adds say what it knows: `client` (which app), `hotline_code` (whose line the door is), `ticket` (a signed token).
"""

from normalizers.base import Draft, Policy
from normalizers.web import form, open311
from normalizers.web.fields import media, read
from schemas.errors import MalformedError
from schemas.records import RawMessage

_OPEN311 = ("description", "service_code")
_FORM = ("text", "title")


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a submission; its fields distinguish an app from the form. Raises MalformedError."""
    content_type = raw.envelope.datacontenttype
    given, (_, options) = read(content_type, raw.value), media(content_type)
    names = given.form.keys()
    if not names.isdisjoint(_OPEN311):
        return open311.draft_of(given, options, policy.rules)
    if names.isdisjoint(_FORM):
        raise MalformedError("neither our form nor an Open311 request: it has no text and no service_code")
    return form.draft_of(given, options, policy.rules)
