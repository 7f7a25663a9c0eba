"""Cries of fire at the web door: the words are always taken, and everything else keeps its limits."""

from typing import Any

import httpx
import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.web import multipart
from schemas.codec import decode
from schemas.records import Handover, RawMessage
from streams.screen import screen
from tests.connectors.web.browser import Page, parts, send, visit
from tests.connectors.web.doors import API_KEY, BASE, Door, request

FIRE = "三楼着火了，快来人啊"
LAMP = "路灯不亮"
MIB = 1024 * 1024
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


def photo(size: int, name: str = "fire.jpg") -> tuple[str, Any]:
    return "files", (name, b"\xff\xd8\r\n" * (size // 4), "image/jpeg")


def handed_over(raw: RawMessage) -> Handover:
    handed = screen(raw, Policy())
    assert handed
    return decode(handed.outbound.value, Handover)


def files_of(raw: RawMessage) -> list[tuple[str | None, int | None, str | None]]:
    message = normalize(raw, Policy()).message
    assert FIRE in message.text
    assert message.emergency
    return [(one.name, one.size, one.unavailable) for one in message.attachments]


async def test_200_cries_of_one_address_ring_a_bounded_number_of_times_and_each_text_is_kept(door: Door) -> None:
    async with door.open() as client:
        for number in range(200):
            answer = await send(client, {"text": f"{FIRE}，{number}号"})
            assert answer.status_code == 303
    assert len({raw.message_id for raw in door.kafka.held}) == 200
    handovers = [handed_over(raw) for raw in door.kafka.held]
    assert [f"{FIRE}，{number}号" in one.text for number, one in enumerate(handovers)] == [True] * 200
    ringing = [one.handover_id for one in handovers if one.folded_into is None]
    assert len(ringing) <= 31, "30 at once, and one more every two minutes"
    assert {one.folded_into for one in handovers} - {None} <= set(ringing)


async def test_another_address_rings_by_itself(door: Door) -> None:
    app = door.app(urgent_per_hour=1)
    async with app.lifespan():
        for address in ("203.0.113.1", "203.0.113.1", "203.0.113.2"):
            caller = httpx.ASGITransport(app, client=(address, 1))
            async with httpx.AsyncClient(transport=caller, base_url="http://city") as client:
                await send(client, {"text": f"{FIRE}，{len(door.kafka.held)}号"})
    first, folded, other = (handed_over(raw).folded_into for raw in door.kafka.held)
    assert (first, folded, other) == (None, door.kafka.held[0].message_id, None)


async def test_a_second_press_of_the_button_folds_into_nothing_of_its_own(door: Door) -> None:
    async with door.open(urgent_per_hour=1) as client:
        fields = (await visit(client)).filled(text=FIRE)
        for _ in range(2):
            assert (await send(client, fields)).status_code == 303
    assert [handed_over(raw).folded_into for raw in door.kafka.held] == [None, None]


async def test_40_of_40_from_another_site_are_handed_back(door: Door) -> None:
    async with door.open() as client:
        for _ in range(40):
            page = Page(await send(client, (await visit(client)).filled(text=FIRE), **CROSS_SITE))
            assert (page.status, page.filled()["text"]) == (403, FIRE)
        assert door.kafka.held == []
        assert (await send(client, page.filled())).status_code == 303, "one press of the button sends it"


async def test_of_8_photos_of_15_mib_the_words_are_taken(door: Door) -> None:
    async with door.open() as client:
        for number in range(8):
            answer = await send(client, {"text": f"{FIRE}，{number}号"}, [photo(15 * MIB)])
            assert answer.status_code == 303
    assert [files_of(raw) for raw in door.kafka.held] == [[("fire.jpg", None, "too_large")]] * 8
    assert sum(len(raw.value) for raw in door.kafka.held) < MIB
    assert all(raw.envelope.wiresha256 for raw in door.kafka.held), "what came over the wire was another body"


async def test_of_60_files_5_are_taken(door: Door) -> None:
    async with door.open() as client:
        names = [f"{number}.jpg" for number in range(60)]
        answer = await send(client, {"text": FIRE}, [photo(400, name) for name in names])
        receipt = await visit(client, answer.headers["location"])
    assert "没有收下" in receipt.text
    (raw,) = door.kafka.held
    assert files_of(raw) == [(name, 400 if number < 5 else None, None if number < 5 else "too_large")
                             for number, name in enumerate(names)]  # fmt: skip


@pytest.mark.parametrize("text", [FIRE, LAMP])
@pytest.mark.parametrize(
    ("settings", "status"),
    [({"body_max_bytes": MIB}, 413), ({"held_per_address_bytes": 70_000}, 503), ({"held_max_bytes": 70_000}, 503)],
    ids=["too large", "beyond a share", "no room"],
)
async def test_of_a_body_that_is_not_taken_the_words_of_an_emergency_are(
    door: Door, text: str, settings: dict[str, Any], status: int
) -> None:
    async with door.open(**settings) as client:
        answer = await send(client, {"text": text}, [photo(400, "small.jpg"), photo(2 * MIB)])
    if text == FIRE:
        assert answer.status_code == 303
        (raw,) = door.kafka.held
        assert files_of(raw) == [("small.jpg", 400, None), ("fire.jpg", None, "too_large")]
    else:
        assert (answer.status_code, door.kafka.held) == (status, [])


async def test_so_are_those_of_an_app(door: Door) -> None:
    async with door.open(body_max_bytes=MIB) as client:
        files = [*parts(request(description=FIRE)), photo(2 * MIB)]
        answer = await client.post(f"{BASE}/requests.json", files=files)
        stranger = [*parts(request(description=FIRE, api_key="x" * 16)), photo(2 * MIB)]
        refused = await client.post(f"{BASE}/requests.json", files=stranger)
    assert (answer.status_code, refused.status_code) == (200, 403)
    (raw,) = door.kafka.held
    assert API_KEY.encode() not in raw.value
    assert files_of(raw) == [("fire.jpg", None, "too_large")]


async def test_an_endless_field_behind_the_words_takes_nothing_from_them(door: Door) -> None:
    async with door.open(body_max_bytes=MIB) as client:
        answer = await send(client, {"text": FIRE, "place": "街" * MIB})
    assert answer.status_code == 303
    assert FIRE in normalize(door.kafka.held[0], Policy()).message.text


@pytest.mark.parametrize("name", [b'a"b\\c.jpg', "坑.jpg".encode(), b""])
def test_parts_are_written_as_they_are_read(name: bytes) -> None:
    part = multipart.Part(name=b"files", filename=name, content_type="image/jpeg", value=b"\r\n--x\xff")
    words = multipart.Part(name="诉求".encode(), value=b"a\r\nb")
    found = multipart.parts(multipart.written([words, part], b"bound"), b"bound")
    assert [(one.name, one.filename, one.content_type, one.value) for one in found] == [
        (one.name, one.filename, one.content_type, one.value) for one in (words, part)
    ]
