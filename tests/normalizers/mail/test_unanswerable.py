"""Which mails no machine may answer."""

from collections.abc import Callable

from normalizers.base import UNANSWERABLE, Draft
from tests.rows import each_row

MAIL = b"From: wang@mail.example.cn\r\nTo: 12345@city.example.cn\r\nSubject: hello\r\n%b\r\n\r\nThe lamp is out.\r\n"


@each_row(
    ("header", "sign"),
    [
        (b"Auto-Submitted: auto-replied (vacation)", "auto_submitted"),
        (b"Auto-Submitted: auto-generated", "auto_submitted"),
        (b"Return-Path: < >", "null_return_path"),
        (b"Precedence: Bulk", "precedence"),
        (b"X-Auto-Response-Suppress: DR, OOF, AutoReply", "suppressed"),
        (b"X-Auto-Response-Suppress: All", "suppressed"),
        (b"List-Id: <12345.city.example.cn>", "list"),
        (b"Feedback-ID: campaign", "list"),
    ],
)
def test_a_mail_says_that_no_machine_may_answer(header: bytes, sign: str, draft: Callable[[bytes], Draft]) -> None:
    assert draft(MAIL % header).extra.get(UNANSWERABLE) == sign


@each_row(
    "header",
    [b"Auto-Submitted: no", b"Return-Path: <wang@mail.example.cn>", b"Precedence: first-class", b"X-Mailer: Foxmail"],
)
def test_a_persons_mail_may_be_answered(header: bytes, draft: Callable[[bytes], Draft]) -> None:
    assert UNANSWERABLE not in draft(MAIL % header).extra
