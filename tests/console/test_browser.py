"""The pages in a real Chromium: by keyboard, without JavaScript, small, large, dark, printed; judged by axe."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import BrowserContext, Page, expect

from tests.console.doors import CITY, NOW, PASSWORD, Door, handover, hit, rich_answer, ticket
from tests.peers import chromium
from tests.peers.dovecot import free_ports
from tests.peers.presence import require
from tickets.search import Answer, Rung

pytestmark = [pytest.mark.integration, pytest.mark.long]

TICKETS = tuple(ticket(number) for number in range(1, 6))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Visitor:
    """One browser context on a console; `told` are its console messages, errors and CSP violations."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.base = base
        self.told: list[str] = []

    async def page(self) -> Page:
        page = await self.context.new_page()
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        return page

    async def signed_in(self, path: str = "/search") -> Page:
        """Sign in by keyboard alone, as a person does."""
        page = await self.page()
        await page.goto(self.base + path)
        await page.get_by_label("账号").focus()
        await page.keyboard.type("wang.li")
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{self.base}{path.partition('?')[0]}*")
        return page


@asynccontextmanager
async def served(door: Door) -> AsyncIterator[str]:
    port = free_ports(1, start=19700)
    config = uvicorn.Config(door.app, host="127.0.0.1", port=port, log_config=None, lifespan="on", ws="none")
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment] # the tests have their own
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn gives no event for it
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        door.desk.live.close()
        server.should_exit = True
        await serving


@asynccontextmanager
async def visited(folder: Path, **options: Any) -> AsyncIterator[tuple[Door, Visitor]]:
    """Serve a console and open a browser; whatever the browser's console says fails the test."""
    require(chromium.missing())
    door = Door(folder, *TICKETS)
    door.users.add("wang.li", PASSWORD, ("analyst",), (CITY,), NOW.timestamp() - 60)
    door.archive.answer = rich_answer(*TICKETS)
    async with served(door) as base, chromium.browser() as browser:
        settings = {"locale": "zh-CN", "viewport": {"width": 1440, "height": 900}} | options
        context = await browser.new_context(**settings)
        context.set_default_timeout(30_000)
        await context.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
        )
        visitor = Visitor(context, base)
        yield door, visitor
        await context.close()
        assert visitor.told == []


async def judged(page: Page) -> list[str]:
    """Return what axe finds wrong; through the debugger, since the page's own policy lets no script in."""
    await page.evaluate(chromium.axe())
    found = await page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert len(found["passes"]) > 10
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


async def shot(page: Page, name: str) -> None:
    await page.screenshot(path=chromium.artifacts() / f"{name}.png", full_page=True)


async def test_a_person_with_a_keyboard_searches_opens_a_ticket_and_comes_back(tmp_path: Path) -> None:
    async with visited(tmp_path) as (door, visitor):
        page = await visitor.signed_in()
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type("暖气")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/search?q=*")
        await expect(page.locator("#found")).to_be_focused()
        await page.keyboard.press("/")
        await expect(page.locator("#q")).to_be_focused()
        await page.locator("#found").focus()
        await page.keyboard.press("j")
        await expect(page.locator(".rows h3 a").first).to_be_focused()
        await page.keyboard.press("j")
        await page.keyboard.press("k")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await page.locator(".rows h3 a").first.focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/ticket/*")
        await expect(page.locator("mark").first).to_have_text("暖气")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(TICKETS[0].title or "")
        await page.go_back()
        await page.wait_for_url("**/search?q=*")
        await expect(page.locator("#q")).to_have_value("暖气")
        await page.get_by_role("link", name="网站 9").click()
        await page.wait_for_url("**channel=web*")
        await expect(page.get_by_role("link", name="✓ 网站")).to_be_visible()
        await page.get_by_role("link", name="去掉 渠道：网站").click()
        await expect(page).to_have_url(f"{visitor.base}/search?q=%E6%9A%96%E6%B0%94")
        await page.go_back()
        await expect(page.get_by_role("link", name="✓ 网站")).to_be_visible()
        assert [act.action for act in door.trail.acts][:3] == ["signed_in", "searched", "opened"]


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_axe_finds_nothing_on_any_page_in_light_and_dark(colours: str, tmp_path: Path) -> None:
    async with visited(tmp_path, color_scheme=colours) as (door, visitor):
        page = await visitor.page()
        await page.goto(f"{visitor.base}/login")
        assert await judged(page) == []
        await shot(page, f"login-{colours}")
        await page.close()
        page = await visitor.signed_in()
        paths = {
            "empty": "/search",
            "search": "/search?q=暖气&channel=web",
            "refused": "/search?refused=1",
            "ticket": f"/ticket/{TICKETS[0].ticket_no}?mark=暖气",
        }
        for name, path in paths.items():
            for language in ("zh", "en") if colours == "light" else ("zh",):
                await page.goto(f"{visitor.base}{path}{'&' if '?' in path else '?'}lang={language}")
                assert await judged(page) == [], (name, language)
                await shot(page, f"{name}-{colours}-{language}")
        assert door.archive.asked


