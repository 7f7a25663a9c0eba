"""Signatures: the vector of the specification, and two keys while a secret is changed."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sinks.webhook.settings import key_of
from sinks.webhook.signature import signature, signed_headers
from tests.rows import each_row
from tests.sinks.webhook.receiver import OLD_SECRET, SECRET


def test_the_vector_of_the_specification() -> None:
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("known", [SECRET, OLD_SECRET])
def test_a_receiver_that_knows_either_secret_verifies(known: str) -> None:
    headers = signed_headers([key_of(SECRET), key_of(OLD_SECRET)], "map:a:1", int(datetime.now(UTC).timestamp()), b"{}")
    assert Webhook(known).verify(b"{}", headers) == {}


def test_nothing_can_be_changed() -> None:
    seconds = int(datetime.now(UTC).timestamp())
    headers = signed_headers([key_of(SECRET)], "map:a:1", seconds, b"{}")
    for changed in ({"webhook-id": "map:a:2"}, {"webhook-timestamp": str(seconds - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(b"{}", headers | changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{ }", headers)


@each_row("secret", ["", "whsec_", "short", "whsec_" + base64.b64encode(b"x" * 65).decode(), "不是"])
def test_a_secret_has_24_to_64_bytes(secret: str) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        key_of(secret)
