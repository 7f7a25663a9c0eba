"""The citizens' form: a receipt only for what is safe, and nothing that was written is thrown away."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors import metrics
from connectors.http.quota import SMALL_BYTES
from connectors.publish.publisher import HEADERS_LIMIT
from normalizers.base import Policy
from normalizers.pipeline import normalize
from tests.connectors.web.browser import Page, send, visit
from tests.connectors.web.doors import Door, counted, ticket

TEXT = "幸福路12号的路灯坏了，\n三天没有人修。<script>alert(1)</script>"
URGENT = "三楼着火了，快来人啊"


async def submit(door: Door, files: list[Any] | None = None, **values: str) -> httpx.Response:
    async with door.open() as client:
        page = await visit(client)
        return await send(client, page.filled(**{"text": TEXT, **values}), files)


async def test_a_submission_is_safe_before_its_receipt_is_shown(door: Door) -> None:
    answer = await submit(door, place="人民公园东门", phone="13800138000", name="李雷", kind="help_request")
    (raw,) = door.kafka.held
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/web/receipt/{raw.message_id}-")
    assert raw.envelope.channelkind == "web"
    message = normalize(raw, Policy()).message
    assert message.text == f"{TEXT}\n地点：人民公园东门"
    assert message.sender
    assert (message.sender.value, message.sender.name) == ("13800138000", "李雷")
    assert message.extra == {}, "what is the door's own is no word of the citizen's"


async def test_a_fault_of_ours_promises_nothing_and_is_counted(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise KeyError("a citizen's words")

    monkeypatch.setattr(door.kafka, "publish", break_down)
    counted = metrics.FAULTS_OF_OURS.labels("web", "city")
    before = counted._value.get()
    assert (await submit(door)).status_code == 500
    assert counted._value.get() == before + 1, "the alarm on faults of ours counts it"


async def test_photos_come_along(door: Door) -> None:
    answer = await submit(door, [("files", ("坑.jpg", b"\xff\xd8", "image/jpeg")), ("files", ("", b""))])
    assert answer.status_code == 303
    made = normalize(door.kafka.held[0], Policy())
    assert [file.name for file in made.message.attachments] == ["坑.jpg"]


async def test_a_photo_waits_for_no_thread_of_others(door: Door, busy_threads: None) -> None:
    async with asyncio.timeout(60):
        answer = await submit(door, [("files", ("坑.jpg", b"\xff\xd8" * SMALL_BYTES, "image/jpeg"))])
    assert answer.status_code == 303


async def test_a_second_press_of_the_button_is_the_same_submission(door: Door) -> None:
    async with door.open() as client:
        fields = (await visit(client)).filled(text=TEXT)
        first, again = await send(client, fields), await send(client, fields)
        other = await send(client, fields | {"text": "井盖丢了"})
        door.now += timedelta(hours=1)
        late = await send(client, fields)
    assert first.headers["location"] == again.headers["location"] == late.headers["location"]
    assert other.headers["location"] != first.headers["location"]


async def test_two_citizens_with_the_same_words_are_two(door: Door) -> None:
    await submit(door)
    await submit(door)
    assert len({raw.message_id for raw in door.kafka.held}) == 2


async def test_what_is_wrong_stands_beside_its_field_and_all_words_are_kept(door: Door) -> None:
    async with door.open() as client:
        fields = (await visit(client)).filled(
            text="字" * 4_001, email="无", place="p" * 1_001, title="标题", kind="praise"
        )
        page = Page(await send(client, fields))
        assert page.status == 400
        assert page.filled(stamp="") == fields | {"stamp": ""}
        links = {one.get("href") for one in page.all(".//h:div[@class='summary']//h:a")}
        assert links == {"#text", "#email", "#place"}
        for name in ("text", "email", "place"):
            (field,) = page.all(f".//*[@id='{name}']")
            assert field.get("aria-invalid") == "true"
            assert f"{name}-wrong" in field.get("aria-describedby")
            assert page.texts(f".//*[@id='{name}-wrong']")[0]
        assert page.texts(".//h:title")[0].startswith("错误：")
        assert door.kafka.held == []
        again = await send(client, page.filled(text=TEXT, email="", place=""))
    assert again.status_code == 303


async def test_no_words_are_no_submission(door: Door) -> None:
    assert (await submit(door, text=" \n")).status_code == 400


@pytest.mark.parametrize(
    ("settings", "file"),
    [({"file_max_bytes": 5}, ("a.jpg", b"123456")), ({"files_max": 0}, ("a.jpg", b"1")), ({}, ("a" * 256, b"1"))],
    ids=["size", "number", "name"],
)
async def test_files_beyond_the_limits_are_asked_for_again(door: Door, settings: Any, file: Any) -> None:
    async with door.open(**settings) as client:
        page = Page(await send(client, (await visit(client)).filled(text=TEXT), [("files", file)]))
    assert (page.status, page.filled()["text"]) == (400, TEXT)
    assert door.kafka.held == []


def refused(reason: str) -> float:
    return float(metrics.PUSH_REFUSED.labels("web", reason)._value.get())


async def asks_once_more(door: Door, reason: str, changes: dict[str, str], **headers: str) -> None:
    """The citizen gets their words back with one more button to press, and pressing it is enough."""
    before = refused(reason)
    async with door.open() as client:
        page = Page(await send(client, (await visit(client)).filled(text=TEXT) | changes, **headers))
        assert 400 <= page.status < 404
        assert page.filled()["text"] == TEXT
        assert page.texts(".//h:h1") == ["请再确认一次"]
        assert door.kafka.held == []
        assert (await send(client, page.filled())).status_code == 303
    assert len(door.kafka.held) == 1
    assert refused(reason) == before + 1


async def test_a_filled_trap_is_asked_once_more(door: Door) -> None:
    await asks_once_more(door, "honeypot", {"website": "http://spam.example"})


@pytest.mark.parametrize("stamp", ["", "x", "1795572000.AAAAAAAAAAAAAAAA.aaaaaaaaaaaaaaaa"])
async def test_a_form_that_we_did_not_give_out_is_asked_once_more(door: Door, stamp: str) -> None:
    await asks_once_more(door, "stamp", {"stamp": stamp})


async def test_a_form_of_another_site_is_asked_once_more(door: Door) -> None:
    await asks_once_more(door, "cross_site", {}, **{"Sec-Fetch-Site": "cross-site"})


async def test_a_form_that_was_open_for_long_is_asked_once_more(door: Door) -> None:
    async with door.open() as client:
        fields = (await visit(client)).filled(text=TEXT)
        door.now += timedelta(hours=25)
        page = Page(await send(client, fields))
        assert (page.status, page.filled()["text"]) == (400, TEXT)
        assert (await send(client, page.filled())).status_code == 303


async def test_a_flood_is_told_when_to_come_again_and_keeps_its_words(door: Door) -> None:
    async with door.open(form_per_hour=3) as client:
        for number in range(3):
            fields = (await visit(client)).filled(text=f"诉求{number}")
            assert (await send(client, fields)).status_code == 303
        page = Page(await send(client, (await visit(client)).filled(text=TEXT)))
    assert page.status == 429
    assert 0 < int(page.answer.headers["retry-after"]) <= 1200
    assert page.filled()["text"] == TEXT
    assert "12345" in "".join(page.texts(".//h:main"))
    assert "20分钟" in page.text
    assert len(door.kafka.held) == 3


@pytest.mark.parametrize("field", ["phone", "email"])
async def test_an_emergency_with_an_endless_number_is_still_a_message(door: Door, field: str) -> None:
    async with door.open() as client:
        answer = await send(client, (await visit(client)).filled(text=URGENT) | {field: "一" * 100_000})
    assert answer.status_code == 303
    (raw,) = door.kafka.held
    record = raw.outbound()
    assert len(record.key) + sum(len(value) for _, value in record.headers) < HEADERS_LIMIT
    assert normalize(raw, Policy()).message.emergency


@pytest.mark.parametrize("trouble", ["limited", "honeypot", "stamp", "invalid"])
async def test_an_emergency_waits_for_nothing_and_is_told_to_dial(door: Door, trouble: str) -> None:
    values = {"text": URGENT}
    values |= {"honeypot": {"website": "x"}, "stamp": {"stamp": ""}, "invalid": {"email": "x"}}.get(trouble, {})
    async with door.open(form_per_hour=1) as client:
        if trouble == "limited":
            await send(client, (await visit(client)).filled(text=TEXT))
        answer = await send(client, (await visit(client)).filled() | values)
        assert answer.status_code == 303
        receipt = await visit(client, answer.headers["location"])
    assert normalize(door.kafka.held[-1], Policy()).message.emergency
    (alarm,) = [one for one in receipt.all(".//h:div[@class='emergency']") if one.get("role") == "alert"]
    words = "".join(alarm.itertext())
    assert [number for number in ("110", "119", "120", "122") if number not in words] == []
    assert "不能代您报警" in words


async def test_while_kafka_is_down_the_journal_is_enough_for_a_receipt(door: Door) -> None:
    door.kafka.down = True
    assert (await submit(door)).status_code == 303


async def test_with_neither_the_words_come_back(door: Door) -> None:
    door.kafka.down = True
    async with door.open({"journal_max_bytes": 1}) as client:
        before = counted("unsafe")
        page = Page(await send(client, (await visit(client)).filled(text=TEXT)))
    assert (page.status, page.filled()["text"]) == (503, TEXT)
    assert page.texts(".//h:h1") == ["现在无法提交"]
    assert counted("unsafe") == before + 1


async def test_a_merged_line_s_old_site_says_so_in_its_link(door: Door) -> None:
    async with door.open() as client:
        page = await visit(client, "/web?hotline=12301")
        await send(client, page.filled(text=TEXT))
    findings = normalize(door.kafka.held[0], Policy()).message.findings
    assert {finding.kind: finding.value for finding in findings}["hotline_code"] == "12301"


@pytest.mark.parametrize("value", ['12"><script>', "x" * 50, "李雷"])
async def test_what_stands_in_a_link_is_no_markup_and_no_hotline(door: Door, value: str) -> None:
    async with door.open() as client:
        page = await visit(client, f"/web?hotline={value}&lang={value}")
        assert page.all(".//h:script") == []
        await send(client, page.filled(text=TEXT))
    assert "hotline_code" not in {one.kind for one in normalize(door.kafka.held[0], Policy()).message.findings}


@pytest.mark.parametrize(
    ("path", "accepted", "lang"),
    [
        ("/web", "", "zh-CN"),
        ("/web", "en-GB,en;q=0.9,zh;q=0.5", "en"),
        ("/web", "de,zh-TW;q=0.9,en;q=0.5", "zh-CN"),
        ("/web?lang=en", "zh", "en"),
        ("/web?lang=zh", "en", "zh-CN"),
        ("/web?lang=fr", "en", "en"),
        ("/web/status", "en", "en"),
    ],
)
async def test_the_page_speaks_the_citizen_s_language(door: Door, path: str, accepted: str, lang: str) -> None:
    async with door.open() as client:
        page = await visit(client, path, **{"Accept-Language": accepted})
    assert page.root.get("lang") == lang
    assert ("紧急情况" in page.text) == (lang == "zh-CN")


async def test_the_language_stays_the_same_all_the_way(door: Door) -> None:
    async with door.open() as client:
        answer = await send(client, (await visit(client, "/web?lang=en")).filled(text=TEXT))
        receipt = await visit(client, answer.headers["location"])
    assert receipt.texts(".//h:h1") == ["We have received your request"]


@pytest.mark.parametrize("path", ["/web", "/web/status", "/web/receipt/x"])
async def test_a_page_loads_nothing_from_elsewhere_and_can_be_framed_by_nobody(door: Door, path: str) -> None:
    door.archive.put(ticket())
    async with door.open() as client:
        headers = (await visit(client, path)).answer.headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["style-src"] == rules["form-action"] == "'self'"
    assert "script-src" not in rules
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("text/plain", 400), ("multipart/form-data", 400), ("application/x-www-form-urlencoded;charset=gbk", 303)],
)
async def test_a_body_of_another_kind_is_refused_on_a_page(door: Door, content_type: str, status: int) -> None:
    async with door.open() as client:
        fields = (await visit(client)).filled(text="a")
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        answer = await client.post("/web", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    if status == 400:
        assert Page(answer).texts(".//h:h1") == ["这次提交无法处理"]


async def test_a_body_that_is_too_large_is_refused_on_a_page_that_says_what_to_do(door: Door) -> None:
    async with door.open(body_max_bytes=2_000) as client:
        fields = (await visit(client)).filled(text=TEXT)
        page = Page(await send(client, fields, [("files", ("a.jpg", b"x" * 5_000))]))
    assert page.status == 413
    assert "12345" in "".join(page.texts(".//h:main"))


async def test_a_door_without_a_form_has_none(door: Door) -> None:
    async with door.open(form=False) as client:
        assert (await client.get("/web")).status_code == 404
        assert (await client.get("/web/open311/v2/services.json")).status_code == 200
    async with door.open(open311=False) as client:
        assert (await client.get("/web")).status_code == 200
        assert (await client.get("/web/open311/v2/services.json")).status_code == 404
