"""`hotline run console:desk` as a process on the real Kafka, seen by people in a real Chromium."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from broker.config import KafkaConnection
from broker.kafka_reader import read_all
from broker.sync_producer import Producer
from console.users import Users
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.ids import message_id
from schemas.records import Command, Event
from tests.console.doors import CITY, PASSWORD, handover
from tests.console.test_process import Browser
from tests.forked import Forked
from tests.frozen import frozen
from tests.peers import chromium
from tests.peers.dovecot import free_ports
from tests.peers.presence import require
from tests.waiting import soon, until

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(400)]

SOON, WITHIN = 10_000, 15_000
"""Milliseconds: for what is measured elsewhere (a second), on a busy machine; and for a page that knows nothing new."""

HEARD = """
window.heard = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...given) { window.heard += 1; return start.apply(this, given); };
addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI));
"""


def name(number: int) -> str:
    return message_id("/hotline/sms/test", str(number))


class City:
    """Hands emergencies over as `screen` does."""

    def __init__(self, connection: KafkaConnection) -> None:
        self.connection = connection
        self._producer = Producer(connection)

    def hand_over(self, number: int, **changes: Any) -> str:
        now = datetime.now(UTC)
        one = handover(name(number), at=now, taken_at=now, **changes)
        key = f"{CITY}.{one.handover_id}".encode()
        self._producer.deliver_now([Outbound(topics.HANDOVER, key, encode(one), [])])
        return one.handover_id

    def acknowledged(self) -> list[tuple[str, str]]:
        """Return the hand-overs that the event log calls acknowledged, and by whom."""
        decisions = [decode(one.value, Event) for one in read_all(self.connection, topics.EVENT)]
        return [
            (change.handover_id, decision.author)
            for decision in decisions
            for change in decision.changes
            if type(change).__name__ == "Acknowledged"
        ]

    def ordered(self) -> list[tuple[str, str | None]]:
        commands = [decode(one.value, Command) for one in read_all(self.connection, topics.COMMAND)]
        return [(one.kind, one.handover_id) for one in commands]

    def close(self) -> None:
        self._producer.close()


class Desk:
    """The process, its log, and the browsers of its people."""

    def __init__(self, process: Forked, base: str, browser: Any) -> None:
        self.process = process
        self.base = base
        self._browser = browser
        self.told: list[str] = []

    async def person(self, account: str, **options: Any) -> tuple[BrowserContext, Page]:
        """Open a browser of its own, sign in and begin the shift."""
        context = await self._browser.new_context(locale="zh-CN", **options)
        context.set_default_timeout(30_000)
        await context.add_init_script(HEARD)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.told.append(str(error)))
        page.on("console", lambda message: self.told.append(message.text) if "CSP" in message.text else None)
        await page.goto(f"{self.base}/desk")
        await page.get_by_label("账号").fill(account)
        await page.get_by_label("密码").fill(PASSWORD)
        await page.get_by_role("button", name="登录").click()
        await page.wait_for_url("**/desk")
        if options.get("java_script_enabled", True):
            await page.get_by_role("button", name="开始值班").click()
            await expect(page.locator("#stale")).to_be_hidden(timeout=30_000)
        return context, page


@pytest.fixture
def settings(local_stack: Stack, fresh_topics: KafkaConnection, tmp_path: Path) -> dict[str, str]:
    for account in ("wang.li", "liu.y"):
        Users(tmp_path / "users.json").add(account, PASSWORD, ("desk",), (CITY,), 0)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    return ours | {
        "HOTLINE_LOCAL__DATA_DIR": str(local_stack.data_dir),
        "HOTLINE_JURISDICTION": CITY,
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_KAFKA__PARTITIONS": str(fresh_topics.partitions),
        "HOTLINE_CONSOLE__DESK__ENABLED": "true",
        "HOTLINE_CONSOLE__DESK__PORT": str(free_ports(1, start=19860)),
        "HOTLINE_CONSOLE__USERS_FILE": str(tmp_path / "users.json"),
    }


@asynccontextmanager
async def opened(settings: dict[str, str], folder: Path, *stages: str) -> AsyncIterator[Desk]:
    """Run the desk and stages of the pipeline beside it, with a browser."""
    require(chromium.missing())
    log = folder / "desk.log"
    with log.open("ab") as writing:
        process = Forked("-m", "hotline", "run", "console:desk", env=settings, stdout=writing, stderr=writing)
        others = [
            Forked("-m", "hotline", "run", *stages, env=settings, stdout=writing, stderr=writing)
            for _ in range(bool(stages))
        ]
    base = f"http://127.0.0.1:{settings['HOTLINE_CONSOLE__DESK__PORT']}"
    asking = Browser(base)
    try:
        await asyncio.to_thread(until, asking.answers, log.read_text)
        async with chromium.browser() as browser:
            desk = Desk(process, base, browser)
            yield desk
            assert desk.told == []
    finally:
        asking.http.close()
        for one in (process, *others):
            one.kill()


@pytest.fixture
def city(fresh_topics: KafkaConnection, stack: Endpoints) -> Any:
    made = City(fresh_topics)
    yield made
    made.close()


async def test_a_hand_over_rings_at_two_desks_and_goes_by_one_key_when_the_event_log_has_it(
    settings: dict[str, str], city: City, tmp_path: Path
) -> None:
    earlier = city.hand_over(1, level="mentioned")
    async with opened(settings, tmp_path, "normalize", "assign") as desk:
        _, first = await desk.person("wang.li")
        _, second = await desk.person("liu.y")
        await expect(first.locator(f"[data-id='{earlier}']")).to_be_visible()
        worst = city.hand_over(2, level="critical")
        for page in (first, second):
            await expect(page.locator("article").first).to_have_attribute("data-id", worst, timeout=SOON)
            assert (await page.title()).startswith("(2) 值守")
            await expect(page.locator("body")).to_have_class("ringing")
            await soon(lambda page=page: page.evaluate("heard"))
        await page.screenshot(path=chromium.artifacts() / "desk.png", full_page=True)
        await press(first, "a")
        for page in (first, second):
            await expect(page.locator(f"[data-id='{worst}']")).to_have_count(0, timeout=60_000)
            await expect(page.locator("tbody tr").first).to_contain_text("wang.li")
        assert city.acknowledged() == [(worst, "desk/wang.li")]
        await press(second, "1")
        await expect(first.get_by_role("heading", level=1)).to_contain_text("没有待签收的", timeout=60_000)
        await expect(first.locator("body")).not_to_have_class("ringing")
        assert city.acknowledged()[1:] == [(earlier, "desk/liu.y")]
        desk.process.terminate()
        assert await asyncio.to_thread(desk.process.wait, 30) == 0


async def test_what_is_ordered_stays_until_the_event_log_has_it_and_rings_again(
    settings: dict[str, str], city: City, tmp_path: Path
) -> None:
    async with opened(settings, tmp_path) as desk:  # nobody decides
        _, page = await desk.person("wang.li")
        waiting = city.hand_over(1)
        card = page.locator(f"[data-id='{waiting}']")
        await expect(card).to_be_visible(timeout=SOON)
        await page.locator("body").press("a")  # at once: the card has just come, and the key was meant for another
        await expect(card.locator(".outcome")).to_be_empty()
        await press(page, "a")
        await expect(card).to_contain_text("已提交，等待确认")
        await expect(page.locator("body")).not_to_have_class("ringing")
        await soon(lambda: ("acknowledge_handover", waiting) in city.ordered())
        await expect(card).to_contain_text("尚未确认", timeout=30_000)
        await expect(page.locator("body")).to_have_class("ringing")


async def test_a_cut_stream_and_a_kafka_that_stands_still_are_said_in_time_and_ring_in_a_hidden_tab(
    settings: dict[str, str], city: City, local_stack: Stack, tmp_path: Path
) -> None:
    async with opened(settings, tmp_path) as desk:
        context, page = await desk.person("wang.li")
        other = await context.new_page()
        await other.goto("about:blank")
        await other.bring_to_front()  # the desk is in the background from here on
        for stop in (frozen(local_stack.pid("kafka")), frozen(desk.process.pid)):
            heard = await page.evaluate("heard")
            with stop:
                await expect(page.locator("#stale")).to_be_visible(timeout=WITHIN)
                assert "不可信" in await page.title()
                await soon(lambda heard=heard: _is_more(page, heard))
            await expect(page.locator("#stale")).to_be_hidden(timeout=60_000)
        waiting = city.hand_over(1)
        await expect(page.locator(f"[data-id='{waiting}']")).to_be_attached(timeout=SOON)


async def press(page: Page, key: str) -> None:
    """Press a key when every card has stood at its place for a moment, as a person does who has read it."""
    await expect(page.locator("article:not([data-settled])")).to_have_count(0)
    await page.locator("body").press(key)


async def _is_more(page: Page, heard: int) -> bool:
    return bool(await page.evaluate("heard") > heard)


async def test_without_javascript_it_loads_itself_again_and_a_button_acknowledges(
    settings: dict[str, str], city: City, tmp_path: Path
) -> None:
    async with opened(settings, tmp_path, "normalize", "assign") as desk:
        _, page = await desk.person("wang.li", java_script_enabled=False)
        waiting = city.hand_over(1)
        await expect(page.get_by_text("三楼着火了")).to_be_visible(timeout=30_000)
        await page.get_by_role("button", name="签收").click()
        await expect(page.get_by_text("没有待签收的")).to_be_visible(timeout=60_000)
        assert city.acknowledged() == [(waiting, "desk/wang.li")]
