"""Gateways of other hands call the receiver, and what they sent is read back from the real Kafka."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3
from twilio.request_validator import RequestValidator

from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from connectors.sms_http.connector import SmsHttp
from connectors.sms_http.settings import SmsHttpSettings
from schemas import topics
from schemas.errors import UnreachableError
from schemas.records import RawMessage
from tests.connectors.reader import Reader
from tests.connectors.serving import free_port, running
from tests.connectors.sms_http.gateways import ALIYUN, MO, SECRET, TOKEN, URL
from tests.peers import kannel
from tests.peers.kannel import Kannel
from tests.peers.presence import require

pytestmark = pytest.mark.integration

RAW = topics.raw("sms")


class Faltering:
    """A way to Kafka that is closed the first times."""

    def __init__(self, publisher: Publisher, faults: int) -> None:
        self._publisher = publisher
        self._faults = faults
        self.tried: list[str] = []

    def publish(self, messages: Sequence[RawMessage]) -> None:
        self._publisher.publish(messages)

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        return self._publisher.tell(messages)

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
        self.tried += [message.envelope.id for message in messages]
        if len(self.tried) <= self._faults:
            raise UnreachableError("closed")
        await self._publisher.publish_async(messages, timeout)


@contextmanager
def receiver(publisher: Any, folder: Path, account: str, **settings: Any) -> Iterator[str]:
    """A receiver with one account; yields its address."""
    connector = SmsHttp(SmsHttpSettings(**({"path": "/sms", "jurisdiction": "210100"} | settings)), account)
    chosen = ReceiverSettings(port=free_port(), trusted_proxies=("127.0.0.2",))  # type: ignore[arg-type] # parsed by pydantic
    route, limit = connector._settings.route, connector._settings.body_max_bytes
    app = Receiver(
        {route: connector},
        DurablePublisher.of_journal(publisher, Journal(folder / "journal", 1)),
        chosen,
        {route: limit},
    )
    with running(app, chosen):
        yield f"http://127.0.0.1:{chosen.port}"


UNSIGNED = {"path_secrets": [SECRET], "allowed_addresses": ["127.0.0.1"]}


def test_kannel_repeats_what_was_not_safe_and_every_message_is_there_once(
    publisher: Publisher, reader: Reader, account: str, tmp_path: Path
) -> None:
    require(kannel.missing())
    faltering = Faltering(publisher, 2)
    with (
        receiver(faltering, tmp_path, account, provider="kannel", **UNSIGNED) as url,
        Kannel(f"{url}/sms/{SECRET}") as gateway,
    ):
        gateway.mo("中山路路灯坏了💡", "井盖丢失")
        gateway.wait_for("received 2")
        held = _held(reader, account, 2)
        assert "sent 0 (0 queued)" in gateway.status()  # nothing went back: `max-messages = 0`, as the page has it
    assert {record.value.decode("utf-16-be") for record in held} == {"中山路路灯坏了💡", "井盖丢失"}
    assert len({dict(record.headers)["ce_id"] for record in held}) == 2
    assert {dict(record.headers)["ce_sender"] for record in held} == {b"13800138000"}
    assert len(faltering.tried) > len(set(faltering.tried))  # 503, and again with the same id


def test_a_form_that_twilios_library_signs_is_held_and_another_refused(
    publisher: Publisher, reader: Reader, account: str, tmp_path: Path
) -> None:
    settings = {"provider": "twilio", "auth_tokens": [TOKEN], "public_url": URL}
    with receiver(publisher, tmp_path, account, **settings) as url, urllib3.PoolManager() as http:

        def post(token: str) -> Any:
            headers = {"x-twilio-signature": RequestValidator(token).compute_signature(URL, MO)}
            return http.request_encode_body(
                "POST", f"{url}/sms", fields=MO, headers=headers, encode_multipart=False, retries=False
            )

        assert (post("stranger").status, post("stranger").data) == (403, b"")
        answer = post(TOKEN)
        assert (answer.status, answer.data, answer.headers["content-type"]) == (
            200,
            b"<Response/>",
            "text/xml; charset=utf-8",
        )
    (record,) = reader.read(RAW, account)
    assert dict(record.headers)["ce_id"] == MO["MessageSid"].encode()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"/sms/{SECRET}", {}, 200),
        (f"/sms/{SECRET}", {"x-forwarded-for": "203.0.113.7"}, 200),  # nobody of ours said so
        ("/sms/another-secret-1234", {}, 404),
        ("/sms", {}, 404),
        (f"/sms/{SECRET}/x", {}, 404),
    ],
)
def test_only_the_secret_path_takes_a_batch(
    publisher: Publisher, account: str, tmp_path: Path, path: str, headers: dict[str, str], status: int
) -> None:
    with receiver(publisher, tmp_path, account, provider="aliyun", **UNSIGNED) as url, urllib3.PoolManager() as http:
        answer = http.request("POST", url + path, json=[ALIYUN], headers=headers, retries=False, redirect=False)
        assert answer.status == status
        assert http.request("GET", url + path, retries=False, redirect=False).status in (404, 405)


class Closing(Faltering):
    """A way to Kafka that is closed behind so many trips, until it is opened."""

    trips = 0
    opened = False

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - as above
        self.trips += 1
        if self.trips > self._faults and not self.opened:
            raise UnreachableError("closed")
        await self._publisher.publish_async(messages, timeout)


def test_aliyun_is_told_yes_only_when_all_of_its_batch_is_safe(
    publisher: Publisher, reader: Reader, account: str, tmp_path: Path
) -> None:
    """It asks four times within 16 minutes, and throws away what was never taken."""
    closing, batch = Closing(publisher, 1), [{**ALIYUN, "sequence_id": str(number)} for number in range(1001)]
    with receiver(closing, tmp_path, account, provider="aliyun", **UNSIGNED) as url, urllib3.PoolManager() as http:

        def post() -> Any:
            return http.request("POST", f"{url}/sms/{SECRET}", json=batch, retries=False)

        for _ in range(2):  # the first thousand are held, the last one is nowhere
            assert (post().status, post().data) == (503, b"")
        closing.opened = True
        assert (post().status, post().json()["code"]) == (200, 0)
    assert len(_held(reader, account, 1001)) >= 1001


def _held(reader: Reader, account: str, number: int) -> list[Any]:
    for _ in range(100):
        found = reader.read(RAW, account)
        if len({dict(record.headers)["ce_id"] for record in found}) >= number:
            return found
    raise AssertionError(f"not {number} messages in Kafka")
