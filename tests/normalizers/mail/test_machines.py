"""By which words a city's own machines are known, and ids that are nobody's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from normalizers.base import Policy
from normalizers.mail import normalize as of_mail
from normalizers.parse.contacts import identity_of
from normalizers.rules import Rules
from normalizers.similarity.requester import requester_hashes
from schemas.records import Party, RawMessage
from tests.normalizers.test_rules_of_a_city import with_more

Mail = Callable[[bytes], RawMessage]


def class_of(raw_mail: Mail, subject: str, text: str, folder: Path | None, sender: str = "a@mail.example") -> str:
    value = f"From: {sender}\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    return of_mail(raw_mail(value.encode()), Policy(rules=Rules.load(folder))).message_class


@pytest.mark.parametrize(
    ("more", "subject", "text"),
    [
        ({"replies__subjects": ["代办回执"]}, "代办回执", "本邮件由系统自动发出"),
        ({"replies__texts": ["值班轮休"]}, "自动回复", "您好，值班轮休"),
        ({"replies__this": " 此信由平台"}, "自动回复", "此信由平台自动发出"),
        ({"replies__away": " 轮岗"}, "自动回复", "轮岗期间请联系同事"),
    ],
)
def test_an_automatic_reply_of_a_citys_own_offices_is_known(
    tmp_path: Path, raw_mail: Mail, more: dict[str, Any], subject: str, text: str
) -> None:
    assert class_of(raw_mail, subject, text, None) == "person"
    assert class_of(raw_mail, subject, text, with_more(tmp_path, "machines", **more)) == "auto_reply"
    assert class_of(raw_mail, "路灯坏了", text, tmp_path) == "person"  # a second sign is needed


def test_a_bounce_of_a_citys_own_mail_system_is_known(tmp_path: Path, raw_mail: Mail) -> None:
    own = with_more(tmp_path, "machines", bounces__senders=" youju", bounces__subjects=["未能投妥"])
    assert class_of(raw_mail, "未能投妥：您的邮件", "-", None, "youju@mail.example") == "person"
    assert class_of(raw_mail, "未能投妥：您的邮件", "-", own, "youju@mail.example") == "bounce"
    assert class_of(raw_mail, "未能投妥：您的邮件", "-", own) == "person"


@pytest.mark.parametrize(
    ("more", "kind", "value"),
    [
        ({"nobody__ids": " 微邦用户"}, "uid", "微邦用户"),
        ({"nobody__senders": " Tuisong"}, "email", "tuisong@app.example"),
        ({"nobody__unread": " 请勿回信"}, "email", "12345请勿回信@app.example"),
    ],
)
def test_whom_a_citys_own_apps_name_for_nobody_is_no_person(
    tmp_path: Path, more: dict[str, str], kind: str, value: str
) -> None:
    somebody, own = Party(kind=kind, value=value), with_more(tmp_path, "machines", **more)
    assert identity_of(somebody) == value
    assert identity_of(somebody, Rules.load(own)) is None
    assert requester_hashes([somebody], Policy(rules=Rules.load(own))) == ()
