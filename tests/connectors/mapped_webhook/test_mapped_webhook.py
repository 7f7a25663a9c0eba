"""A mapped webhook takes its sender's requests only, loses nothing of them, and needs a file for a new sender."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook

from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.rules import Rules
from schemas.errors import MisconfiguredError, RecordError, RefusedRequest
from tests.connectors.mapped_webhook import senders

OWN_XML = """
about = "a gateway that posts XML in GBK"
channel = "sms"
body = "xml"
messages = "list.mo"
report = "status"
time_format = "%d/%m/%Y %H:%M"

[fields]
sender = "\\"@phone\\""
text = "text"
time = "at"
identifier = "id"

[answer]
content_type = "text/xml"
body = "<ok/>"
"""

GBK = (
    '<?xml version="1.0" encoding="GBK"?><r><list><mo phone="13800138000"><id>1</id><text>路灯不亮</text>'
    '<at>25/11/2026 16:00</at></mo><mo phone="13800138001"><id>2</id><text>停水</text></mo></list><batch>77</batch></r>'
).encode("gbk")


def _message(raw: Any, folder: Path | None = None) -> Any:
    return normalize(raw, Policy(rules=Rules.load(folder))).message


def test_a_list_gives_one_record_a_message() -> None:
    items = [
        {"mobile": f"1381234567{n}", "content": f"第{n}件", "time": 1795595340, "dest_code": "1"} for n in range(3)
    ]
    body = json.dumps({"items": items, "batch": "77"}).encode()
    messages = senders.sms().accept(senders.posted_sms(body)).messages
    assert [_message(raw).text for raw in messages] == ["第0件", "第1件", "第2件"]
    assert len({raw.message_id for raw in messages}) == 3
    assert {_message(raw).extra["batch"] for raw in messages} == {"77"}


def test_a_city_adds_a_sender_by_a_file(tmp_path: Path) -> None:
    folder = senders.own_profile(tmp_path, OWN_XML)
    accepted = senders.sms("own", rules_folder=folder).accept(senders.posted_sms(GBK))
    first, second = (_message(raw, folder) for raw in accepted.messages)
    assert (first.text, first.sender.value, str(first.received_at)) == (
        "路灯不亮", "13800138000", "2026-11-25 08:00:00+00:00"
    )  # fmt: skip
    assert (second.text, second.extra["batch"]) == ("停水", "77")
    assert (accepted.answer.body, accepted.answer.content_type) == (b"<ok/>", "text/xml")


def test_a_delivery_report_opens_no_ticket(tmp_path: Path) -> None:
    folder = senders.own_profile(tmp_path, OWN_XML)
    body = b"<r><list><mo><id>3</id><status>DELIVRD</status></mo></list></r>"
    (raw,) = senders.sms("own", rules_folder=folder).accept(senders.posted_sms(body)).messages
    assert _message(raw, folder).message_class == "event"


def test_a_get_request_is_read_as_a_form(tmp_path: Path) -> None:
    text = 'about = "GET"\nchannel = "sms"\nbody = "form"\nmethod = "GET"\n[fields]\nsender = "from"\ntext = "msg"\n'
    folder = senders.own_profile(tmp_path, text.replace('"from"', '"\\"from\\""'))
    query = {"from": ("13800138000",), "msg": ("路灯不亮",)}
    account = senders.sms("own", rules_folder=folder)
    (raw,) = account.accept(senders.request(b"", method="GET", query=query)).messages
    assert (_message(raw, folder).text, _message(raw, folder).sender.value) == ("路灯不亮", "13800138000")


def test_an_upload_of_a_form_is_a_file(tmp_path: Path) -> None:
    folder = senders.own_profile(tmp_path, 'about = "app"\nchannel = "web"\nbody = "form"\n[fields]\ntext = "words"\n')
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="words"\r\n\r\nhole in the road\r\n--XX\r\n'
        b'Content-Disposition: form-data; name="p"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        b"PNG\r\n--XX--\r\n"
    )
    account = senders.app("own", rules_folder=folder, signature_keys=[], header_secrets=[senders.SECRET])
    headers = {"content-type": "multipart/form-data; boundary=XX", "x-token": senders.SECRET}
    (raw,) = account.accept(senders.request(body, headers=headers)).messages
    message = _message(raw, folder)
    assert (message.text, [one.name for one in message.attachments]) == ("hole in the road", ["a.png"])


def test_what_the_profile_cannot_read_is_stored_and_a_dead_letter_says_why() -> None:
    for body in (b"no JSON", b'{"items": []}', b'{"items": [{"mobile": "13812345678"}]}'):
        (raw,) = senders.sms().accept(senders.posted_sms(body)).messages
        assert raw.value == body
        with pytest.raises(RecordError) as caught:
            _message(raw)
        assert str(caught.value)


def test_a_repeat_with_another_signature_is_the_same_message() -> None:
    account = senders.app()
    once = senders.APP[:-1] + b',"nonce":"1"}'
    again = senders.APP[:-1] + b',"nonce":"2"}'
    ids = {account.accept(senders.signed(body)).messages[0].message_id for body in (once, again)}
    assert len(ids) == 1


def test_records_of_one_call_have_one_conversation_and_know_its_first_report() -> None:
    account = senders.phone()
    (first,) = account.accept(senders.posted_call()).messages
    corrected = senders.CALL.replace("井盖松动".encode(), "井盖缺失".encode())
    (second,) = account.accept(senders.posted_call(corrected)).messages
    assert first.conversation == second.conversation
    assert first.message_id != second.message_id
    assert first.envelope.notbefore == second.envelope.notbefore


LEAVES = st.recursive(
    st.text(min_size=1, max_size=12) | st.integers(min_value=10**5, max_value=10**22),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(more=st.dictionaries(st.text(max_size=8), LEAVES, max_size=4), text=st.text(min_size=1, max_size=40))
def test_every_value_stands_in_the_message(more: dict[str, Any], text: str) -> None:
    body = json.dumps({**more, "requestId": "r", "content": text, "applicant": {"mobile": "13600136000"}}).encode()
    (raw,) = senders.app().accept(senders.signed(body)).messages
    message = _message(raw)
    there = json.dumps([message.text, message.title, *message.extra.values()], ensure_ascii=False)
    for value in _values(more):
        assert json.dumps(value, ensure_ascii=False)[1:-1].strip() in there


def _values(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for inner in node.values() for text in _values(inner)]
    if isinstance(node, list):
        return [text for inner in node for text in _values(inner)]
    return [str(node)] if str(node).isalnum() else []


# Authentication.


def test_nothing_is_taken_without_authentication() -> None:
    with pytest.raises(ValidationError, match="nothing authenticates"):
        senders.sms(path_secrets=[])


@pytest.mark.parametrize(
    ("account", "headers"),
    [
        ({"header_secrets": [senders.SECRET]}, {"x-token": senders.SECRET}),
        ({"header_secrets": [senders.SECRET], "secret_header": "X-Key"}, {"x-key": senders.SECRET}),
        ({"bearer_tokens": [senders.SECRET]}, {"authorization": f"Bearer {senders.SECRET}"}),
        ({"client_certificates": ["ab:cd:ef:01"]}, {"x-ssl-client-fingerprint": "ab:cd:ef:01"}),
    ],
)
def test_a_header_authenticates(account: dict[str, Any], headers: dict[str, str]) -> None:
    connector = senders.sms(path_secrets=[], **account)
    assert connector.accept(senders.request(senders.SMS, headers=headers)).messages
    for wrong in ({}, {name: value[:-1] for name, value in headers.items()}):
        with pytest.raises(RefusedRequest):
            connector.accept(senders.request(senders.SMS, headers=wrong))


def test_an_address_authenticates_last() -> None:
    connector = senders.sms(allowed_addresses=["203.0.113.0/24"])
    there = senders.posted_sms()
    with pytest.raises(RefusedRequest) as caught:
        connector.accept(there)
    assert caught.value.reason == "address"
    with pytest.raises(RefusedRequest) as caught:
        connector.accept(senders.posted_sms(secret="x" * 16))
    assert caught.value.reason == "path"


def test_an_old_signature_is_refused() -> None:
    with pytest.raises(RefusedRequest) as caught:
        senders.app().accept(senders.signed(stamp=str(int(senders.STAMP) - 3600)))
    assert caught.value.reason == "timestamp"


def test_alipay_signs_with_rsa_over_the_sorted_fields() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    account = senders.app("alipay_gateway", signature_keys=[base64.b64encode(public).decode()])
    fields = {
        "notify_id": "n-1",
        "utc_timestamp": "1795595340000",
        "biz_content": '{"content":"站台破损"}',
        "charset": "UTF-8",
    }
    signed = "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()
    sign = base64.b64encode(private.sign(signed, padding.PKCS1v15(), SHA256())).decode()
    body = urlencode({**fields, "sign": sign, "sign_type": "RSA2"}).encode()
    accepted = account.accept(senders.request(body))
    assert (_message(accepted.messages[0]).text, accepted.answer.body) == ("站台破损", b"success")
    with pytest.raises(RefusedRequest):
        account.accept(senders.request(body.replace(b"n-1", b"n-2")))


def test_a_keyed_digest_and_a_base64_key_are_signatures(tmp_path: Path) -> None:
    head = 'about = "x"\nchannel = "sms"\n[fields]\nsender = "mobile"\ntext = "content"\n[signature]\n'
    plain = 'algorithm = "md5"\ngiven = "body:sign"\nleave_out = ["sign"]\nsigned = "{sorted}&key={key}"\n'
    folder = senders.own_profile(tmp_path, head + plain)
    body = {"mobile": "13800138000", "content": "停水"}
    text = "content=停水&mobile=13800138000&key=abc"
    sign = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
    account = senders.sms("own", rules_folder=folder, path_secrets=[], signature_keys=["abc"])
    assert account.accept(senders.request(json.dumps({**body, "sign": sign}).encode())).messages
    with pytest.raises(RefusedRequest):
        account.accept(senders.request(json.dumps({**body, "content": "x", "sign": sign}).encode()))


def test_standard_webhooks_are_read_as_their_own_library_signs_them(tmp_path: Path) -> None:
    text = (
        'about = "x"\nchannel = "sms"\n[fields]\nsender = "mobile"\ntext = "content"\n[signature]\n'
        'algorithm = "hmac-sha256"\nencoding = "base64"\nkey = "base64"\ngiven = "header:webhook-signature"\n'
        'prefix = "v1,"\ntimestamp = "header:webhook-timestamp"\n'
        'signed = "{header:webhook-id}.{header:webhook-timestamp}.{body}"\n'
    )
    key = base64.b64encode(b"k" * 24).decode()
    body = b'{"mobile":"13800138000","content":"hole in the road"}'
    sign = Webhook(f"whsec_{key}").sign("msg_1", senders.NOW, body.decode())
    headers = {
        "webhook-id": "msg_1", "webhook-timestamp": senders.STAMP, "webhook-signature": f"v1,bm90aGluZw== {sign}"
    }  # fmt: skip
    folder = senders.own_profile(tmp_path, text)
    account = senders.sms("own", rules_folder=folder, path_secrets=[], signature_keys=[key])
    assert account.accept(senders.request(body, headers=headers)).messages
    with pytest.raises(RefusedRequest):
        account.accept(senders.request(body, headers=headers | {"webhook-id": "msg_2"}))


# Profiles that cannot be used.


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('about = "x"\nchannel = "sms"\n[fields]\nsender = "a"\n', "text"),
        ('about = "x"\nchannel = "sms"\n[fields]\nsender = "a"\ntext = "b"\nfrom = "c"\n', "from"),
        ('about = "x"\nchannel = "sms"\n[fields]\nsender = "a["\ntext = "b"\n', "JMESPath"),
        ('about = "x"\nchannel = "sms"\nfield = 1\n[fields]\nsender = "a"\ntext = "b"\n', "field"),
        (
            'about = "x"\nchannel = "sms"\n[fields]\nsender = "a"\ntext = "b"\n'
            '[signature]\nalgorithm = "md5"\ngiven = "body:s"\nsigned = "{body}"\n',
            "anybody can compute",
        ),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(MisconfiguredError, match=r"own\.toml") as caught:
        senders.sms("own", rules_folder=senders.own_profile(tmp_path, text))
    assert named in str(caught.value)


def test_an_account_in_the_wrong_section_is_named() -> None:
    with pytest.raises(MisconfiguredError, match="channel phone"):
        senders.sms("cti")
    with pytest.raises(MisconfiguredError, match="There is no profile none"):
        senders.sms("none")


def test_keys_without_a_described_signature_are_refused() -> None:
    with pytest.raises(MisconfiguredError, match="describes no signature"):
        senders.sms(signature_keys=["abc"])
