"""What the archive's templates say, proved on a real Elasticsearch."""

import asyncio

import pytest

from schemas.errors import MisconfiguredError
from sinks.elastic.sink import ElasticSink
from sinks.elastic.templates import ensure_indices
from tests.fakes.sinks import document
from tests.sinks.conftest import Lane

pytestmark = pytest.mark.integration


async def test_small_pieces_of_an_index_are_not_merged_ten_at_a_time_and_all_is_found(lane: Lane) -> None:
    """What comes twice a second is a segment each time; Elasticsearch by itself would merge at the eleventh."""
    await ensure_indices(lane.es, [route.index for route in lane.routes.values()])
    alias = lane.routes["ticket"].index.alias
    for number in range(20):
        await lane.es.index(index=alias, id=str(number), document={"search_text": f"第{number}件"}, refresh=True)
    await asyncio.sleep(1.0)
    told = (await lane.es.indices.stats(index=alias))["_all"]["primaries"]
    assert (told["merges"]["total"], told["merges"]["current"]) == (0, 0)
    assert told["segments"]["count"] == 20
    found = await lane.es.count(index=alias, query={"match_phrase": {"search_text": "第"}})
    assert found["count"] == 20


@pytest.mark.parametrize("made", ["now", "by an earlier version"])
async def test_the_log_of_slow_writes_is_to_hold_no_word_of_a_document(lane: Lane, made: str) -> None:
    wanted = [lane.routes["ticket"].index]
    alias = wanted[0].alias
    await ensure_indices(lane.es, wanted)
    if made == "by an earlier version":
        await lane.es.indices.put_settings(index=alias, settings={"indexing.slowlog.source": None})
        await ensure_indices(lane.es, wanted)
    (told,) = (await lane.es.indices.get_settings(index=alias, flat_settings=True)).values()
    assert told["settings"]["index.indexing.slowlog.source"] == "false"


async def test_a_template_of_somebody_else_is_told_of_and_buries_no_document(lane: Lane) -> None:
    """Elasticsearch calls it a bad request, as it does a bad document."""
    way = lane.routes["message"]
    theirs = f"{lane.prefix}-theirs"
    await lane.es.indices.put_index_template(name=theirs, index_patterns=[way.index.pattern], priority=200)
    sink = ElasticSink(lane.es, [way])
    try:
        with pytest.raises(MisconfiguredError, match=f"index template {way.index.alias}.*priority"):
            await sink.open()
        with pytest.raises(MisconfiguredError):
            await sink.write([document("a", b"{}", topic=way.topic)])
    finally:
        await lane.es.indices.delete_index_template(name=theirs)
    await sink.open()
    assert len((await sink.write([document("a", b"{}", topic=way.topic)])).stored) == 1
