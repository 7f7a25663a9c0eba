"""The page of a search, its URL, its file and the acts that are recorded of it; the page of a ticket."""

import ast
import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.search.view import PARAMETERS, Asked, asked, pieces
from console.templates import FOLDER, LANGUAGES, words
from console.trail import digest
from schemas.ids import SHANGHAI
from schemas.records.ticket import Deadline, Due, Location, Proposal
from tests.connectors.web.browser import Page
from tests.console.doors import CITY, KEY, NOW, Door, hit, rich_answer, ticket, token
from tests.rows import each_row
from tickets import deciders
from tickets.codes import AFTER_REDACTION, RECORD_OF_CALL, SAME_MAIL, SAME_NAME, TOPIC_CHANGED
from tickets.deciders import redelivery
from tickets.deciders.call_record import SAME_CALL_ID
from tickets.deciders.new import NO_RELATION
from tickets.deciders.part import FIRST_PART, LATE_FILE
from tickets.dedupe.similarity import METHODS
from tickets.policy import SIGNS
from tickets.search import Answer, Rung

TICKETS = tuple(ticket(number) for number in range(1, 6))
PERSONAL = [
    "13800138000",
    "１３８ ００１３ ８０００",
    "210102197605203456",
    "张三 13800138000 暖气",
    "zhang.wei@example.com",
    "软件园东路66号3单元502室",
]
"""What masked tickets do not hold: a telephone, an identity number, a mail address, a door."""
CLEAN = ["暖气", "人民路12号", "gongjiao", "付家庄", '"软件园东路" -物业', "210100-20261125-000001-9", "公积金怎么提取"]

names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
days = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
searches = st.builds(
    Asked,
    text=names | st.just(""),
    chosen=st.dictionaries(
        st.sampled_from([name for name in PARAMETERS if name not in ("district", "city")]),
        st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
        max_size=3,
    ).map(lambda chosen: {name: chosen[name] for name in PARAMETERS if name in chosen}),
    since=days, until=days, is_open=st.booleans(), minor=st.booleans(), folded=st.booleans(),
    sort=st.sampled_from(["newest", "relevance", "deadline"]), page=st.integers(1, 50),
    as_written=st.lists(names, max_size=2).map(tuple),
)  # fmt: skip


@settings(max_examples=50)
@given(searches)
def test_the_url_of_a_search_is_the_search(search: Asked) -> None:
    assert asked(parse_qsl(urlsplit(search.url()).query, keep_blank_values=True)) == search


@given(st.lists(st.tuples(st.sampled_from([*PARAMETERS, "q", "since", "page", "sort", "rung", "after"]), st.text())))
def test_whatever_stands_in_a_url_is_a_search(parameters: list[tuple[str, str]]) -> None:
    query = asked(parameters).query()
    assert 0 <= query.skip <= 980
    assert len(query.text) <= 200


def test_days_are_inclusive_and_chinese() -> None:
    filters = asked([("since", "2026-11-01"), ("until", "2026-11-30"), ("district", "none")]).query().filters
    assert filters.received_from is not None
    assert filters.received_to is not None
    assert filters.received_from.isoformat() == "2026-11-01T00:00:00+08:00"
    assert filters.received_to.isoformat() == "2026-12-01T00:00:00+08:00"
    assert filters.adcode == ("",)


@pytest.mark.parametrize("text", PERSONAL)
async def test_what_names_a_person_is_posted_never_searched_and_stands_in_no_url(text: str, tmp_path: Path) -> None:
    door = Door(tmp_path, *TICKETS)
    client = door.signed_in("analyst")
    secret = token((await client.get("/search")).text)
    posted = await client.post("/search", data={"q": text, "token": secret})
    assert (posted.status_code, "脱敏工单里没有这些内容" in posted.text) == (200, True)
    assert 'href="/search' not in posted.text.partition("<main")[2]
    got = await client.get("/search", params={"q": text})
    assert (got.status_code, got.headers["location"]) == (303, "/search?refused=1")
    assert "脱敏工单里没有这些内容" in (await client.get("/search?refused=1")).text
    exported = await client.post("/search.csv", data={"q": text, "token": secret})
    assert exported.headers["location"] == "/search?refused=1"
    for name in ("as_written", "category"):
        assert (await client.get("/search", params={name: text})).status_code == 303
    assert door.archive.asked == []
    assert {act.action for act in door.trail.acts} == {"search_refused"}
    assert not any(text in repr(act) for act in door.trail.acts)


