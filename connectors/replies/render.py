"""Renders an intent into the reply for a sender."""

from connectors.replies.base import Reply
from normalizers.base import Policy
from schemas.records import Outbox
from tickets.receipts import render


def reply_of(outbox: Outbox, wording: render.Wording, policy: Policy, query_key: bytes) -> Reply:
    """Return the reply with its text; number, code and token are computed now and stored nowhere."""
    receipt = render.write(outbox, wording, policy, query_key)
    return Reply(
        reply_id=outbox.outbox_id,
        jurisdiction=outbox.jurisdiction,
        channel_kind=outbox.channel_kind,
        account=outbox.account,
        recipient=outbox.recipient,
        text=receipt.text,
        subject=receipt.subject,
        token=receipt.token,
        written_to=outbox.written_to,
        thread=outbox.thread,
        received_at=outbox.received_at,
    )
