"""How well and how fast a search finds: recall, nDCG and precision over judged questions, and times of four people.

python -m benchmarks.search --elasticsearch http://127.0.0.1:9200 [--tickets 200000 --seconds 30]
"""

import argparse
import asyncio
import math
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from typing import NamedTuple

from elasticsearch import AsyncElasticsearch

from benchmarks.search.corpus import Made, tickets
from benchmarks.search.questions import Question, questions
from hotline.search.archive import Archive
from schemas import topics
from schemas.codec import Position, encode
from sinks import Document, routes
from sinks.elastic.sink import ElasticSink
from tickets.search import FACETS, Answer, Query

JUDGED = 6_000
PEOPLE = 4
_BULK = 1_000


class Score(NamedTuple):
    """Figures of one question; `precision` is that of the first rung, None if it found nothing.

    `written` is the recall of the first rung without synonyms, `first` with them.
    """

    recall: float
    written: float
    first: float
    ndcg: float
    precision: float | None


@asynccontextmanager
async def archive_of(url: str, made: Iterable[Made]) -> AsyncIterator[Archive]:
    """Fill indices of our own with the tickets, and take them away at the end."""
    prefix = f"bench{uuid.uuid4().hex[:8]}"
    client = AsyncElasticsearch(url, request_timeout=120)
    sink = ElasticSink(client, routes(prefix).values())
    await sink.open()
    try:
        rest = iter(made)
        while some := [_document(one) for one in islice(rest, _BULK)]:
            assert len((await sink.write(some)).stored) == len(some)
        archive = Archive(client, prefix)
        await archive.refresh()
        yield archive
    finally:
        names = list(await client.indices.get(index=f"{prefix}-*"))
        await client.indices.delete(index=names)
        for route in routes(prefix).values():
            await client.indices.delete_index_template(name=route.index.alias)
        await sink.close()


def _document(made: Made) -> Document:
    headers = [("ce_sequence", b"1"), ("ce_recordedtime", b"2026-11-30T00:00:00+00:00")]
    ticket = made.ticket
    return Document(Position(topics.TICKET_MASKED, 0, 0), ticket.ticket_id.encode(), encode(ticket), headers)


def score(question: Question, answer: Answer, plain: Answer, made: Mapping[str, Made]) -> Score:
    """Return the figures of an answer; relevant is what the question's judge says."""
    relevant = {name for name, one in made.items() if question.answers(one)}
    assert relevant, question
    found = [hit.ticket_id for hit in answer.hits]
    first = [hit.ticket_id for hit in answer.rungs[0].hits]
    most = min(20, len(relevant))
    gains = [(name in relevant) / math.log2(place + 2) for place, name in enumerate(found[:10])]
    best = sum(1 / math.log2(place + 2) for place in range(min(10, len(relevant))))
    return Score(
        recall=len(relevant & set(found[:20])) / most,
        written=len(relevant & {hit.ticket_id for hit in plain.rungs[0].hits}) / most,
        first=len(relevant & set(first)) / most,
        ndcg=sum(gains) / best,
        precision=len(relevant & set(first)) / len(first) if first else None,
    )


async def judge(url: str, verbose: bool) -> None:
    """Print the figures of every group of questions."""
    made = {one.ticket.ticket_id: one for one in tickets(JUDGED)}
    by_group: defaultdict[str, list[Score]] = defaultdict(list)
    async with archive_of(url, made.values()) as archive:
        for question in questions():
            answer = await archive.search(Query(text=question.text))
            written = tuple(synonyms.word for synonyms in answer.synonyms)
            plain = await archive.search(Query(text=question.text, as_written=written))
            one = score(question, answer, plain, made)
            by_group[question.group].append(one)
            if verbose and (one.recall < 1 or one.ndcg < 1):
                told = [(rung.name, rung.total) for rung in answer.rungs]
                print(f"  {question.text}: recall {one.recall:.2f}, nDCG {one.ndcg:.2f}, {one.precision}, {told}")
    for group, scores in (*by_group.items(), ("all", [one for each in by_group.values() for one in each])):
        precise = [one.precision for one in scores if one.precision is not None]
        print(
            f"{group:20} {len(scores):4} questions: recall@20 {statistics.fmean(one.recall for one in scores):.3f} "
            f"(first rung {statistics.fmean(one.first for one in scores):.3f}, "
            f"without synonyms {statistics.fmean(one.written for one in scores):.3f}), "
            f"nDCG@10 {statistics.fmean(one.ndcg for one in scores):.3f}, "
            f"precision of the first rung {statistics.fmean(precise) if precise else math.nan:.3f}"
        )


async def race(url: str, count: int, seconds: float) -> None:
    """Print how long the searches of four people at once take, each with facets, time line and marks."""
    asked = [question.text for question in questions()]
    times: list[float] = []
    late = 0
    async with archive_of(url, tickets(count)) as archive:

        async def person(number: int) -> None:
            nonlocal late
            end, at = time.monotonic() + seconds, number * 31
            while time.monotonic() < end:
                begun = time.monotonic()
                query = Query(text=asked[at % len(asked)], facets=FACETS, timeline=True)
                late += (await archive.search(query)).late
                times.append(time.monotonic() - begun)
                at += 1

        for text in asked[:20]:
            await archive.search(Query(text=text, facets=FACETS, timeline=True))
        await asyncio.gather(*(person(number) for number in range(PEOPLE)))
    cuts = statistics.quantiles(times, n=100)
    print(
        f"{count} tickets, {PEOPLE} people, {len(times)} searches in {seconds:g} s: p50 {cuts[49] * 1000:.0f} ms, "
        f"p95 {cuts[94] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms; facets too late in {late}"
    )


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--elasticsearch", required=True)
    parser.add_argument("--tickets", type=int, default=0, help="measure times over so many instead of judging")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("-v", "--verbose", action="store_true", help="name the questions that are not answered best")
    chosen = parser.parse_args()
    if chosen.tickets:
        asyncio.run(race(chosen.elasticsearch, chosen.tickets, chosen.seconds))
    else:
        asyncio.run(judge(chosen.elasticsearch, chosen.verbose))


if __name__ == "__main__":
    main()
