"""docs/how-to/search.md: Elasticsearch is asked as it stands there, and counts every ticket where it belongs."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from hotline.dev.stack.stack import Endpoints
from tests.docs.pages import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("fresh_indices")]

PAGE = (ROOT / "docs" / "how-to" / "search.md").read_text(encoding="utf-8")
(QUESTION,) = (json.loads(body) for body in re.findall(r"_search .* -d '(\{.*?\})'", PAGE, re.DOTALL))
INDEX = "hotline-ticket-masked"

MIDNIGHT = datetime(2026, 11, 30, 16, tzinfo=UTC)
"""December begins in China."""
CATEGORIES = [f"matter.m{number}" for number in range(12)]
EACH = 1_000


@pytest.fixture
def archive(stack: Endpoints) -> Iterator[Elasticsearch]:
    with Elasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
        yield client


def write(client: Elasticsearch, tickets: list[dict[str, Any]]) -> None:
    lines = [line for number, one in enumerate(tickets) for line in ({"index": {"_id": str(number)}}, one)]
    assert not client.bulk(index=INDEX, operations=lines, refresh=True)["errors"]


def ticket(received: datetime, number: int = 0, category: str | None = CATEGORIES[0], **more: Any) -> dict[str, Any]:
    told = {"category": {"code": category}} if category else {"category": None}
    said = {"ticket_id": f"t{number:06d}", "cluster_id": f"t{number:06d}", "search_text": "家里暖气不热"}
    return {**said, **told, "received_at": received.isoformat(), **more}


def months(answer: Any) -> dict[str, dict[str, int]]:
    return {
        month["key_as_string"][:7]: {one["key"]: one["doc_count"] for one in month["categories"]["buckets"]}
        for month in answer["aggregations"]["months"]["buckets"]
    }


def test_no_category_and_no_month_is_left_out(archive: Elasticsearch) -> None:
    before, other = MIDNIGHT - timedelta(seconds=1), {"search_text": "家里暖和,气味大"}
    some = [*((MIDNIGHT, category) for category in CATEGORIES), (before, CATEGORIES[0]), (before, None)]
    tickets = [ticket(at, number, category) for number, (at, category) in enumerate(some)]
    write(archive, [*tickets, ticket(MIDNIGHT, 99, **other), ticket(MIDNIGHT - timedelta(days=30, seconds=1))])
    answer = archive.search(index=INDEX, body=QUESTION)
    assert months(answer) == {"2026-11": {CATEGORIES[0]: 1, "none": 1}, "2026-12": dict.fromkeys(CATEGORIES, 1)}


def test_more_than_ten_thousand_are_counted_and_read(archive: Elasticsearch) -> None:
    write(archive, [ticket(MIDNIGHT, number, category) for number, category in enumerate(CATEGORIES * EACH)])
    answer = archive.search(index=INDEX, body=QUESTION)
    assert answer["hits"]["total"] == {"value": len(CATEGORIES) * EACH, "relation": "eq"}
    assert months(answer) == {"2026-12": dict.fromkeys(CATEGORIES, EACH)}
    assert abs(answer["aggregations"]["incidents"]["value"] / len(CATEGORIES) / EACH - 1) < 0.001
    page: dict[str, Any] = {"query": QUESTION["query"], "size": 10_000, "sort": [{"ticket_id": "asc"}], "source": False}
    first = archive.search(index=INDEX, **page)["hits"]["hits"]
    rest = archive.search(index=INDEX, **page, search_after=first[-1]["sort"])["hits"]["hits"]
    assert len({one["_id"] for one in (*first, *rest)}) == len(CATEGORIES) * EACH
