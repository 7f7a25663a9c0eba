"""The signs by which a mail says that no machine may answer it; in every doubt none does."""

from normalizers.mail.headers import Headers

_BULK = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_SUPPRESSED = frozenset({"all", "autoreply", "oof", "dr", "rn", "nrn"})
_OF_LISTS = ("list-id", "list-unsubscribe", "list-post", "list-help", "feedback-id", "x-mailing-list", "x-loop")


def unanswerable(headers: Headers) -> str | None:
    """Return the sign, None for a mail that may be answered (RFC 3834 section 2; Microsoft's [MS-OXCMAIL] 2.2.3.2.14).

    A form's mail (auto-generated) speaks for a person whom the form has answered.
    """
    submitted = (headers.text("auto-submitted") or "no").lower().split(";")[0].strip()
    if submitted != "no":
        return "auto_submitted"
    if any(value.replace(b" ", b"") == b"<>" for value in headers.all("return-path")):
        return "null_return_path"
    if (headers.text("precedence") or "").strip().lower() in _BULK:
        return "precedence"
    asked = (headers.text("x-auto-response-suppress") or "").lower().replace(";", ",").split(",")
    if not _SUPPRESSED.isdisjoint(one.strip() for one in asked):
        return "suppressed"
    return "list" if any(name in headers for name in _OF_LISTS) else None
