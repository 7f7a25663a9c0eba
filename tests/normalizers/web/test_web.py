"""Submissions of forms and apps: encodings, attributes, contacts, places, and what they come to in the ticket."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from normalizers import rulebooks
from normalizers.base import Policy
from normalizers.parse import json as crowd
from normalizers.parse import ticket_tokens
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.web import fields, multipart, places
from normalizers.web.services import services
from schemas.errors import MalformedError, MisconfiguredError, UnsupportedError
from schemas.records import Event, InputRef, Message, RawMessage, Ticket, TicketVersion, event, raw_message
from tests.rows import each_row
from tickets.policy import TicketPolicy
from tickets.snapshot.build import open_ticket

TAKEN = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"


def raw(value: bytes | dict[str, Any], content_type: str = FORM, **changes: Any) -> RawMessage:
    made: dict[str, Any] = {
        "channel": "web",
        "channel_kind": "app",
        "account": "city",
        "jurisdiction": "210100",
        "identifier": "1",
        "value": value if isinstance(value, bytes) else urlencode(value, doseq=True).encode(),
        "content_type": content_type,
        "time": TAKEN,
        "recorded": TAKEN,
    }
    return raw_message(**(made | changes))


def message(value: bytes | dict[str, Any], content_type: str = FORM, **changes: Any) -> Message:
    return normalize(raw(value, content_type, **changes), Policy()).message


def said(value: dict[str, Any], content_type: str = FORM) -> dict[str, str]:
    return {one.kind: one.value for one in message(value, content_type).findings if one.source == "channel"}


def ticket(made: Message) -> Ticket:
    """Return the ticket that the message opens."""
    opened = event.Opened(ticket_id="t", ticket_no="n", day="20261124", sequence=1, message_id=made.message_id)
    decision = Event(
        event_id="e", jurisdiction=made.jurisdiction, tickets=(TicketVersion(ticket_id="t", version=1),), at=TAKEN,
        input=InputRef(message_id=made.message_id, topic="t", partition=0, offset=0), relation="new",
        policy_version="1", changes=(opened,),
    )  # fmt: skip
    return open_ticket(made, decision, opened, TicketPolicy())


REQUEST = {"service_code": "construction.public_works", "address_string": "中山路88号", "description": "路灯不亮"}


def test_a_service_is_the_category_of_the_ticket_with_its_names() -> None:
    made = ticket(message(REQUEST))
    assert made.category
    assert (made.category.code, made.category.source) == ("construction.public_works", "requester")
    assert made.category.path == ("城乡建设", "市政设施与市容")


def test_coordinates_are_the_ticket_s_place_in_wgs84() -> None:
    made = ticket(message(REQUEST | {"lat": "41.805699", "long": "123.431474"}))
    assert made.location
    assert (made.location.text, made.location.latitude, made.location.longitude, made.location.datum) == (
        "中山路88号", 41.805699, 123.431474, "wgs84",
    )  # fmt: skip


@pytest.mark.parametrize(("adcode", "mode"), [("450100", "merged"), ("210100", None)])
def test_a_merged_line_is_the_ticket_s_origin_with_the_mode_of_its_province(adcode: str, mode: str | None) -> None:
    made = ticket(message(REQUEST | {"attribute[hotline_code]": "12301"}, jurisdiction=adcode))
    assert made.origin
    assert (made.origin.hotline_code, made.origin.merge_mode) == ("12301", mode)


def test_the_door_s_line_stands_where_the_citizen_names_none() -> None:
    assert said(REQUEST, f"{FORM}; hotline_code=12315")["hotline_code"] == "12315"
    named = REQUEST | {"attribute[hotline_code]": "12301"}
    assert said(named, f"{FORM}; hotline_code=12315")["hotline_code"] == "12301"


def test_a_wish_for_confidence_is_heard() -> None:
    assert said(REQUEST | {"attribute[confidential]": "yes"})["confidentiality"] == "confidential"
    assert "confidentiality" not in said(REQUEST | {"attribute[confidential]": "no"})
    assert said({"text": "有人违规", "confidential": "yes"})["confidentiality"] == "confidential"


@each_row("answer", ["是", "Y", "需要保密", "TRUE", ["no", "yes"]])
def test_a_wish_for_confidence_in_other_words_is_heard_too(answer: str | list[str]) -> None:
    """The door refuses such an answer, but not where the text tells of an emergency."""
    assert said(REQUEST | {"attribute[confidential]": answer})["confidentiality"] == "confidential"


@each_row("answer", ["否", "N", "False", "0", ["no", "no"]])
def test_who_wishes_no_confidence_gets_none(answer: str | list[str]) -> None:
    assert "confidentiality" not in said(REQUEST | {"attribute[confidential]": answer})


@pytest.mark.parametrize("name", ["description", "text"])
def test_what_is_said_in_several_fields_of_one_name_is_all_heard(name: str) -> None:
    fields = {"service_code": "construction.public_works"} if name == "description" else {}
    parts = ["路灯不亮", "路灯不亮", "下面有人触电了，快来救人"]
    assert message(fields | {name: parts}).text == "路灯不亮\n下面有人触电了，快来救人"


def test_a_description_may_be_a_list() -> None:
    made = message(
        msgspec.json.encode(REQUEST | {"description": ["路灯不亮", "请修"], "note": "x"}), "application/json"
    )
    assert made.text.startswith("路灯不亮\n请修\n")
    assert made.extra == {"note": "x"}


@each_row("value", ["罪犯", "13800138000", "x" * 300, "有人 名叫 张三"])
def test_what_is_no_code_stays_out_of_the_fields_that_are_in_clear(value: str) -> None:
    given = {"attribute[hotline_code]": value, "attribute[external_ticket_no]": value, "service_code": value}
    found = said(REQUEST | given)
    assert {"hotline_code", "external_ticket_no", "category"}.isdisjoint(found)


def test_another_systems_number_that_is_none_is_kept_beside() -> None:
    name = "attribute[external_ticket_no]"
    assert message(REQUEST | {name: "zhangsan"}).extra[name] == "zhangsan"
    assert name not in message(REQUEST | {name: "DH-77"}).extra


@each_row(
    ("given", "kind", "value"),
    [
        ({"phone": "13800138000", "email": "a@mail.example"}, "phone", "13800138000"),
        ({"phone": "不方便", "email": "a@mail.example"}, "email", "a@mail.example"),
        ({"phone": "12345", "first_name": "小明", "last_name": "王"}, "name", "王小明"),
        ({"first_name": "Anna", "last_name": "Berg"}, "name", "Anna Berg"),
        ({"account_id": "77"}, "uid", "myapp:77"),
        ({"account_id": "77", "phone": "13800138000"}, "phone", "13800138000"),
    ],
)
def test_who_asks(given: dict[str, str], kind: str, value: str) -> None:
    sender = message(REQUEST | given, f"{FORM}; client=myapp").sender
    assert sender
    assert (sender.kind, sender.value) == (kind, value)


def test_accounts_of_two_apps_are_two_people() -> None:
    one, other = (
        message(REQUEST | {"account_id": "77"}, f"{FORM}; client={name}").features.requesters for name in ("a", "b")
    )
    assert set(one).isdisjoint(other)
    assert message(REQUEST | {"account_id": "77"}).sender is None, "an account of nobody's app"


@pytest.mark.parametrize("content_type", [FORM, "application/json"])
def test_every_photo_that_an_app_only_links_to_is_told(content_type: str) -> None:
    links = ["https://a.example/1.jpg", "https://a.example/2.jpg"]
    value = REQUEST | {"media_url": links}
    sent = value if content_type == FORM else json.dumps(value).encode()
    lines = message(sent, content_type).text.split("\n")
    assert lines[-2:] == [f"媒体链接：{link}" for link in links]


def test_the_door_s_token_is_found_and_a_forged_one_only_claims() -> None:
    name = "210100-aaaaaaaaaaaaaaaaaaaa"
    more = {"service_request_id": name, "description": "还是不亮"}
    signed = ticket_tokens.make(name, Policy())
    assert message(more, f'{FORM}; ticket="{signed}"').features.token == name
    forged = message(more, f'{FORM}; ticket="{name}.demo.aaaaaaaaaaaaaaaa"').features
    assert (forged.token, forged.claimed) == (None, name)


@each_row(
    ("value", "content_type", "error"),
    [
        (b"text=a", "text/plain", UnsupportedError),
        (b"text=a", "multipart/form-data", MalformedError),
        (b"--b\r\n", "multipart/form-data; boundary=b", MalformedError),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b", MalformedError),
        (b"{", "application/json", MalformedError),
        (b"[]", "application/json", MalformedError),
        (b'{"text":"' + b"\xff" + b'"}', "application/json", MalformedError),
        (b"other=1", FORM, MalformedError),
        (b"a=1&" * 400 + b"text=a", FORM, MalformedError),
        (b"", FORM, MalformedError),
    ],
)
def test_what_is_no_submission_says_why(value: bytes, content_type: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        message(value, content_type)
    assert len(str(caught.value)) > 20


def test_too_many_parts_are_no_form() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nx\r\n'
    with pytest.raises(MalformedError):
        multipart.parts(part * (multipart.MAX_PARTS + 1) + b"--b--\r\n", b"b")


@pytest.mark.parametrize(
    "value",
    [
        {"text": "路灯坏了", "a": [0] * fields.MAX_FIELDS},
        {"text": "路灯坏了", "a": [[[[0] * crowd.MOST_MARKS]]]},
        {"text": "路灯坏了", "a": {"b" * (crowd.MAX_PATH + 1): {"c": "d", "e": "f"}}},
    ],
    ids=["fields", "marks", "a name before each field"],
)
def test_json_that_holds_more_than_any_form_is_no_form(value: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="more than"):
        message(msgspec.json.encode(value), "application/json")


def test_a_text_of_json_may_hold_any_marks() -> None:
    text = ',[{"\\' * crowd.MOST_MARKS
    assert fields.read("application/json", msgspec.json.encode({"text": text})).form == {"text": text}


def test_a_part_with_headers_without_end_is_no_form() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="text"\r\n'
    for more in (b"X: y\r\n" * 20, b"X: " + b"y" * 10_000 + b"\r\n"):
        with pytest.raises(MalformedError):
            multipart.parts(head + more + b"\r\nx\r\n--b--\r\n", b"b")


@each_row(
    ("disposition", "name"),
    [
        ('name="media"; filename="照片.jpg"', "照片.jpg"),
        ("name=\"media\"; filename*=utf-8''%E7%85%A7%E7%89%87.jpg", "照片.jpg"),  # Spring's WebClient before 5.3
        ("filename*=UTF-8'zh'%E7%85%A7%E7%89%87.jpg ; name=\"media\"", "照片.jpg"),
        ('name="media"; filename="a.jpg"; filename*=utf-8\'\'%E7%85%A7.jpg', "a.jpg"),
        ('name="media"', ""),  # Retrofit's @Part("media") RequestBody
    ],
)
def test_a_photo_is_a_file_however_its_name_is_written(disposition: str, name: str) -> None:
    photo = b"\xff\xd8\xff\xe0" + bytes(range(256))
    head = f"--b\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: image/jpeg\r\n\r\n".encode()
    found = fields.read("multipart/form-data; boundary=b", head + photo + b"\r\n--b--\r\n")
    assert [(one.field, one.name, one.media_type, one.data) for one in found.files] == [
        ("media", name, "image/jpeg", photo)
    ]
    assert not found.pairs


def test_a_text_with_a_type_is_a_text() -> None:
    head = (
        b'--b\r\nContent-Disposition: form-data; name="description"\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n'
    )
    found = fields.read("multipart/form-data; boundary=b", head + "路灯不亮".encode() + b"\r\n--b--\r\n")
    assert found.pairs == (("description", "路灯不亮"),)


values = st.binary(max_size=60).filter(lambda value: b"\r\n--b" not in value)


@given(st.lists(st.tuples(st.sampled_from(["text", "api_key", "x"]), values), max_size=5))
def test_a_part_stands_where_it_says(sent: list[tuple[str, bytes]]) -> None:
    body = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in sent
    )
    body += b"--b--\r\n"
    found = multipart.parts(body, b"b")
    assert [(part.name.decode(), part.value) for part in found] == sent
    assert [body[part.start : part.end] for part in found if part.start is not None] == [
        part.value for part in found if part.start is not None
    ]


@given(st.binary(max_size=300), st.sampled_from([FORM, "multipart/form-data; boundary=b", "application/json", ""]))
def test_any_body_is_fields_or_an_error_of_ours(body: bytes, content_type: str) -> None:
    try:
        found = fields.read(content_type, body)
    except (MalformedError, UnsupportedError):
        return
    assert all(isinstance(text, str) for pair in found.pairs for text in pair)


def test_nested_json_does_not_go_down_for_ever() -> None:
    deep = b'{"text":"a","x":' + b"[" * 500 + b"1" + b"]" * 500 + b"}"
    assert message(deep, "application/json").text == "a"


@each_row(
    ("lat", "long", "point", "swapped"),
    [
        ("41.8", "123.4", (41.8, 123.4), False),
        (" -33.9 ", "+18.4", (-33.9, 18.4), False),
        ("123.4", "41.8", None, True),
        ("80", "40", (80.0, 40.0), True),
        ("NaN", "1", None, False),
        ("1e2", "1", None, False),
        ("٤١", "1", (41.0, 1.0), False),
        ("91", "181", None, False),
        ("", "", None, False),
        ("41.8" + "0" * 50, "1", None, False),
    ],
)
def test_points(lat: str, long: str, point: tuple[float, float] | None, swapped: bool) -> None:
    assert places.point_of(lat, long) == point
    assert places.is_swapped(lat, long) == swapped


def test_every_topic_of_the_categories_is_a_service() -> None:
    table = DEFAULT_RULES.toml("category")
    assert [*services()] == [*table["topics"], "other"]
    for one in services().values():
        assert {attribute.code for attribute in one.attributes} >= {"request_kind", "hotline_code"}
    assert "pole_number" not in {attribute.code for attribute in services()["environment.noise"].attributes}


ATTRIBUTE = """
version = "1"
[[attributes]]
code = "{code}"
services = ["{service}"]
name = "n"
datatype = "{datatype}"
required = true
description = "d"
"""


@pytest.fixture
def rulebook(tmp_path: Path) -> Callable[..., Path]:
    def write(code: str = "a", service: str = "environment", datatype: str = "string", more: str = "") -> Path:
        text = ATTRIBUTE.format(code=code, service=service, datatype=datatype) + more
        (tmp_path / "services.toml").write_text(text, "utf-8")
        return tmp_path

    return write


def test_a_city_s_own_questions_are_asked_of_a_whole_class(rulebook: Callable[..., Path]) -> None:
    folder = rulebook()
    rulebooks.verify(Rules.load(folder))
    assert [one.code for one in services(Rules.load(folder))["environment.noise"].attributes] == ["a"]
    assert services(Rules.load(folder))["transport.bus"].attributes == ()
    made = normalize(
        raw(REQUEST | {"service_code": "environment.noise", "attribute[a]": "7"}), Policy(rules=Rules.load(folder))
    )
    assert "n：7" in made.message.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"service": "nowhere"},
        {"datatype": "emoji"},
        {"datatype": "singlevaluelist"},
        {"more": ATTRIBUTE.format(code="a", service="*", datatype="text")},
        {"more": "[[attributes]]\ncode = 'b'\n"},
        {"more": 'unknown = "x"\n'},
    ],
)
def test_wrong_questions_are_named_by_the_check(rulebook: Callable[..., Path], wrong: dict[str, str]) -> None:
    with pytest.raises(MisconfiguredError, match="services"):
        rulebooks.verify(Rules.load(rulebook(**wrong)))


def test_a_draft_is_the_same_whatever_the_encoding() -> None:
    boundary = b"b"
    parts = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in REQUEST.items()
    )
    made = [
        message(REQUEST),
        message(parts + b"--b--\r\n", f"multipart/form-data; boundary={boundary.decode()}"),
        message(str(REQUEST).replace("'", '"').encode(), "application/json"),
    ]
    plain = [structs.replace(one, raw=made[0].raw) for one in made]
    assert plain[0] == plain[1] == plain[2]