@pytest.mark.parametrize("text", CLEAN)
async def test_a_clean_question_is_led_to_its_url(text: str, tmp_path: Path) -> None:
    client = Door(tmp_path, *TICKETS).signed_in("analyst")
    secret = token((await client.get("/search")).text)
    posted = await client.post("/search", data={"q": text, "token": secret, "since": "2026-11-01", "until": ""})
    assert posted.status_code == 303
    assert dict(parse_qsl(urlsplit(posted.headers["location"]).query)) == {"q": text, "since": "2026-11-01"}
    assert (await client.get(posted.headers["location"])).status_code == 200


async def test_a_search_is_recorded_before_it_is_asked(tmp_path: Path) -> None:
    door = Door(tmp_path, *TICKETS)
    await door.signed_in("analyst").get("/search", params={"q": "暖气不热", "status": "registered"})
    (act,) = door.trail.acts
    assert (act.action, act.person, door.trail.asked_before) == ("searched", "wang.li", [0])
    assert act.details["filters"] == {"status": ("registered",)}
    assert act.details["question"] == digest("暖氣不熱", KEY)
    assert len(act.run) == 16


async def test_everything_of_an_answer_is_on_the_page_and_leads_on(tmp_path: Path) -> None:
    door = Door(tmp_path, *TICKETS)
    door.archive.answer = rich_answer(*TICKETS)
    client = door.signed_in("analyst")
    page = Page(await client.get("/search?q=暖气&channel=web"))
    for text in (
        "26 件",
        "约 9 起事件",
        "同一事件 +12",
        "也查：供暖、供热",
        "读音相同",
        "✓ 网站",
        "示意，不是地图",
        "和平区",
    ):
        assert text in page.text
    links = [one.get("href") for one in page.all(".//h:main//h:a")]
    for wanted in (
        "/search?q=%E6%9A%96%E6%B0%94",  # the chip of the channel
        "/search?q=%E6%9A%96%E6%B0%94&channel=web&channel=phone",
        "/search?q=%E6%9A%96%E6%B0%94&channel=web&district=210102",
        "/search?q=%E6%9A%96%E6%B0%94&channel=web&as_written=%E6%9A%96%E6%B0%94",
        "/search?q=%E6%9A%96%E6%B0%94&channel=web&since=2026-11-16&until=2026-11-22",
        f"/search?q=%E6%9A%96%E6%B0%94&channel=web&incident={TICKETS[0].cluster_id}&unfolded=1",
        "/search?q=%E6%9A%96%E6%B0%94&channel=web&unfolded=1",
    ):
        assert wanted in links
    for link in dict.fromkeys(links):
        assert (await client.get(link)).status_code == 200, link
    assert page.texts(".//h:mark")[:2] == ["暖气", "暖气"]


async def test_pages_go_on_folded_by_number_and_unfolded_by_cursor(tmp_path: Path) -> None:
    door = Door(tmp_path)
    hits = tuple(hit(TICKETS[0]) for _ in range(20))
    door.archive.answer = Answer(total=50, rungs=(Rung(name="words", total=50, hits=hits, next="cursor"),))
    client = door.signed_in("analyst")
    assert 'href="/search?q=a&amp;page=2" rel="next"' in (await client.get("/search?q=a")).text
    assert 'href="/search?q=a&amp;page=2" rel="prev"' in (await client.get("/search?q=a&page=3")).text
    assert "unfolded=1&amp;rung=words&amp;after=cursor" in (await client.get("/search?q=a&unfolded=1")).text
    await client.get("/search?q=a&unfolded=1&rung=words&after=cursor")
    assert [(query.skip, query.after) for query in door.archive.asked] == [
        (0, None),
        (40, None),
        (0, None),
        (0, "cursor"),
    ]


