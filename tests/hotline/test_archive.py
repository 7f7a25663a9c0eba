"""Searches on the real Elasticsearch: names, numbers, roads, traditional characters; masked by default."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from elastic_transport import ApiError, ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace

from connectors.web.archive import Wanted
from hotline.dev.stack.stack import Endpoints
from hotline.search.archive import Archive
from normalizers.text.fold import fold
from schemas import ids, topics
from schemas.codec import Position, encode
from schemas.contract.index_templates import plain_mapping
from schemas.errors import MisconfiguredError, UnreachableError
from schemas.records import Link, Message, RawRef, Record, Ticket
from schemas.records.ticket import Category, Deadline, Location, Requester, Revisit
from sinks import Document, routes
from sinks.elastic.rest_client import RestClient
from sinks.elastic.sink import ElasticSink
from tickets.search import FACETS, Filters, Query

pytestmark = pytest.mark.integration

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
TEXTS = {
    "zhang": "张伟反映：沈阳市和平区中山路12号的路灯不亮，多次拨打无人处理。",
    "long_road": "中山路128号门前道路积水，行人无法通过",
    "long_name": "张大伟来电，小区电梯故障",
    "traditional": "瀋陽鐵西區廣場噪音擾民，請儘快處理",
    "latin": "ＷｉＦｉ信号差，K12路公交站旁，联系 Mayor@Example.ORG",
    "masked_only": "市民[姓名]反映噪音",
}


class World(NamedTuple):
    archive: Archive
    sink: ElasticSink


def ticket(name: str, number: int, *, masked: bool, **more: object) -> Ticket:
    text = TEXTS[name]
    identifier = ids.ticket_id("210100", ids.message_id("/hotline/web/test", name))
    made = Ticket(
        ticket_id=identifier,
        ticket_no=ids.ticket_no("210100", AT, number),
        version=1,
        jurisdiction="210100",
        status="registered",
        status_at=AT,
        channel="sms" if number % 2 else "web",
        channel_kind="app",
        channel_account="test",
        title=text[:10],
        text=text,
        search_text=fold(text),
        received_at=AT + timedelta(hours=number),
        ingested_at=AT,
        updated_at=AT,
        first_message_id=ids.message_id("/hotline/web/test", name),
        message_count=1,
        cluster_id=identifier,
        masked=masked,
    )
    return replace(made, **more)


def out(topic: str, key: str, record: Record, version: int, recorded: str = "2026-11-24T01:00:00+00:00") -> Document:
    headers = [("ce_sequence", b"%010d" % version), ("ce_recordedtime", recorded.encode())]
    return Document(Position(topic, 0, 0), key.encode(), encode(record), headers)


@pytest.fixture
async def world(stack: Endpoints) -> AsyncIterator[World]:
    prefix = f"a{uuid.uuid4().hex[:10]}"
    client = AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60)
    made = World(Archive(client, prefix), ElasticSink(client, routes(prefix).values()))
    await made.sink.open()
    yield made
    names = [entry["index"] for entry in await client.cat.indices(index=f"{prefix}-*", format="json")]
    await client.indices.delete(index=names)
    for route in routes(prefix).values():
        await client.indices.delete_index_template(name=route.index.alias)
    await made.sink.close()


@pytest.fixture
async def filled(world: World) -> World:
    clear = [ticket(name, n, masked=False) for n, name in enumerate(TEXTS) if name != "masked_only"]
    masked = ticket("masked_only", 5, masked=True)
    documents = [out(topics.TICKET, t.ticket_id, t, 1) for t in clear]
    verdicts = await world.sink.write([*documents, out(topics.TICKET_MASKED, masked.ticket_id, masked, 1)])
    assert len(verdicts.stored) == len(TEXTS)
    await world.archive.refresh()
    return world


async def test_tickets_whose_citizens_were_asked_are_found_by_that(world: World) -> None:
    revisit = Revisit(at=AT, contacted=True, resolved=False)
    some = [ticket("zhang", 1, masked=True, revisits=(revisit,)), ticket("long_road", 2, masked=True)]
    await world.sink.write([out(topics.TICKET_MASKED, one.ticket_id, one, 1) for one in some])
    await world.archive.refresh()
    found = [one async for one in world.archive.tickets(filters=Filters(revisited=True))]
    assert [(one.ticket_id, one.revisits) for one in found] == [(some[0].ticket_id, (revisit,))]


async def test_open_tickets_are_found_by_what_is_due_and_what_is_provisional(world: World) -> None:
    late = Deadline(clock="resolve", due_at=AT, policy_id="p", calendar_version="1")
    later = replace(late, due_at=AT + timedelta(days=60), provisional=True)
    some = [
        ticket("zhang", 1, masked=True, deadlines=(late,)),
        ticket("long_road", 2, masked=True, deadlines=(later,)),
        ticket("long_name", 3, masked=True, deadlines=(late, later), status="resolved"),
        ticket("latin", 4, masked=True, deadlines=(late, later), erased=True),
        ticket("traditional", 5, masked=True),
    ]
    await world.sink.write([out(topics.TICKET_MASKED, one.ticket_id, one, 1) for one in some])
    await world.archive.refresh()
    for narrowed, names in (
        (Filters(is_open=True), ("zhang", "long_road", "traditional")),
        (Filters(is_open=True, due_before=AT + timedelta(hours=1)), ("zhang",)),
        (Filters(due_before=AT), ()),
        (Filters(is_open=True, provisional=True), ("long_road",)),
    ):
        assert {one.ticket_id async for one in world.archive.tickets(filters=narrowed)} == named(*names)


async def test_analysts_narrow_by_kind_category_place_incident_and_person(world: World) -> None:
    lamp = Category(code="construction.public_works", scheme="s", version="1", path=("城乡建设", "市政设施与市容"))
    near = Location(text="和平区中山路12号", adcode="210102")
    of_zhang = {"request_kind": "complaint", "category": lamp, "location": near, "requester": Requester(id="k1:zhang")}
    zhang = ticket("zhang", 1, masked=False, **of_zhang)
    other = ticket("long_road", 2, masked=False, category=replace(lamp, code="constructions"), cluster_id="210100-c")
    await world.sink.write([out(topics.TICKET, one.ticket_id, one, 1) for one in (zhang, other)])
    await world.archive.refresh()
    found = {
        narrowed: {
            hit.ticket_id for hit in (await world.archive.search(Query(text="", sight="clear", filters=narrowed))).hits
        }
        for narrowed in (
            Filters(request_kind=("complaint",)),
            Filters(category=("construction",)),
            Filters(category=("construction.public_works",)),
            Filters(adcode=("2101",)),
            Filters(requesters=("k2:zhang", "k1:zhang")),
        )
    }
    assert set(map(frozenset, found.values())) == {frozenset(named("zhang"))}
    by_name = (await world.archive.search(Query(text="", sight="clear", filters=Filters(category=("城乡建设",))))).hits
    assert {hit.ticket_id for hit in by_name} == named("zhang", "long_road")
    (one,) = (await world.archive.search(Query(text="", sight="clear", filters=Filters(cluster_id=("210100-c",))))).hits
    assert {one.ticket_id} == named("long_road")
    assert await world.archive.count(masked=False, filters=Filters(adcode=("210103",))) == 0


def named(*names: str) -> set[str]:
    return {ids.ticket_id("210100", ids.message_id("/hotline/web/test", name)) for name in names}


QUERIES: dict[str, set[str]] = {
    "张伟": {"zhang"},
    "张大伟": {"long_name"},
    "中山路12号": {"zhang"},
    "中山路128号": {"long_road"},
    "中山路": {"zhang", "long_road"},
    "中山路１２号": {"zhang"},
    "路灯 中山路": {"zhang"},
    "路灯 积水": set(),
    "中山路 -积水": {"zhang"},
    "沈阳铁西区": {"traditional"},
    "瀋陽鐵西區": {"traditional"},
    "沈阳": {"zhang", "traditional"},
    "瀋陽": {"zhang", "traditional"},
    "wifi": {"latin"},
    "k12路": {"latin"},
    "12路": set(),
    "mayor@example.org": {"latin"},
    "号12": set(),
    "！？": set(),
    "*": set(),
    '张伟" OR "电梯': set(),
    "路灯不亮，": {"zhang"},
}


async def test_a_query_finds_exactly_what_is_written(filled: World) -> None:
    found = {
        query: {hit.ticket_id for hit in (await filled.archive.search(Query(text=query, sight="clear"))).hits}
        for query in QUERIES
    }
    assert found == {query: named(*names) for query, names in QUERIES.items()}
    counts = {query: await filled.archive.count(query, masked=False) for query in QUERIES}
    assert counts == {query: len(names) for query, names in QUERIES.items()}


async def test_every_ticket_once_over_several_pages(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.search.archive._PAGE", 2)
    found = [one.ticket_id async for one in filled.archive.tickets(masked=False)]
    assert found == sorted(named(*TEXTS) - named("masked_only"))
    assert {one.ticket_id async for one in filled.archive.tickets()} == named("masked_only")
    chosen = filled.archive.tickets("中山路", masked=False, filters=Filters(channel=("sms",)))
    assert {one.ticket_id async for one in chosen} == named("long_road")


async def test_search_sees_the_masked_index_unless_told(filled: World) -> None:
    assert (await filled.archive.search(Query(text="张伟"))).hits == ()
    assert {hit.ticket_id for hit in (await filled.archive.search(Query(text="噪音"))).hits} == named("masked_only")
    assert await filled.archive.count() == 1
    assert await filled.archive.ticket(*named("zhang")) is None


async def test_a_hit_shows_where_the_words_are(filled: World) -> None:
    (hit,) = (await filled.archive.search(Query(text="中山路12号 路灯", sight="clear"))).hits
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["中山路12号", "路灯"]
    assert (hit.status, hit.channel, hit.received_at) == ("registered", "web", AT)


async def test_the_newest_come_first_and_filters_narrow(filled: World) -> None:
    hits = (await filled.archive.search(Query(text="", sight="clear", limit=2))).hits
    assert [hit.received_at for hit in hits] == [AT + timedelta(hours=n) for n in (4, 3)]
    assert await filled.archive.count(masked=False, filters=Filters(channel=("sms",))) == 2
    assert await filled.archive.count(masked=False, filters=Filters(status=("closed",))) == 0
    assert await filled.archive.count(masked=False, filters=Filters(jurisdiction=("440100",))) == 0
    span = Filters(received_from=AT + timedelta(hours=1), received_to=AT + timedelta(hours=3))
    assert await filled.archive.count(masked=False, filters=span) == 2


async def test_a_ticket_is_found_by_id_and_by_number(filled: World) -> None:
    expected = ticket("zhang", 0, masked=False)
    assert await filled.archive.ticket(expected.ticket_id, sight="clear") == expected
    assert await filled.archive.ticket(expected.ticket_no, sight="clear") == expected
    assert [
        hit.ticket_id for hit in (await filled.archive.search(Query(text=expected.ticket_no, sight="clear"))).hits
    ] == [expected.ticket_id]
    assert await filled.archive.ticket("210100-unknown", sight="clear") is None


async def test_messages_and_links_lead_from_a_ticket_to_its_bytes(world: World) -> None:
    message = Message(
        message_id="m" * 26, source="/hotline/web/test", id="1", channel="web", channel_kind="app", account="test",
        jurisdiction="210100", received_at=AT, ingested_at=AT, raw=RawRef(sha256="0" * 64), normalizer_version=1,
    )  # fmt: skip
    links = [
        Link(message_id=name * 26, jurisdiction="210100", ticket_id="t", relation="new", decided_at=AT + timedelta(n),
             policy_version="1")
        for n, name in enumerate("zm")
    ]  # fmt: skip
    again = replace(message, normalizer_version=2)
    documents = [
        out(topics.MESSAGE, message.message_id, again, 2, "2026-11-30T23:59:59+00:00"),
        out(topics.MESSAGE, message.message_id, message, 1, "2026-12-01T00:00:01+00:00"),
        *[out(topics.LINK, link.message_id, link, 1) for link in links],
    ]
    assert len((await world.sink.write(documents)).stored) == 4
    await world.archive.refresh()
    assert await world.archive.links("t") == links
    assert await world.archive.links("other") == []
    assert await world.archive.message("m" * 26) == again, "the newer version wins across two months"
    assert await world.archive.message("x" * 26) is None


async def test_the_web_door_gets_masked_tickets_by_service_status_and_time_and_none_that_is_confidential(
    world: World,
) -> None:
    lamp = Category(code="construction.public_works", scheme="s", version="1")
    made = {
        "zhang": ticket("zhang", 1, masked=True, category=lamp),
        "long_road": ticket("long_road", 2, masked=True, category=lamp, status="resolved"),
        "long_name": ticket("long_name", 3, masked=True),
        "latin": ticket("latin", 4, masked=True, category=lamp, confidentiality="confidential"),
        "traditional": ticket("traditional", 5, masked=True, category=lamp, jurisdiction="110000"),
    }
    clear = ticket("masked_only", 6, masked=False, category=lamp)
    documents = [out(topics.TICKET_MASKED, one.ticket_id, one, 1) for one in made.values()]
    documents.append(out(topics.TICKET, clear.ticket_id, clear, 1))
    assert len((await world.sink.write(documents)).stored) == 6
    await world.archive.refresh()

    async def found(**changes: Any) -> list[str]:
        fields = {"jurisdiction": "210100", "start": AT, "end": AT + timedelta(days=1)} | changes
        tickets = await world.archive.requests(Wanted(**fields))
        return [next(name for name, one in made.items() if one.ticket_id == each.ticket_id) for each in tickets]

    assert await found() == ["long_name", "long_road", "zhang"], "the newest first"
    assert await found(codes=["construction.public_works"]) == ["long_road", "zhang"]
    assert await found(closed=True) == ["long_road"]
    assert await found(closed=False) == ["long_name", "zhang"]
    assert await found(start=AT + timedelta(hours=3)) == ["long_name"]
    assert await found(end=AT + timedelta(hours=1)) == ["zhang"]
    assert await found(limit=1) == ["long_name"]


async def test_a_message_s_ticket_is_found_by_the_beginning_of_its_id(world: World) -> None:
    made = ticket("zhang", 1, masked=True)
    filed = {"jurisdiction": "210100", "relation": "new", "decided_at": AT, "policy_version": "1"}
    links = [
        Link(message_id="n" * 26, ticket_id=made.ticket_id, **filed),
        Link(message_id="o" * 26, ticket_id=None, **filed),
    ]
    documents = [out(topics.LINK, link.message_id, link, 1) for link in links]
    await world.sink.write([*documents, out(topics.TICKET_MASKED, made.ticket_id, made, 1)])
    await world.archive.refresh()
    assert await world.archive.filed("n" * 26) == await world.archive.filed("n" * 20) == made
    assert await world.archive.filed("o" * 26) is None, "it makes no ticket"
    assert await world.archive.filed("p" * 26) is None


async def test_what_lies_in_a_lost_shard_is_not_said_not_to_be_there(filled: World) -> None:
    """An export had come short, a search found less, fewer tickets were overdue: and nobody was told."""
    archive, client = filled.archive, filled.archive._client
    for kind in ("ticket", "ticket_masked", "link"):
        alias = archive._alias[kind]
        await client.indices.create(
            index=f"{alias}-v9",
            aliases={alias: {}},
            settings={"index.routing.allocation.require._name": "nowhere"},
            wait_for_active_shards="0",
        )
    wanted = Wanted(jurisdiction="210100", start=AT, end=AT + timedelta(days=1), limit=9)
    for asked in (
        lambda: archive.search(Query(text="路灯", sight="clear")),
        lambda: archive.count(masked=False),
        lambda: anext(aiter(archive.tickets(masked=False))),
        lambda: archive.overdue(AT),
        lambda: archive.requests(wanted),
        lambda: archive.links("210100-x"),
        lambda: archive.ticket("210100-x"),
    ):
        with pytest.raises(UnreachableError):
            await asked()


async def test_a_command_asks_by_itself_and_gets_the_same(filled: World, stack: Endpoints) -> None:
    with RestClient([stack.elasticsearch_url]) as client:
        archive = Archive(client, filled.archive._prefix)
        for asked in (Query(text="中山路", sight="clear"), Query(text="张伟 -电梯", sight="clear"), Query(text="噪音")):
            found = await archive.search(asked)
            assert found == await filled.archive.search(asked)
            assert found.total
        identifier = ticket("zhang", 0, masked=False).ticket_id
        assert await archive.ticket(identifier, sight="clear") == await filled.archive.ticket(identifier, sight="clear")
        assert await archive.overdue(AT) == await filled.archive.overdue(AT)
        with pytest.raises(MisconfiguredError, match="hotline index create"):
            await Archive(client, "nowhere").search(Query(text="x"))


async def test_no_index_names_the_next_action(stack: Endpoints) -> None:
    async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
        with pytest.raises(MisconfiguredError, match="hotline index create"):
            await Archive(client, "nowhere").search(Query(text="x"))


async def test_no_server_names_the_next_action() -> None:
    async with AsyncElasticsearch("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(UnreachableError, match="hotline up"):
            await Archive(client).count()


async def test_one_answer_has_hits_facets_time_line_and_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.search.page.QUICK", "60s")
    lamp = Category(code="construction.public_works", scheme="s", version="1", path=("城乡建设", "市政设施与市容"))
    place = Location(adcode="210102")
    names = [name for name in TEXTS if name != "masked_only"]
    made = [
        ticket(name, number, masked=True, cluster_id="210100-c", category=lamp, location=place if number else None)
        for number, name in enumerate(names)
    ]
    secret = ticket("masked_only", 9, masked=True, confidentiality="restricted", erased=True)
    await world.sink.write([out(topics.TICKET_MASKED, one.ticket_id, one, 1) for one in [*made, secret]])
    await world.archive.refresh()
    asked = Query(limit=2, facets=FACETS, timeline=True, filters=Filters(received_from=AT))
    first = await world.archive.search(asked)
    assert (first.total, first.late, first.incidents) == (len(made), False, 1), "a restricted ticket is not counted"
    by_name = {facet.name: facet for facet in first.facets}
    assert [(one.value, one.chinese, one.count) for one in by_name["channel"].values] == [
        ("web", "网站", 3),
        ("sms", "短信", 2),
    ]
    assert [one.value for one in by_name["category"].values] == ["城乡建设", "市政设施与市容"]
    assert [(one.chinese, by_name["adcode"].missing) for one in by_name["adcode"].values] == [("和平区", 1)]
    assert [(one.value, one.count) for one in by_name["cluster_id"].values] == [("210100-c", 5)]
    assert first.timeline is not None
    assert [(bar.start.isoformat(), bar.count) for bar in first.timeline.bars] == [("2026-11-24T00:00:00+08:00", 5)]

    seen, after = list(first.hits), first.rungs[0].next
    while after is not None:
        page = await world.archive.search(replace(asked, rung="words", after=after))
        seen += page.hits
        after = page.rungs[0].next
    assert [hit.ticket_id for hit in seen] == [one.ticket_id for one in reversed(made)]
    (folded,) = (await world.archive.search(Query(fold_incidents=True))).hits
    assert (folded.ticket_id, folded.more, folded.category) == (made[-1].ticket_id, 4, "城乡建设/市政设施与市容")
    none = await world.archive.search(replace(asked, filters=Filters(channel=("phone",))))
    assert (none.total, none.hits, none.incidents) == (0, (), 0)


async def test_the_rungs_of_a_search_begin_where_the_answer_says(world: World) -> None:
    texts = {"zhang": "傅家庄暖气不热", "latin": "住房公积金提取要什么材料", "long_name": "付家庄供暖温度低"}
    made = {
        name: ticket(name, n, masked=True, text=text, search_text=fold(text))
        for n, (name, text) in enumerate(texts.items())
    }
    clear = ticket("long_road", 9, masked=False, text="付家庄电梯", search_text="付家庄电梯")
    documents = [out(topics.TICKET_MASKED, one.ticket_id, one, 1) for one in made.values()]
    await world.sink.write([*documents, out(topics.TICKET, clear.ticket_id, clear, 1)])
    await world.archive.refresh()

    async def found(text: str, **more: Any) -> dict[str, list[str]]:
        answer = await world.archive.search(Query(text=text, **more))
        names = {one.ticket_id: name for name, one in made.items()}
        assert all(rung.total == len(rung.hits) for rung in answer.rungs)
        return {rung.name: [names[hit.ticket_id] for hit in rung.hits] for rung in answer.rungs}

    assert await found("付家庄") == {"words": ["long_name"], "sounds": ["zhang"]}
    assert await found("付家庄 暖气") == {"words": ["long_name"], "sounds": ["zhang"]}
    assert await found("付家庄 暖气", as_written=("暖气",)) == {"words": [], "sounds": ["zhang"]}
    assert await found("gongjijin") == {"words": [], "sounds": ["latin"]}
    assert await found("公积金怎么提取") == {"words": [], "most": ["latin"]}
    assert await found("dianti") == {"words": []}, "the masked index has the sounds of masked texts alone"
    (rung,) = (await world.archive.search(Query(text="傅家庄", rung="sounds"))).rungs
    assert [hit.snippet[start:end] for hit in rung.hits for start, end in hit.marks] == ["付家庄"]
    index = world.archive._alias["ticket_masked"]
    stored = await world.archive._client.search(index=index, query={"match": {"search_sound": "zhuang"}})
    assert stored["hits"]["total"]["value"] == 2
    assert all("search_sound" not in hit["_source"] for hit in stored["hits"]["hits"])


async def test_an_index_of_an_older_version_goes_on_until_it_is_rebuilt(world: World) -> None:
    alias = world.archive._alias["ticket_masked"]
    client = world.archive._client
    await client.indices.delete(index=f"{alias}-v1")
    await client.indices.delete_index_template(name=alias)
    await client.indices.create(
        index=f"{alias}-v0",
        mappings=plain_mapping("ticket"),
        aliases={alias: {"is_write_index": True}},
    )
    await world.sink.open()
    one = ticket("zhang", 1, masked=True)
    assert len((await world.sink.write([out(topics.TICKET_MASKED, one.ticket_id, one, 1)])).stored) == 1
    await world.archive.refresh()
    assert (await world.archive.search(Query(text="路灯"))).total == 1
    assert (await world.archive.search(Query(text="zhongshanlu"))).hits == ()
    assert await world.archive.ticket(one.ticket_id) == one


async def test_facets_that_are_late_are_left_out_and_the_hits_are_not(filled: World, monkeypatch: Any) -> None:
    asked: list[str] = []
    search = filled.archive._client.search

    async def slow(**body: Any) -> Any:
        asked.append(body["timeout"])
        if "aggs" in body:
            raise ApiError("timeout", ApiResponseMeta(429, "1.1", HttpHeaders(), 0.3, NodeConfig("http", "a", 1)), {})
        return await search(**body)

    monkeypatch.setattr(filled.archive._client, "search", slow)
    answer = await filled.archive.search(Query(text="噪音", facets=FACETS))
    assert (answer.late, answer.facets, answer.total) == (True, (), 1)
    assert asked[:2] == ["300ms", "2s"]
