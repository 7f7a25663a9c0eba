"""Receipts and the status page: whoever opened a ticket learns its number and code; nobody learns another's."""

import gc
import tracemalloc
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from connectors.web.receipts import Receipts
from schemas import ids
from schemas.records import Ticket
from schemas.records.dispatch import Dispatch
from schemas.records.ticket import Acceptance, Category, Deadline, Result, StatusStep
from tests.connectors.web.browser import Page, send, visit
from tests.connectors.web.doors import CITY, NOW, QUERY_KEY, Door, counted, ticket

RECEIPTS = Receipts(QUERY_KEY, CITY, "city")


def code_of(one: Ticket) -> str:
    return ids.query_code(QUERY_KEY, one.ticket_id)


async def receipt(door: Door, message: str, **settings: object) -> Page:
    async with door.open(**settings) as client:
        return await visit(client, f"/web/receipt/{RECEIPTS.receipt(message)}")


async def test_a_receipt_shows_number_and_code_as_soon_as_the_ticket_is_there(door: Door) -> None:
    async with door.open() as client:
        answer = await send(client, (await visit(client)).filled(text="路灯不亮"))
        page = await visit(client, answer.headers["location"])
        assert page.facts.keys() == {"回执"}
        assert "刷新本页" in page.text
        made = door.archive.put(ticket(door.kafka.held[0].message_id))
        page = await visit(client, answer.headers["location"])
    assert page.facts["工单编号"] == made.ticket_no
    assert page.facts["查询码"] == code_of(made)


async def test_who_did_not_open_the_ticket_learns_neither_number_nor_code(door: Door) -> None:
    """A stranger who writes another's phone number and words is filed in the other's ticket."""
    made = door.archive.put(ticket())
    stranger = "s" * 26
    door.archive.filings[stranger] = made.ticket_id
    page = await receipt(door, stranger)
    assert page.status == 200
    assert page.facts.keys() == {"回执"}
    assert [value for value in (made.ticket_no, code_of(made), made.ticket_id) if value in page.text] == []


@pytest.mark.parametrize("name", ["m" * 26, f"{'m' * 26}-{'a' * 16}", "x", f"{RECEIPTS.receipt('m' * 26)}x"])
async def test_a_receipt_that_we_did_not_sign_opens_nothing(door: Door, name: str) -> None:
    made = door.archive.put(ticket())
    async with door.open() as client:
        page = await visit(client, f"/web/receipt/{name}")
    assert page.status == 404
    assert made.ticket_no not in page.text


async def test_a_receipt_of_another_city_s_door_opens_nothing(door: Door) -> None:
    door.archive.put(ticket())
    foreign = Receipts(QUERY_KEY, CITY, "other").receipt("m" * 26)
    async with door.open() as client:
        assert (await visit(client, f"/web/receipt/{foreign}")).status == 404


async def test_after_some_days_a_receipt_no_longer_shows_the_code(door: Door) -> None:
    made = door.archive.put(ticket())
    door.now += timedelta(days=8)
    page = await receipt(door, made.first_message_id)
    assert page.facts["工单编号"] == made.ticket_no
    assert code_of(made) not in page.text


@pytest.mark.parametrize("fault", ["away", "silent"])
async def test_without_the_archive_a_receipt_is_still_one(door: Door, fault: str) -> None:
    setattr(door.archive, fault, True)
    page = await receipt(door, "m" * 26, archive_timeout_seconds=0.05)
    assert (page.status, page.facts) == (200, {"回执": RECEIPTS.receipt("m" * 26)})


async def ask(door: Door, number: str, code: str, **settings: object) -> Page:
    async with door.open(**settings) as client:
        page = await visit(client, "/web/status")
        return Page(await client.post("/web/status", data=page.filled(number=number, code=code)))


def handled() -> Ticket:
    steps = tuple(
        StatusStep(status=status, at=NOW + timedelta(hours=number))
        for number, status in enumerate(("registered", "dispatched", "resolved"), 1)
    )
    return ticket(
        status="resolved",
        status_at=steps[-1].at,
        history=steps,
        category=Category(code="c", scheme="s", version="1", path=("城乡建设", "市政设施与市容")),
        dispatch=Dispatch(organizer_code="cg", organizer_name="市城市管理局"),
        deadlines=(Deadline(clock="resolve", due_at=NOW + timedelta(days=5), policy_id="p", calendar_version="1"),),
        result=Result(text="已更换灯泡"),
    )


async def test_number_and_code_tell_how_it_goes(door: Door) -> None:
    made = door.archive.put(handled())
    page = await ask(door, f" {made.ticket_no} ", f"{code_of(made)[:6]} {code_of(made)[6:]}")
    assert page.status == 200
    assert page.facts["办理状态"] == "办结"
    assert page.facts["承办单位"] == "市城市管理局"
    assert page.facts["预计办结"] == "2026-11-30 10:00"
    assert page.facts["事项分类"] == "城乡建设 / 市政设施与市容"
    assert page.facts["办理结果"] == "已更换灯泡"
    assert [line.split()[-1] for line in page.texts(".//h:ol/h:li")] == ["接收", "受理登记", "派单", "办结"]
    assert made.text not in page.text, "the words are the citizen's: they know them"


