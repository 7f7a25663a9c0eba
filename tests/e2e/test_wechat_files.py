"""A picture comes by WeChat, its bytes come later, and the ticket shows them; one that is gone says so."""

import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import LocalStore

from broker import kafka_reader
from broker.config import KafkaConnection
from hotline.dev.demo.wechat_api import Call, WeChatApi
from hotline.dev.demo.wechat_platform import WeChatPlatform
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.codec import decode
from schemas.records import Attachment, Ticket
from tests.connectors.serving import free_port
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN
from tests.e2e.pipeline import Pipeline, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PHOTO = b"\xff\xd8\xff\xe0JPEG" * 1000


@pytest.fixture
def platform() -> Iterator[WeChatApi]:
    with WeChatApi().running() as running:
        yield running


@pytest.fixture
def pipeline(
    local_stack: Stack, fresh_topics: KafkaConnection, stack: Endpoints, platform: WeChatApi, tmp_path: Path
) -> Iterator[tuple[Pipeline, WeChatPlatform]]:
    port, own = free_port(), "HOTLINE_CONNECTORS__WECHAT__CITY__"
    settings = {
        "HOTLINE_LOCAL__DATA_DIR": str(local_stack.data_dir),
        "HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(),
        "HOTLINE_RECEIVER__PORT": str(port),
        "HOTLINE_RECEIVER__JOURNAL_FOLDER": str(tmp_path / "journal"),
        "HOTLINE_KAFKA__PARTITIONS": "2",
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_JURISDICTION": "210100",
        f"{own}APPID": APPID,
        f"{own}TOKENS": f'["{TOKEN}"]',
        f"{own}AES_KEYS": f'["{AES_KEY}"]',
        f"{own}SECRET": "planted-app-secret",
        f"{own}API_URL": platform.url,
    }
    made = Pipeline(settings, tmp_path, port)
    made.start("receiver", "fetcher", "normalize", "assign")
    try:
        made.wait()
        yield made, WeChatPlatform(f"http://127.0.0.1:{port}/wechat", TOKEN, AES_KEY, APPID)
    finally:
        made.stop()
    assert "planted-app-secret" not in made.log()
    assert "o-citizen" not in made.log()


def picture(number: int) -> str:
    return (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>o-citizen</FromUserName><CreateTime>{int(time.time())}</CreateTime>"
        f"<MsgType>image</MsgType><PicUrl>p</PicUrl><MediaId>m{number}</MediaId><MsgId>{number}</MsgId></xml>"
    )


def test_a_picture_is_on_its_ticket_when_it_is_there(
    pipeline: tuple[Pipeline, WeChatPlatform], platform: WeChatApi, fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    _, citizens = pipeline
    down = True

    def fault(call: Call) -> bool:
        if down:
            call.send(b"bad gateway", "text/html", status=502)
        return down

    platform.fault = fault
    platform.media["m1"] = (PHOTO, "image/jpeg")
    assert [citizens.push(picture(number)) for number in (1, 2)] == [200, 200]
    until(lambda: len(files(fresh_topics)) == 2, "both messages have a ticket, whatever the platform does")
    assert {(one.dataref, one.unavailable) for one in files(fresh_topics)} == {(None, None)}
    down = False
    until(lambda: all(one.dataref or one.unavailable for one in files(fresh_topics)), "both files are settled")
    there, gone = sorted(files(fresh_topics), key=lambda one: one.id)
    assert (there.size, there.media_type) == (len(PHOTO), "image/jpeg")
    assert bytes(obstore.get(LocalStore(tmp_path / "blobs"), there.dataref or "").bytes()) == PHOTO
    assert (gone.unavailable, gone.dataref) == ("refused", None)


def files(kafka: KafkaConnection) -> list[Attachment]:
    """Return the attachments of every ticket as it stands."""
    newest: dict[str, Ticket] = {}
    for record in kafka_reader.read_all(kafka, topics.TICKET):
        ticket = decode(record.value, Ticket)
        newest[ticket.ticket_id] = ticket
    return [file for ticket in newest.values() for file in ticket.attachments]
