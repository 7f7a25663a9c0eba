"""Voicemail (语音留言) that an Asterisk mails: who called writes no mails, the words around the sound are the PBX's.

It sends everybody's from one address with nearly one text: taken for the requester's, they would all be one person's
one matter.
"""

from msgspec import structs

from normalizers.draft import Draft
from normalizers.mail.headers import Headers
from schemas.records import Party

CALLER, CALLER_NAME = "x-asterisk-callerid", "x-asterisk-calleridname"
_NAMELESS = ("", "unknown", "unknown caller", "an unknown caller", "anonymous")


def as_spoken(draft: Draft, headers: Headers) -> Draft:
    """Return a voicemail as its caller's: known by a claim alone, so by no identity; other mails stay as they are.

    The PBX's words go beside the sound; where none came along, they stay.
    """
    if CALLER not in headers:
        return draft
    caller, name = ((headers.text(one) or "").strip() for one in (CALLER, CALLER_NAME))
    sender = None
    if caller.lower() not in _NAMELESS:
        sender = Party(kind="name", value=caller, name=None if name.lower() in _NAMELESS else name)
    draft = structs.replace(draft, sender=sender)
    if not any(file.media_type.startswith("audio/") for file in draft.files):
        return draft
    told = "\n".join(filter(None, (draft.title, draft.text, draft.signature)))
    return structs.replace(draft, title=None, text="", signature=told or None)
