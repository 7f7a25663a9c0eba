"""The number that a system gave its user, or a thread, names nobody and nothing in another system."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize, understood
from schemas.records import Message, raw_message
from tests.rows import each_row
from tests.tickets.build import START
from tests.tickets.said import CITY, decided, said

LIFT = "柳荫公寓的电梯总是坏，物业不修"
CITIZEN = "oZfS86Ll3Xxa0Xn1hQeWQ5zPbT2k"


def written(number: int, text: str, *, account: str, sender: Any = "13900000001", **more: str) -> Message:
    return said(number, "", text, sender=sender, account=account, **more)


def relation(first: Message, second: Message) -> str:
    return decided([first, second])[1][1].relation


def user(kind: str, value: str) -> dict[str, str]:
    return {"kind": kind, "value": value}


@each_row("sender", ["1001", "A1001", user("uid", "1001"), user("openid", "zhangsan")])
def test_one_number_in_two_systems_is_two_persons(sender: object) -> None:
    old, new = (written(n, LIFT, account=account, sender=sender) for n, account in enumerate(("old", "new")))
    assert relation(old, new) == "same_matter_other_person"


@each_row("sender", ["100123", "A1001", user("uid", "1001"), user("openid", "zhangsan")])
def test_one_number_in_one_system_is_one_person(sender: object) -> None:
    first, second = (written(n, LIFT, account="old", sender=sender) for n in range(2))
    assert relation(first, second) == "same_person_same_matter"


def test_a_seat_at_which_calls_are_entered_is_not_one_person() -> None:
    first, second = (written(n, LIFT, account="old", sender="8001") for n in range(2))
    assert relation(first, second) == "same_matter_other_person"


@pytest.mark.parametrize("sender", ["13900000001", "li@example.cn", user("openid", CITIZEN)])
def test_who_is_known_everywhere_is_one_person_in_two_systems(sender: object) -> None:
    old, new = (written(n, LIFT, account=account, sender=sender) for n, account in enumerate(("old", "new")))
    assert relation(old, new) == "same_person_same_matter"


def test_a_user_of_weibo_is_no_user_of_another_system() -> None:
    item = {"idstr": "5100000000000116", "text": LIFT, "user": {"id": 1001}}
    weibo = raw_message(
        channel="weibo", channel_kind="weibo_mention", account="city", jurisdiction=CITY, identifier="w",
        value=json.dumps(item).encode(), content_type="application/json", time=START, recorded=START,
    )  # fmt: skip
    record = written(1, LIFT, account="old", sender=user("uid", "1001"), channel="weibo")
    assert relation(normalize(weibo, Policy()).message, record) == "same_matter_other_person"


def test_threads_of_two_systems_with_one_number_are_two() -> None:
    lift = written(0, LIFT, account="old", thread_id="17")
    other = written(1, "第三小学门口的井盖不见了", account="new", thread_id="17")
    again = written(2, "第三小学门口的井盖不见了", account="old", thread_id="17")
    assert [one.relation for one in decided([lift, other, again])[1]] == ["new", "new", "follow_up"]


@pytest.mark.parametrize("sender", ["1001", "13900000001", user("openid", CITIZEN)])
def test_what_is_understood_anew_is_of_the_same_person(sender: object) -> None:
    message = written(0, LIFT, account="old", sender=sender)
    assert understood(message, LIFT, Policy()).features.requesters == message.features.requesters


def entered(number: int, account: str) -> Message:
    """Return a request of the user whom an app names so."""
    raw = raw_message(
        channel="web", channel_kind="app", account="city", jurisdiction=CITY, identifier=str(number),
        value=urlencode({"description": LIFT, "account_id": account}).encode(),
        content_type="application/x-www-form-urlencoded; client=app", time=START, recorded=START,
    )  # fmt: skip
    return normalize(raw, Policy()).message


@each_row("account", ["guest", "0", "-1", "匿名用户", "null", "访客", "visitor", "default", "admin"])
def test_those_who_are_not_logged_in_are_not_one_person(account: str) -> None:
    assert relation(entered(1, account), entered(2, account)) == "same_matter_other_person"
    first, second = (written(n, LIFT, account="old", sender=user("uid", account)) for n in range(2))
    assert relation(first, second) == "same_matter_other_person"


def test_who_is_logged_in_is_one() -> None:
    assert relation(entered(1, "1001"), entered(2, "1001")) == "same_person_same_matter"
    assert relation(entered(1, "administrator-wang"), entered(2, "administrator-wang")) == "same_person_same_matter"
