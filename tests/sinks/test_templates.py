"""What the archive's templates say, proved on a real Elasticsearch."""

import asyncio

import pytest

from sinks.elastic.templates import ensure_indices
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
