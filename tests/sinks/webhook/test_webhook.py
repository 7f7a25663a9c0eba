"""The endpoint over TLS and behind names; reasons that quote no URL."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from schemas.errors import MisconfiguredError, UnreachableError
from sinks.webhook.client import WebhookSink
from sinks.webhook.response import Outcome
from tests.sinks.webhook.receiver import receiving, status
from tests.sinks.webhook.snapshots import snapshot, subscriber

pytestmark = pytest.mark.integration


class Certificate(NamedTuple):
    """A certificate for 127.0.0.1 that signed itself, and the server's TLS."""

    file: Path
    tls: ssl.SSLContext


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hook")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificate(folder / "cert.pem", tls)


async def outcome(url: str, **fields: Any) -> tuple[Outcome, str]:
    sink = WebhookSink("map", subscriber(url, **fields))
    try:
        answer = await sink.send(snapshot())
        return answer.outcome, answer.told
    finally:
        await sink.close()


async def test_an_unknown_certificate_is_no_endpoint(certificate: Certificate) -> None:
    async with receiving(tls=certificate.tls) as receiver:
        assert await outcome(receiver.url) == (Outcome.AWAY, "tls")
        assert receiver.got == []


async def test_an_authority_of_ones_own(certificate: Certificate) -> None:
    async with receiving(tls=certificate.tls) as receiver:
        assert await outcome(receiver.url, ca_certs=certificate.file) == (Outcome.DELIVERED, "204")


async def test_a_file_that_is_no_certificate_is_said_so(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.pem", Path(__file__)):
        with pytest.raises(MisconfiguredError, match=r"`sinks\.webhook\.map\.ca_certs` cannot be used"):
            await outcome("https://127.0.0.1:1/", ca_certs=file)


async def test_a_name_that_leads_into_our_own_network_is_not_asked() -> None:
    async with receiving() as receiver:
        url = receiver.url.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(
            MisconfiguredError, match=r"^`sinks\.webhook\.map\.url` leads to a private address: set allow"
        ):
            await outcome(url)
        named = receiver.url.replace("127.0.0.1", "localhost")
        assert await outcome(named, allow_private=True) == (Outcome.DELIVERED, "204")


async def test_an_address_is_looked_at_in_the_moment_of_the_connection() -> None:
    """A host that the client reads as an address is asked of no resolver: the socket is refused."""
    async with receiving() as receiver:
        settings = subscriber(receiver.url, allow_private=True).model_copy(update={"allow_private": False})
        sink = WebhookSink("map", settings)
        with pytest.raises(MisconfiguredError, match=r"^`sinks\.webhook\.map\.url` leads to a private address"):
            await sink.write([snapshot()])
        await sink.close()
        assert not receiver.got


async def test_no_reason_quotes_the_url() -> None:
    sink = WebhookSink("map", subscriber("http://127.0.0.1:1/in?token=geheim"))
    with pytest.raises(UnreachableError) as caught:
        await sink.write([snapshot()])
    await sink.close()
    assert str(caught.value) == "subscriber map cannot be reached (connection): run `hotline webhook test map`"


async def test_after_a_fault_the_rest_of_a_write_waits() -> None:
    async with receiving() as receiver:
        receiver.answers = [status(204), status(503), status(204)]
        sink = WebhookSink("map", subscriber(receiver.url))
        verdicts = await sink.write([snapshot(f"210100-{n}", offset=n) for n in range(3)])
        await sink.close()
    assert [one.position.offset for one in verdicts.stored] == [0]
    assert [one.document.position.offset for one in verdicts.retry] == [1, 2]
    assert len(receiver.got) == 2


@asynccontextmanager
async def trickling(*, headers: bool) -> AsyncIterator[str]:
    """An endpoint whose answer never ends, as long as somebody listens: its headers, or its body behind them."""
    ended = asyncio.Event()

    async def heard(reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while await reader.read(65_536):
                pass

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listening = asyncio.create_task(heard(reader))
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"" if headers else b"transfer-encoding: chunked\r\n\r\n"))
        while not listening.done():
            writer.write(b"x-more: more\r\n" if headers else b"4\r\nmore\r\n")
            await asyncio.sleep(0.02)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        await asyncio.wait_for(ended.wait(), 30)


async def test_an_answer_that_trickles_for_ever_holds_nobody_up() -> None:
    async with trickling(headers=True) as url, asyncio.timeout(30):
        told = await outcome(url, request_timeout_seconds=0.5)
    assert told[0] is Outcome.AWAY
    async with trickling(headers=False) as url, asyncio.timeout(30):
        assert await outcome(url) == (Outcome.DELIVERED, "200"), "nobody reads the body"