async def test_an_export_is_what_was_found_masked_and_without_formulas(tmp_path: Path) -> None:
    evil = ticket(1, title='=HYPERLINK("http://evil.example")', text="+1 -1 @x")
    door = Door(tmp_path, evil, *TICKETS[1:], ticket(9, "210200"))
    client = door.signed_in("analyst")
    secret = token((await client.get("/search?q=暖气")).text)
    answer = await client.post("/search.csv", data={"q": "暖气", "token": secret})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 1 + 5
    assert rows[0][:2] == ["工单编号", "来件时间"]
    assert {row[0] for row in rows[1:]} == {one.ticket_no for one in (evil, *TICKETS[1:])}
    assert all(cell[:1] not in ("=", "+", "-", "@") for row in rows for cell in row)
    assert "attachment" in answer.headers["content-disposition"]
    assert door.trail.acts[-1].action == "exported"
    assert door.archive.asked[-1].filters.jurisdiction == (CITY,)


async def test_an_export_follows_the_cursor_to_ten_thousand_rows_and_no_further(tmp_path: Path) -> None:
    door = Door(tmp_path)
    hits = (hit(TICKETS[0]),) * 1000
    door.archive.answer = Answer(total=50_000, rungs=(Rung(name="words", total=50_000, hits=hits, next="on"),))
    client = door.signed_in("analyst")
    secret = token((await client.get("/search?q=a")).text)
    answer = await client.post("/search.csv", data={"q": "a", "token": secret})
    assert answer.content.count(b"\r\n") == 10_001
    assert len(door.archive.asked) == 1 + 10


async def test_the_ninth_search_at_once_is_told_to_wait(tmp_path: Path) -> None:
    door = Door(tmp_path, *TICKETS)
    door.archive.waits = asyncio.Event()
    clients = [door.signed_in("analyst") for _ in range(9)]
    asking = [asyncio.create_task(client.get("/search?q=a")) for client in clients[:8]]
    await door.archive.crowded.wait()
    late = await clients[8].get("/search?q=a")
    door.archive.waits.set()
    assert (late.status_code, "请稍候" in late.text) == (503, True)
    assert [(await one).status_code for one in asking] == [200] * 8


async def test_an_archive_that_is_away_or_slow_is_said_to_be(tmp_path: Path) -> None:
    door = Door(tmp_path, *TICKETS, search_seconds=0.01)
    client = door.signed_in("analyst")
    door.archive.waits = asyncio.Event()
    assert (await client.get("/search?q=a")).status_code == 503
    door.archive.away = True
    assert (await client.get("/search?q=a")).status_code == 503
    assert (await client.get(f"/ticket/{TICKETS[0].ticket_no}")).status_code == 503


async def test_markup_in_a_question_and_in_a_ticket_stays_text(tmp_path: Path) -> None:
    evil = ticket(1, title="<script>alert(1)</script>", text='"><img src=x onerror=alert(1)>暖气')
    client = Door(tmp_path, evil).signed_in("analyst")
    for path in ('/search?q=<script>alert("q")</script>', f"/ticket/{evil.ticket_no}?mark=<b>"):
        page = Page(await client.get(path))
        assert [one.get("src")[:8] for one in page.all(".//h:script")] == ["/static/"] * 2
        assert page.all(".//h:img") == []


