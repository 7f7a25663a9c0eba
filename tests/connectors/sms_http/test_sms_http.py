"""Who is believed, what is published of a callback, and what the gateway is told."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError
from twilio.request_validator import RequestValidator

from connectors.base import Request
from connectors.http.signature import sign_twilio
from connectors.sms_http.settings import SmsHttpSettings
from normalizers.base import Policy
from normalizers.sms import normalize
from schemas.errors import MalformedError, MisconfiguredError
from schemas.records import RawMessage
from tests.connectors.pushed import refusal
from tests.connectors.sms_http import gateways
from tests.connectors.sms_http.gateways import ALIYUN, MO, SECRET, TENCENT, TOKEN, URL, account, aliyun, kannel, twilio
from tests.rows import each_row


def text_of(message: RawMessage) -> str:
    return normalize(message, Policy()).text


def test_the_vector_that_twilio_publishes() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    pairs = list(fields.items())
    assert sign_twilio("12345", url, pairs) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert sign_twilio("12345", url, pairs * 2) == "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "each value counts once"


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=6), st.text(min_size=1, max_size=40))
def test_signatures_are_those_of_twilios_own_library(fields: dict[str, str], token: str) -> None:
    assert sign_twilio(token, URL, list(fields.items())) == RequestValidator(token).compute_signature(URL, fields)


@each_row("public", [URL, URL.replace(".example", ".example:443"), f"{URL}#rc=5&rp=all"])
@each_row("signed", [URL, URL.replace(".example", ".example:443")])
def test_a_port_that_goes_without_saying_and_a_fragment_do_not_matter(public: str, signed: str) -> None:
    (message,) = account(public_url=public).accept(twilio(url=signed)).messages
    assert message.envelope.id == MO["MessageSid"]


@each_row("signed", [URL, URL.replace(".example", ".example:8443")])
def test_another_port_is_signed_or_left_out(signed: str) -> None:
    (message,) = account(public_url=URL.replace(".example", ".example:8443")).accept(twilio(url=signed)).messages
    assert message.envelope.id == MO["MessageSid"]


def test_a_message_of_twilio_is_its_form() -> None:
    accepted = account().accept(twilio())
    (message,) = accepted.messages
    assert (message.envelope.id, message.envelope.sender) == (MO["MessageSid"], MO["From"])
    assert (message.envelope.source, message.envelope.channelkind) == ("/hotline/sms/gateway", "sms_http")
    assert text_of(message) == MO["Body"]
    assert (accepted.answer.status, accepted.answer.body) == (200, b"<Response/>")
    assert accepted.answer.content_type.startswith("text/xml")


def test_the_reports_of_one_message_of_ours_are_several() -> None:
    def reported(status: str) -> str:
        fields = {"MessageSid": "SM1", "MessageStatus": status, "From": "+861234500000", "To": "+8613800138000"}
        (message,) = account().accept(twilio(fields)).messages
        assert normalize(message, Policy()).message_class == "event"
        return message.envelope.id

    assert [reported("sent"), reported("delivered"), reported("sent")] == ["SM1:sent", "SM1:delivered", "SM1:sent"]


@each_row(
    "forged",
    [
        lambda: twilio(token="stranger"),
        lambda: twilio(url="https://12345.example/sms/other"),
        lambda: twilio(headers={}),
        lambda: twilio(headers={"x-twilio-signature": "é"}),
        lambda: replace(twilio(), body=twilio(MO | {"Body": "another"}).body),
        lambda: replace(twilio(), body=twilio().body + b"&X=1"),
    ],
)
def test_what_twilio_did_not_sign_is_refused(forged: Any) -> None:
    assert refusal(account(), forged()) == (403, "signature")


def test_both_tokens_count_while_they_are_changed() -> None:
    changing = account(auth_tokens=["new-token", TOKEN])
    assert changing.accept(twilio()).messages
    assert changing.accept(twilio(token="new-token")).messages


@pytest.mark.parametrize("provider", ["aliyun", "tencent", "kannel"])
def test_who_signs_nothing_needs_the_address_and_the_secret(provider: str) -> None:
    connector = account(provider)
    body = b"[]" if provider == "aliyun" else b"{}"
    assert connector.accept(gateways.request(body)).answer.status == 200
    assert refusal(connector, gateways.request(body, client="198.51.100.1")) == (403, "address")
    assert refusal(connector, gateways.request(body, client="")) == (403, "address")
    for path in (f"/sms/{SECRET[:-1]}", "/sms/", f"/sms/{SECRET}x", "/sms/密码"):
        assert refusal(connector, gateways.request(body, path=path)) == (404, "path")


def test_only_who_proves_to_be_the_gateway_is_told_apart_by_its_address() -> None:
    """An alarm rings for a known gateway at a new address, and strangers must not be able to ring it."""
    elsewhere, wrong = {"client": "198.51.100.1"}, "/sms/another-secret-1234"
    assert refusal(account("aliyun"), gateways.request(b"[]", path=wrong, **elsewhere)) == (404, "path")
    twilios = account(allowed_addresses=["203.0.113.0/24"])
    assert refusal(twilios, twilio(token="stranger", **elsewhere)) == (403, "signature")
    assert refusal(twilios, twilio(**elsewhere)) == (403, "address")
    assert twilios.accept(twilio()).messages


def test_an_ipv4_address_in_ipv6s_clothes_is_the_same() -> None:
    assert account("aliyun").accept(aliyun(client="::ffff:203.0.113.7")).messages


def test_both_secrets_count_while_they_are_changed() -> None:
    changing = account("aliyun", path_secrets=["another-secret-1234", SECRET])
    assert changing.accept(aliyun()).messages
    assert changing.accept(aliyun(path="/sms/another-secret-1234")).messages


@pytest.mark.parametrize(("provider", "method"), [("aliyun", "GET"), ("kannel", "PUT"), ("tencent", "HEAD")])
def test_only_a_post_is_a_message(provider: str, method: str) -> None:
    assert refusal(account(provider), gateways.request(b"", method=method)) == (405, "method")


def test_each_element_of_aliyuns_array_is_a_message_byte_for_byte() -> None:
    one = '{ "phone_number" : "13800138000","content":"路灯[}","sequence_id":1, "send_time":"2026-11-25 16:29:00"}'
    other = '{"phone_number":"+8613900139000","content":"井盖\\u4e22失","sequence_id":18446744073709551617}'
    accepted = account("aliyun").accept(gateways.request(f" [{one},\n {other} ]".encode()))
    assert [message.value for message in accepted.messages] == [one.encode(), other.encode()]
    assert [message.envelope.id.partition(":")[0] for message in accepted.messages] == ["1", "18446744073709551617"]
    assert [text_of(message) for message in accepted.messages] == ["路灯[}", "井盖丢失"]
    assert accepted.messages[0].envelope.time.isoformat() == "2026-11-25T08:29:00+00:00"
    assert {message.envelope.wiresha256 for message in accepted.messages} != {None}
    assert json.loads(accepted.answer.body)["code"] == 0


@each_row("spoilt", [rb"cut \ud83d", b"two\nlines", b"\xff\xfe", b"\x00"])
@each_row("encoding", ["utf-8", "gbk"])
def test_what_one_citizen_wrote_takes_no_other_message_of_its_batch_along(encoding: str, spoilt: bytes) -> None:
    """As one message nobody could read them, and no emergency among them would be heard."""
    one, two = (
        json.dumps(ALIYUN | {"content": text}, ensure_ascii=False).encode(encoding) for text in ("x", "三楼着火了")
    )
    body = b"[" + one.replace(b'"x"', b'"' + spoilt + b'"') + b"," + two + b"]"
    messages = account("aliyun").accept(gateways.request(body)).messages
    assert [message.envelope.sender for message in messages] == ["13800138000"] * 2
    assert (messages[1].value, text_of(messages[1])) == (two, "三楼着火了")


def test_a_byte_order_mark_before_an_array_is_no_part_of_it() -> None:
    messages = account("aliyun").accept(gateways.request(b"\xef\xbb\xbf" + aliyun(ALIYUN, ALIYUN).body)).messages
    assert [message.envelope.sender for message in messages] == ["13800138000"] * 2


def test_an_array_in_gbk_keeps_its_bytes() -> None:
    elements = [ALIYUN | {"content": f"{text}路灯", "sequence_id": n} for n, text in enumerate("乗俓乛")]
    body = json.dumps(elements, ensure_ascii=False).encode("gb18030")
    assert b"\\" in body.replace(b'\\"', b"")  # the second byte of one of them
    messages = account("aliyun").accept(gateways.request(body)).messages
    assert [text_of(message) for message in messages] == ["乗路灯", "俓路灯", "乛路灯"]
    assert all(message.value in body for message in messages)


def test_one_bad_element_spoils_no_other() -> None:
    messages = account("aliyun").accept(aliyun(ALIYUN, 7, "x", None, {"content": []}, ALIYUN | {"sequence_id": 2}))
    texts = []
    for message in messages.messages:
        try:
            texts.append(text_of(message))
        except MalformedError:
            texts.append("dead")
    assert texts == ["井盖丢失", "dead", "dead", "dead", "[]", "井盖丢失"]


@pytest.mark.parametrize("year", [1970, 2027, 2099])
def test_a_gateway_whose_clock_is_wrong_gives_no_time(year: int) -> None:
    (message,) = account("aliyun").accept(aliyun(ALIYUN | {"send_time": f"{year}-11-26 16:29:00"})).messages
    assert message.envelope.time == gateways.NOW


def test_a_batch_of_any_number_is_taken() -> None:
    elements = [ALIYUN | {"sequence_id": n} for n in range(3001)]
    messages = account("aliyun").accept(aliyun(*elements)).messages
    assert [message.envelope.id.partition(":")[0] for message in messages] == [str(n) for n in range(3001)]
    shortest = [{"phone_number": "", "content": ""}] * 2000
    body = json.dumps(shortest, separators=(",", ":")).encode()
    assert len(account("aliyun").accept(gateways.request(body)).messages) == 2000


def test_an_array_of_nothing_but_crumbs_is_kept_as_one() -> None:
    body = b"[" + b"1," * 400_000 + b"1]"
    (message,) = account("aliyun").accept(gateways.request(body)).messages
    assert message.value == body
    with pytest.raises(MalformedError):
        text_of(message)


@each_row("body", [b"", b"{", b"\xff\xfe", "路灯".encode("gbk"), b'{"phone_number":"1"}'])
@each_row("provider", ["aliyun", "tencent"])
def test_a_body_that_nobody_expected_is_kept(provider: str, body: bytes) -> None:
    """It came by the secret path from the gateway: to refuse it would lose what it holds."""
    accepted = account(provider).accept(gateways.request(body))
    assert [message.value for message in accepted.messages] == [body]
    assert accepted.answer.status == 200


def test_the_reports_that_tencent_sends_in_an_array_are_events_and_no_dead_letter() -> None:
    reports = [
        {
            "nationcode": "86",
            "mobile": f"1390000000{n}",
            "report_status": "SUCCESS",
            "errmsg": "DELIVRD",
            "sid": f"8:{n}",
        }
        for n in range(2)
    ]
    messages = account("tencent").accept(gateways.request(json.dumps(reports).encode())).messages
    assert [normalize(one, Policy()).message_class for one in messages] == ["event", "event"]
    assert len({one.envelope.id for one in messages}) == 2


def test_without_an_id_the_words_their_writer_and_their_time_are_the_name() -> None:
    def name(provider: str, fields: dict[str, Any]) -> str:
        body = json.dumps([fields] if provider == "aliyun" else fields, indent=len(fields) % 3).encode()
        return account(provider).accept(gateways.request(body)).messages[0].envelope.id

    assert name("tencent", TENCENT) == name("tencent", TENCENT | {"sign": "另", "more": 1})
    names = {name("tencent", TENCENT | change) for change in ({}, {"time": 1}, {"mobile": "1"}, {"text": "a"})}
    assert len(names) == 4
    without = {key: ALIYUN[key] for key in ALIYUN if key != "sequence_id"}
    assert name("aliyun", without) == name("aliyun", without | {"sign_name": "x"}) != name("aliyun", ALIYUN)
    report = {"phone_number": "1", "success": True, "biz_id": "9", "send_time": "2026-11-25 16:29:00"}
    assert name("aliyun", report) != name("aliyun", report | {"biz_id": "10"})


@each_row(
    ("provider", "field", "times"),
    [
        ("tencent", "time", (1795482723000, 1798074723000)),
        ("tencent", "time", ("24/11 11:12", "24/12 11:12")),
        ("aliyun", "send_time", ("20261124111203", "20261224111203")),
        ("aliyun", "send_time", ("24/11 11:12", "24/12 11:12")),
    ],
)
def test_the_same_words_a_month_later_are_no_repeat_however_the_time_is_written(
    provider: str, field: str, times: tuple[Any, Any]
) -> None:
    sent = TENCENT if provider == "tencent" else {key: ALIYUN[key] for key in ALIYUN if key != "sequence_id"}
    names = {
        account(provider).accept(gateways.request(json.dumps(sent | {field: at}).encode())).messages[0].envelope.id
        for at in times
    }
    assert len(names) == 2


@pytest.mark.parametrize(
    ("provider", "request_"),
    [
        ("tencent", gateways.request(json.dumps({"mobile": "13800138000", "text": "路灯坏了"}).encode())),
        ("aliyun", aliyun({"phone_number": "13800138000", "content": "路灯坏了"})),
        ("kannel", kannel("路灯坏了".encode("utf-16-be"), identifier="")),
    ],
)
def test_what_tells_neither_an_id_nor_a_time_is_named_by_its_day(provider: str, request_: Request) -> None:
    """Or what a citizen writes again a month later would be a repeat of it, and nobody would hear."""
    early = datetime(2026, 11, 25, 6, tzinfo=UTC)
    times = (early, early + timedelta(hours=13), early + timedelta(days=30))
    first, same_day, month_later = (account(provider, now=at).accept(request_).messages[0].envelope.id for at in times)
    assert first == same_day != month_later


def test_a_sequence_id_that_aliyun_gives_twice_names_no_two_messages() -> None:
    changes: tuple[dict[str, Any], ...] = (
        {}, {"content": "救命"}, {"phone_number": "1"}, {"send_time": "2026-11-25 16:30:00"}, {"sequence_id": "2"},
    )  # fmt: skip
    batch = aliyun(*(ALIYUN | change for change in changes))
    names = [message.envelope.id for message in account("aliyun").accept(batch).messages]
    assert len(set(names)) == len(changes)
    again = [message.envelope.id for message in account("aliyun").accept(batch).messages]
    assert names == again


def test_tencents_message_and_answer() -> None:
    body = json.dumps(TENCENT).encode()
    accepted = account("tencent").accept(gateways.request(body))
    (message,) = accepted.messages
    assert (message.value, message.envelope.sender) == (body, "+8613800138000")
    assert message.envelope.time.timestamp() == TENCENT["time"]
    assert json.loads(accepted.answer.body) == {"result": 0, "errmsg": "OK"}


def test_a_message_of_kannel_is_its_body_and_its_headers_say_the_rest() -> None:
    body = "路灯坏了💡".encode("utf-16-be")
    accepted = account("kannel").accept(kannel(body))
    (message,) = accepted.messages
    assert (message.value, message.envelope.sender) == (body, "+8613800138000")
    assert message.envelope.id.partition(":")[0] == "7d0c"
    draft = normalize(message, Policy())
    assert (draft.text, draft.recipients[0].value) == ("路灯坏了💡", "12345")
    assert (accepted.answer.status, accepted.answer.body) == (200, b"")


def test_what_kannel_calls_alike_is_one_message_only_when_it_is_the_same() -> None:
    """In its `post-url` %i is the line's name, and %I the message's own."""
    name = "line"
    sent = [kannel(text.encode(), name) for text in ("路灯坏了", "三楼着火了", "路灯坏了")]
    names = [one.envelope.id for each in sent for one in account("kannel").accept(each).messages]
    assert names[0] == names[2] != names[1]
    assert {each.partition(":")[0] for each in names} == {name}


def test_kannel_without_a_query_is_read_from_its_headers() -> None:
    headers = {
        "content-type": 'text/plain; charset="UTF-8"',
        "x-kannel-from": "+8613800138000",
        "x-kannel-to": "12345; provider=twilio",
        "x-kannel-time": "2026-11-25 08:29:00",
        "x-kannel-udh": "050003070202",
    }
    (message,) = account("kannel").accept(kannel("路灯".encode(), query={}, headers=headers)).messages
    assert message.envelope.datacontenttype == "text/plain; provider=kannel; charset=UTF-8; udh=050003070202"
    draft = normalize(message, Policy())
    assert (draft.text, draft.part and draft.part.number) == ("路灯", 2)
    later = headers | {"x-kannel-time": "2026-11-25 08:29:01"}
    (other,) = account("kannel").accept(kannel("路灯".encode(), query={}, headers=later)).messages
    assert message.envelope.id != other.envelope.id


@each_row(
    "wrong",
    [
        {"provider": "twilio"},
        {"provider": "twilio", "auth_tokens": ["x"]},
        {"provider": "twilio", "auth_tokens": ["x"], "public_url": URL, "path_secrets": [SECRET]},
        {"provider": "aliyun", "path_secrets": [SECRET]},
        {"provider": "aliyun", "allowed_addresses": ["10.0.0.0/8"]},
        {"provider": "kannel", "path_secrets": ["short"], "allowed_addresses": ["10.0.0.0/8"]},
        {"provider": "nobody"},
    ],
)
def test_settings_by_which_nobody_is_known_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        SmsHttpSettings(**wrong)
    assert SECRET not in str(caught.value)


def test_the_receiver_serves_what_is_behind_the_path() -> None:
    assert account("aliyun", path="/sms/aliyun/")._settings.route == "/sms/aliyun/{secret}"
    assert account(path="/sms/twilio")._settings.route == "/sms/twilio"


def test_an_account_without_a_city_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="行政区划代码"):
        account(jurisdiction=None)


@given(st.binary(max_size=300))
@pytest.mark.parametrize("provider", ["aliyun", "tencent", "kannel"])
def test_whatever_the_gateway_sends_is_kept_or_refused(provider: str, body: bytes) -> None:
    for message in account(provider).accept(gateways.request(body)).messages:
        assert message.value in body or provider == "aliyun"


@each_row(
    ("provider", "request_"),
    [
        ("tencent", gateways.request(json.dumps(TENCENT).encode())),
        ("kannel", kannel("路灯坏了".encode(), query={}, headers={"x-kannel-from": "13800138000"})),
        ("aliyun", aliyun()),
        ("aliyun", gateways.request(b"[{")),
    ],
    ids=["tencent", "kannel without an id", "aliyun", "what nobody can read"],
)
def test_whoever_knows_the_words_and_tries_all_telephones_does_not_find_the_name(provider: str, request_: Any) -> None:
    names = {
        account(provider, naming_key=key).accept(request_).messages[0].envelope.id
        for key in (None, "k" * 16, "l" * 16, "k" * 16)
    }
    assert len(names) == 3


def test_the_id_that_a_gateway_gives_needs_no_key() -> None:
    (message,) = account(naming_key="k" * 16).accept(twilio()).messages
    assert message.envelope.id == MO["MessageSid"]
