"""The words of a receipt: complete, in the channel's own form, and no promise that nobody can keep."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from normalizers.base import Draft, Policy
from normalizers.parse import ticket_tokens
from normalizers.rules import Rules
from schemas import ids
from schemas.errors import MisconfiguredError
from tests.connectors.outbox.answers import intent
from tests.rows import each_row
from tickets.receipts import render

POLICY, KEY = Policy(), b"a query key, long enough"
HELP_WAS_CALLED = re.compile(r"已(?:为您|经|帮您)?(?:报警|呼叫|联系|通知|拨打|派出|转(?:交|接)?至?1)")


@each_row("channel", ["mailbox", "sms", "wechat", "weibo"])
@each_row("urgent", [True, False])
def test_a_receipt_says_number_code_and_token(channel: str, urgent: bool) -> None:
    outbox = replace(intent(1, urgent=urgent), channel=channel)
    receipt = render.write(outbox, render.wording(), POLICY, KEY)
    assert outbox.ticket_no in receipt.text
    assert ids.query_code(KEY, outbox.ticket_id) in receipt.text
    assert ticket_tokens.named(Draft(text=receipt.text), POLICY).ticket_id == outbox.ticket_id
    assert ("请立即拨打110、119、120、122" in receipt.text) is urgent
    assert not HELP_WAS_CALLED.search(receipt.text.replace("不代表已为您报警", ""))
    assert "{" not in receipt.text
    assert (receipt.subject is not None) is (channel == "mailbox")


def test_a_mails_subject_carries_the_token_on_one_line() -> None:
    receipt = render.write(intent(1), render.wording(), POLICY, KEY)
    assert receipt.subject is not None
    assert ticket_tokens.named(Draft(title=f"回复: {receipt.subject}"), POLICY).ticket_id == intent(1).ticket_id
    assert "\n" not in receipt.subject


WHOLE = "{urgent}{ticket_no}{query_code}{token}"
NUMBERS = "请拨打110、119、120、122"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (f'urgent = "请拨打110"\n[default]\ntext = "{WHOLE}"', "must name 110, 119, 120, 122"),
        (f'urgent = "{NUMBERS}"\n[sms]\ntext = "{WHOLE}"', r"lacks \[default\]"),
        (f'urgent = "{NUMBERS}"\n[default]\ntext = "{{urgent}}{{ticket_no}}{{token}}"', "{query_code}"),
        (f'urgent = "{NUMBERS}"\n[default]\ntext = "{WHOLE}{{name}}"', "{name}"),
        (f'urgent = "{NUMBERS}"\n[default]\ntext = "{WHOLE}{{"', "brace"),
        (f'urgent = "{NUMBERS}"\n[default]\ntext = "{WHOLE}"\nsubject = "{{name}}"', "subject"),
        (f'version = 7\nurgent = "{NUMBERS}"\n[default]\ntext = "{WHOLE}"', "is invalid"),
        (f'urgent = "{NUMBERS}"\n[default]\nwords = "{WHOLE}"', "is invalid"),
    ],
)
def test_a_citys_own_words_must_be_complete(written: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "answers.toml").write_text(written, encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=said):
        render.wording(Rules.load(tmp_path))


def test_a_citys_own_words_replace_ours(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    own = f'urgent = "{NUMBERS}"\n[default]\ntext = "沈阳 {WHOLE}"'
    (tmp_path / "answers" / "answers.toml").write_text(own, encoding="utf-8")
    assert render.write(intent(1), render.wording(Rules.load(tmp_path)), POLICY, KEY).text.startswith("沈阳 ")


def test_words_have_a_version_and_older_ones_of_a_city_are_its_own(tmp_path: Path) -> None:
    assert render.wording().version == "2026.12"
    (tmp_path / "answers").mkdir()
    own = f'urgent = "{NUMBERS}"\n[default]\ntext = "沈阳 {WHOLE}"'
    (tmp_path / "answers" / "answers.toml").write_text(own, encoding="utf-8")
    assert render.wording(Rules.load(tmp_path)).version == "own"