@pytest.mark.parametrize("status", ["not_accepted", "archived"])
async def test_whoever_is_not_accepted_is_told_why_and_where_to_turn(door: Door, status: str) -> None:
    told = "您反映的事项不在本市管辖范围，请拨打事发地区号+12345。"
    refused = Acceptance(decision="not_accepted", reason="out_of_jurisdiction", text=told)
    made = door.archive.put(replace(handled(), status=status, acceptance=refused, result=None))
    page = await ask(door, made.ticket_no, code_of(made))
    assert page.facts["不予受理说明"] == told
    assert "预计办结" not in page.facts
    door.archive.put(replace(made, acceptance=replace(refused, text=None)))
    assert (await ask(door, made.ticket_no, code_of(made))).facts["不予受理说明"] == "不属于本辖区"


@pytest.mark.parametrize(
    ("status", "decision"), [("received", "proposed"), ("archived", "accepted"), ("in_progress", "not_accepted")]
)
async def test_what_is_only_proposed_or_was_taken_up_again_is_told_to_nobody(
    door: Door, status: str, decision: str
) -> None:
    acceptance = Acceptance(decision=decision, reason="petition_channel", text="请向信访部门反映")
    made = door.archive.put(replace(handled(), status=status, acceptance=acceptance))
    page = await ask(door, made.ticket_no, code_of(made))
    assert "信访" not in page.text
    assert "预计办结" in page.facts


async def test_a_receipt_stands_for_the_number(door: Door) -> None:
    made = door.archive.put(handled())
    mine = RECEIPTS.receipt(made.first_message_id)
    assert (await ask(door, mine.upper(), code_of(made))).facts["办理状态"] == "办结"
    for number, code in ((mine, "0" * 12), (f"{mine[:-1]}{'b' if mine[-1] == 'a' else 'a'}", code_of(made))):
        assert (await ask(door, number, code)).status == 404


async def test_of_a_restricted_ticket_no_words_are_shown(door: Door) -> None:
    restricted = ticket(confidentiality="restricted", result=Result(text="已查处"))
    door.archive.put(restricted)
    assert "已查处" not in (await ask(door, restricted.ticket_no, code_of(restricted))).text


async def test_a_wrong_number_and_a_wrong_code_give_the_same_answer(door: Door) -> None:
    made = door.archive.put(handled())
    other = ids.ticket_no(CITY, NOW, 8)
    abroad = ticket("a" * 26, jurisdiction="110000", ticket_no=ids.ticket_no("110000", NOW, 7))
    door.archive.put(abroad)
    pages = [
        await ask(door, number, code)
        for number, code in (
            (made.ticket_no, "000000000000"),
            (made.ticket_no, ""),
            (other, code_of(made)),
            ("路灯", code_of(made)),
            (abroad.ticket_no, code_of(abroad)),
        )
    ]
    for page in pages:
        assert page.status == 404
        assert page.facts == {}
        assert page.texts(".//*[@id='number-wrong']") == ["没有找到：工单编号（回执）或查询码不对。"]


async def test_a_code_cannot_be_found_by_asking_again_and_again(door: Door) -> None:
    made = door.archive.put(handled())
    async with door.open(questions_per_hour=3) as client:
        for number in range(3):
            data = {"number": made.ticket_no, "code": f"{number:012d}"}
            assert (await client.post("/web/status", data=data)).status_code == 404
        page = Page(await client.post("/web/status", data={"number": made.ticket_no, "code": code_of(made)}))
    assert page.status == 429
    assert int(page.answer.headers["retry-after"]) > 0
    assert "12345" in page.text


async def test_60_wrong_codes_of_strangers_lock_no_owner_out(door: Door) -> None:
    made = door.archive.put(handled())
    app = door.app(questions_per_hour=60)
    guesses = [("203.0.113.9", f"{number:012d}", 404 if number < 60 else 429) for number in range(61)]
    async with app.lifespan():
        for address, code, status in [*guesses, ("203.0.113.1", code_of(made), 200)]:
            caller = httpx.ASGITransport(app, client=(address, 1))
            async with httpx.AsyncClient(transport=caller, base_url="http://city") as client:
                answer = await client.post("/web/status", data={"number": made.ticket_no, "code": code})
            assert answer.status_code == status


async def test_a_number_that_is_longer_than_any_is_not_kept(door: Door) -> None:
    long = "9" * 1_000_000
    async with door.open() as client:
        tracemalloc.start()
        for last in range(9):
            page = Page(await client.post("/web/status", data={"number": f"{long}{last}", "code": long}))
            assert (page.status, len(page.text) < 10_000) == (404, True)
        del page
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert kept < 4 * len(long)


async def test_without_the_archive_the_question_waits(door: Door) -> None:
    door.archive.away = True
    async with door.open():
        before = counted("unsafe")
    page = await ask(door, ticket().ticket_no, "1")
    assert (page.status, counted("unsafe")) == (503, before), "a question loses no message"
    assert page.texts(".//h:h1") == ["暂时无法查询"]