async def test_a_ticket_shows_its_stages_its_limits_and_why_messages_are_filed_there(tmp_path: Path) -> None:
    friday = NOW.astimezone(SHANGHAI).replace(hour=23, minute=59) + timedelta(days=5)  # Wednesday to Monday
    due = Deadline(clock="resolve", due_at=friday, policy_id="p", calendar_version="2026.2", provisional=True)
    over = replace(due, clock="accept", due_at=NOW - timedelta(hours=1), provisional=False)
    shown = ticket(
        1,
        deadlines=(over, due),
        due=Due(accept_at=over.due_at, resolve_at=due.due_at),
        location=Location(adcode="210102"),
        proposals=(Proposal(proposal_id="1", relation="same_matter_other_person", target="210100-x", score=0.71),),
    )
    door = Door(tmp_path, shown)
    client = door.signed_in("clerk")
    page = Page(await client.get(f"/ticket/{shown.ticket_no}?mark=暖氣&mark=13800138000"))
    assert page.texts(".//h:mark") == ["暖气", "暖气"]
    for text in ("受理登记", "已超期", "剩 3 个工作日", "暂定", "补充来件", "0.82", "异人同事", "0.71", "已脱敏"):
        assert text in page.text
    for text in ("未找到相关工单", "文字相同的比例 0.82", "和平区 210102"):
        assert text in page.text
    assert [(act.action, act.subject) for act in door.trail.acts] == [("opened", shown.ticket_id)]
    english = await client.get(f"/ticket/{shown.ticket_id}?lang=en")
    assert "3 working days left" in english.text
    assert "Sign out" in (await client.get("/search")).text  # the language is kept


def methods() -> Iterator[str]:
    """Yield each method that a decider writes as it stands; those made of parts are named here."""
    for name in ("token", "references"):
        yield from (f"{name}_{who}" for who in ("same_person", "participant", "stranger"))
    yield from (*METHODS, NO_RELATION, FIRST_PART, LATE_FILE, SAME_CALL_ID, RECORD_OF_CALL, AFTER_REDACTION)
    yield redelivery.METHOD
    for file in Path(deciders.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Verdict", "_verdict", "replace"):
                given = [one.value for one in node.keywords if one.arg == "method"]
                first = node.args[:1] if getattr(node.func, "id", "") == "_verdict" else []
                parts = (part for one in (*given, *first) for part in ast.walk(one))
                texts = (str(part.value) for part in parts if isinstance(part, ast.Constant))
                yield from (text for text in texts if "_" in text)


def test_each_method_and_each_sign_of_a_decision_has_a_name() -> None:
    known = words("zh")
    suffixes = {"_same_person", "_stranger"}
    assert set(methods()) - suffixes <= known["methods"].keys()
    assert {*SIGNS, SAME_MAIL, SAME_NAME, TOPIC_CHANGED} == known["evidence"].keys()


@given(st.text(min_size=1), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10))))
def test_the_pieces_of_a_text_are_the_text(text: str, marks: list[tuple[int, int]]) -> None:
    spans, end = [], 0
    for gap, length in marks:
        start, end = end + gap, min(len(text), end + gap + length)
        if start < end:
            spans.append((start, end))
    assert "".join(piece for piece, _ in pieces(text, spans)) == text


def keys(table: dict[str, object], above: str = "") -> set[str]:
    found = set[str]()
    for name, value in table.items():
        found |= keys(value, f"{above}{name}.") if isinstance(value, dict) else {above + name}
    return found


def test_both_languages_have_the_same_words() -> None:
    chinese, english = (keys(dict(words(language))) for language in LANGUAGES)
    assert chinese == english


@each_row("template", sorted(path.name for path in (FOLDER / "templates").glob("*.html")))
def test_no_template_holds_script_style_or_a_text_of_its_own(template: str) -> None:
    text = (FOLDER / "templates" / template).read_text("utf-8")
    for forbidden in ("<script>", "<style", " style=", " onclick=", "javascript:", "|safe", "| safe"):
        assert forbidden not in text
    assert all(ord(character) < 0x2E80 or character in "、" for character in text)
