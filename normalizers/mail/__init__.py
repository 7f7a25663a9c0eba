"""Mail: any bytes become a Draft; unreadable parts are kept, and only bytes beyond a published limit are refused."""

from msgspec import structs

from normalizers.base import UNANSWERABLE, Draft, Policy
from normalizers.mail.addresses import recipients_of, requester_of, sender_of
from normalizers.mail.body import Content, Reader
from normalizers.mail.charsets import read
from normalizers.mail.headers import Headers
from normalizers.mail.message_class import as_spoken, judge, unanswerable
from normalizers.mail.mime import Part, parse
from normalizers.mail.quotes import Split, is_signature, split
from normalizers.mail.threading import claimed_date, newest_date, thread_of
from normalizers.parse import automated_senders
from normalizers.rules import Rules
from normalizers.text.quote_patterns import Marks, rulebook
from schemas.errors import MissingBlobError, TooLargeError
from schemas.records import RawMessage
from schemas.records.raw import SIZE_LIMIT

__all__ = ["normalize"]


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return what the mail holds. Raises TooLargeError above 64 MiB, MissingBlobError without its bytes."""
    if len(raw.value) > SIZE_LIMIT:
        raise TooLargeError(f"a mail of {len(raw.value)} bytes; the limit is {SIZE_LIMIT}")
    if not raw.value and raw.envelope.dataref:
        raise MissingBlobError("the bytes of the mail were not fetched from the blob store before normalizing")
    root = parse(raw.value)
    return structs.replace(_draft(root, policy.rules), newest_at=newest_date(root.headers, raw.envelope.recordedtime))


def _draft(root: Part, rules: Rules) -> Draft:
    marks, known = rulebook(rules), automated_senders.rulebook(rules)
    title = root.headers.text("subject")
    forwarded = bool(title and marks.forward_subject.match(title))
    content = Reader(marks, forwarded=forwarded).read(root)
    thread = thread_of(root.headers)
    attached = content.attached()
    parts, quoted = _split(content, attached, marks, forwarded, is_reply=bool(thread.references))
    sender = sender_of(root.headers)
    judged = judge(root, known, title=title, text=parts.text, sender=sender, invitation=content.invitation)
    draft = Draft(
        message_class=judged.message_class,
        sender=requester_of(root.headers, sender, rules),
        recipients=recipients_of(root.headers),
        thread=thread,
        title=title,
        text=parts.text,
        quoted=quoted,
        signature=parts.signature,
        passed_on=attached,
        in_files="\n".join(content.spare) or None,
        files=tuple(content.files),
        extra=_extra(root, content, judged.doubt),
    )
    return as_spoken(draft, root.headers)


def _split(
    content: Content, attached: str | None, marks: Marks, forwarded: bool, *, is_reply: bool
) -> tuple[Split, str | None]:
    """Split the text; the text of attached mails counts as quoted, so that the citizen's own text stays clean."""
    text = content.text()
    parts = split(text, marks, forwarded=forwarded, certain=is_reply or content.marks_quotes)
    if attached and is_signature(text, marks):  # a phone that forwards a mail adds only its own line
        return split(attached, marks, forwarded=True)._replace(signature=text.strip()), None
    return parts, "\n\n".join(filter(None, (parts.quoted, attached))) or None


def _extra(root: Part, content: Content, doubt: str | None) -> dict[str, str]:
    """Return the mail's claimed time, its defects, and whether a machine may answer it."""
    out = {}
    if date := claimed_date(root.headers):
        out["date_claimed"] = date
    if defects := content.defects | _defects(root.headers):
        out["defects"] = ",".join(sorted(defects))
    if sign := unanswerable(root.headers) or doubt:
        out[UNANSWERABLE] = sign
    return out


def _defects(headers: Headers) -> frozenset[str]:
    is_guessed = headers.is_raw and read(headers.first("subject")).guessed
    return headers.defects | ({"guessed"} if is_guessed else set())
