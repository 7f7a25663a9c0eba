"""Status reports (状态报告, delivery receipts) of short messages, in the raw records of SMPP and CMPP."""

from connectors.replies.base import Report
from normalizers.sms import short_of
from schemas.errors import RecordError


def report_of(raw: bytes, content_type: str) -> Report | None:
    """Return the status report in a raw record, or None for other and unreadable records."""
    try:
        short = short_of(raw, content_type)
    except RecordError:
        return None
    told = short.extra
    if not short.report or not told.get("id"):
        return None
    status = told.get("stat") or _STATES.get(told.get("message_state", ""), "")
    return Report(reference=told["id"], status=status.upper(), number=told.get("to") or short.sender)


_STATES = {
    "1": "ENROUTE",
    "2": "DELIVRD",
    "3": "EXPIRED",
    "4": "DELETED",
    "5": "UNDELIV",
    "6": "ACCEPTD",
    "8": "REJECTD",
}
"""message_state (SMPP 3.4, 5.2.28) in the words of a receipt; 7 is unknown."""