SIZES = {"360": {"width": 360, "height": 740}, "zoom-200": {"width": 720, "height": 450}}
"""A phone; and a window of 1440 px at 200 %, which has 720 px for the page."""


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_cut_off_on_a_small_screen_or_at_200_percent(size: str, tmp_path: Path) -> None:
    async with visited(tmp_path, viewport=SIZES[size]) as (_, visitor):
        page = await visitor.signed_in("/search?q=暖气")
        for name, path in {"search": "/search?q=暖气", "ticket": f"/ticket/{TICKETS[0].ticket_no}"}.items():
            await page.goto(visitor.base + path)
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide == 0, name
            assert await judged(page) == []
            await shot(page, f"{name}-{size}")


async def test_everything_works_without_javascript(tmp_path: Path) -> None:
    async with visited(tmp_path, java_script_enabled=False) as (door, visitor):
        page = await visitor.page()
        await page.goto(f"{visitor.base}/search")
        await page.get_by_label("账号").fill("wang.li")
        await page.get_by_label("密码").fill(PASSWORD)
        await page.get_by_role("button", name="登录").click()
        await page.wait_for_url("**/search")
        await page.get_by_label("检索词").fill("暖气")
        await page.get_by_role("button", name="检索", exact=True).click()
        await page.wait_for_url("**/search?q=*")
        await page.get_by_role("link", name="网站 9").click()
        await page.wait_for_url("**channel=web*")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="导出").click()
        exported = await (await downloading.value).path()
        assert TICKETS[0].ticket_no in exported.read_text("utf-8-sig")
        await page.locator(".rows h3 a").first.click()
        await page.wait_for_url("**/ticket/*")
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("heading", name="Stages")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/login")
        assert [act.action for act in door.trail.acts][-1] == "signed_out"


async def test_a_question_about_a_person_stands_in_no_url_of_the_browser(tmp_path: Path) -> None:
    async with visited(tmp_path) as (door, visitor):
        page = await visitor.signed_in()
        await page.get_by_label("检索词").fill("13800138000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("没有检索")
        assert page.url == f"{visitor.base}/search"
        assert "138" not in await page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
        assert door.archive.asked == []


async def test_pages_go_on_and_the_printed_page_holds_hits_alone(tmp_path: Path) -> None:
    async with visited(tmp_path) as (door, visitor):
        hits = tuple(hit(TICKETS[number % 5]) for number in range(20))
        door.archive.answer = Answer(total=45, rungs=(Rung(name="words", total=45, hits=hits, next="c"),))
        page = await visitor.signed_in("/search?q=暖气")
        await page.get_by_role("link", name="下一页").click()
        await page.wait_for_url("**page=2*")
        await expect(page.get_by_role("link", name="上一页")).to_be_visible()
        await page.emulate_media(media="print")
        await expect(page.locator(".question")).to_be_hidden()
        await expect(page.locator(".rows li").first).to_be_visible()
        await shot(page, "print")
        assert (await page.pdf())[:5] == b"%PDF-"


@pytest.mark.parametrize("size", [*SIZES, "dark"])
async def test_the_desk_is_whole_on_a_small_screen_and_in_the_dark_and_works_by_keyboard(
    size: str, tmp_path: Path
) -> None:
    options = {"viewport": SIZES[size]} if size in SIZES else {"color_scheme": "dark"}
    async with visited(tmp_path, **options) as (door, visitor):
        door.users.add("wang.li", PASSWORD, ("desk",), (CITY,), NOW.timestamp() - 60)
        door.handovers.hand_over(handover("a" * 26, 75, level="critical"), handover("b" * 26, 5))
        door.handovers.decide("b" * 26, "liu.y")
        page = await visitor.signed_in("/desk")
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0
        for language in ("zh", "en"):
            await page.goto(f"{visitor.base}/desk?lang={language}")
            assert await judged(page) == [], language
            await shot(page, f"desk-{size}-{language}")
        await expect(page.locator("article[data-settled]")).to_have_count(1)
        await page.keyboard.press("a")
        await expect(page.locator("article")).to_have_count(0)
        assert door.handovers.ordered == [("a" * 26, "wang.li")]
        door.handovers.lag = 60
        await expect(page.locator("#stale")).to_be_visible(timeout=15_000)
        assert await judged(page) == []
        await shot(page, f"desk-{size}-untrusted")
