"""What a subscriber's settings must not say."""

import pytest
from pydantic import ValidationError

from sinks.webhook.ssrf import literal, refusal
from tests.rows import each_row
from tests.sinks.webhook.receiver import SECRET
from tests.sinks.webhook.snapshots import subscriber


@each_row(
    ("url", "fields", "says"),
    [
        ("ftp://hooks.example.cn/", {}, "must be https"),
        ("https://", {}, "must be https"),
        ("https://user:word@hooks.example.cn/", {}, "authorization"),
        ("http://hooks.example.cn/", {}, "must be https"),
        ("https://10.0.0.7/", {}, "allow_private"),
        ("https://[::1]/", {}, "allow_private"),
        ("https://[::ffff:10.0.0.7]/", {}, "allow_private"),
        ("https://169.254.169.254/latest", {"allow_private": True}, "no receiver's"),
        ("https://１２７.0.0.1/", {}, "allow_private"),
        ("https://127。0。0。1/", {}, "allow_private"),
        ("https://①②⑦.0.0.1/", {}, "allow_private"),
        ("https://%31%32%37.0.0.1/", {}, "allow_private"),
        ("https://127.0.0.1./", {}, "allow_private"),
        ("https://169。254。169。254/", {"allow_private": True}, "no receiver's"),
        ("https://100.100.100.200/", {"allow_private": True}, "no receiver's"),
        ("https://100。100。100。200/", {"allow_private": True}, "no receiver's"),
        ("https://[fd00:ec2::254]/", {"allow_private": True}, "no receiver's"),
        ("https://[fd00:ec2::254%25eth0]/", {"allow_private": True}, "no receiver's"),
        ("https://[::ffff:100.100.100.200]/", {"allow_private": True}, "no receiver's"),
        ("https://[64:ff9b::a9fe:a9fe]/", {"allow_private": True}, "no receiver's"),
        ("https://[::169.254.169.254]/", {"allow_private": True}, "no receiver's"),
        ("https://0x7f。1/", {}, "odd form"),
        ("https://0177.0.0.1/", {}, "odd form"),
        ("https://0x64.0144.100.200/", {"allow_private": True}, "odd form"),
        ("https://2130706433./", {}, "odd form"),
        ("https://。/", {}, "cannot be read"),
        ("https://127.1/", {}, "odd form"),
        ("https://2130706433/", {"allow_private": True}, "odd form"),
        ("https://0x7f.1/", {}, "odd form"),
        ("http://8.8.8.8/", {"allow_private": True}, "plain http"),
        ("http://10.0.0.7/", {"allow_private": True, "snapshot": "clear"}, "personal data"),
        ("https://hooks.example.cn/", {"secrets": ()}, "secrets"),
        ("https://hooks.example.cn/", {"secrets": ("whsec_c2hvcnQ=",)}, "openssl rand"),
        ("https://hooks.example.cn/", {"filter": {"kinds": ["complaints"]}}, "complaint"),
        ("https://hooks.example.cn/", {"filter": {"since": "2026-01-01T00:00:00"}}, "timezone"),
    ],
)
def test_what_cannot_work_is_refused(url: str, fields: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        subscriber(url, **{"allow_private": False, **fields})
    assert says in str(caught.value.errors(include_url=False, include_input=False))
    assert SECRET not in str(caught.value.errors(include_input=False))


@each_row(
    ("url", "fields"),
    [
        ("https://hooks.example.cn/in?token=x", {"snapshot": "clear"}),
        ("http://10.0.0.7:8080/in", {"allow_private": True}),
        ("http://127.0.0.1:8080/in", {"allow_private": True, "snapshot": "clear"}),
        ("http://hooks.intern/in", {"allow_private": True}),
        ("https://热线.example.cn/in", {}),
        ("http://ｌocalhost./in", {"allow_private": True, "snapshot": "clear"}),
    ],
)
def test_what_works_is_taken(url: str, fields: dict[str, object]) -> None:
    made = subscriber(url, **{"allow_private": False, **fields})
    assert "token" not in made.endpoint
    assert SECRET not in repr(made)


@each_row(
    ("host", "private", "tls", "allowed"),
    [
        ("8.8.8.8", False, True, True),
        ("8.8.8.8", True, False, False),
        ("192.168.1.1", False, True, False),
        ("192.168.1.1", True, False, True),
        ("100.64.0.1", False, True, False),
        ("0.0.0.0", True, True, False),
        ("224.0.0.1", True, True, False),
        ("fe80::1", True, True, False),
        ("fd00::1", False, True, False),
        ("fec0::1", False, True, False),
        ("fec0::1", True, False, True),
        ("2002:0a00:0001::1", False, True, False),
        ("2606:4700::1111", False, True, True),
        ("168.63.129.16", False, True, False),
        ("fd00:ec2::254", True, True, False),
        ("::", True, True, False),
        ("::1", True, False, True),
    ],
)
def test_addresses(host: str, private: bool, tls: bool, allowed: bool) -> None:
    address = literal(host)
    assert address is not None
    assert (refusal(address, allow_private=private, tls=tls) is None) is allowed
