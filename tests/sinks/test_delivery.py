"""A batch comes home: stored, tried again, or buried; nothing falls between."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from schemas.errors import MisconfiguredError, SchemaError, ThrottledError, TooLargeError, UnreachableError
from schemas.records import DeadLetter
from sinks import Document, Refusal, Verdicts
from sinks.retry import Delivery
from sinks.settings import SinkSettings
from tests.fakes.sinks import Answer, ScriptedSink, document, fails, stores

SETTINGS = SinkSettings(backoff_base_seconds=1, backoff_max_seconds=10, internal_max_tries=3)


class World:
    """A delivery with everything around it recorded."""

    def __init__(self, *answers: Answer) -> None:
        self.sink = ScriptedSink(*answers)
        self.slept: list[float] = []
        self.buried: list[DeadLetter] = []
        self.grave_faults = 0
        self.delivery = Delivery(self.sink, SETTINGS, self.bury, self.sleep, jitter=lambda: 1.0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        if self.grave_faults:
            self.grave_faults -= 1
            raise UnreachableError("Kafka does not answer: wait")
        self.buried += letters

    def written(self) -> list[str]:
        return ["".join(d.key.decode() for d in asked) for asked in self.sink.asked]


def documents(keys: str) -> list[Document]:
    return [document(key, offset=n) for n, key in enumerate(keys)]


def answers(**heaps: str) -> Answer:
    """Judge documents by their key: heap name to keys, `internal` is a retry with that code; the rest is stored."""

    async def answer(asked: Sequence[Document]) -> Verdicts:
        verdicts = Verdicts()
        for each in asked:
            heap = next((name for name, keys in heaps.items() if each.key.decode() in keys), "stored")
            if heap == "stored":
                verdicts.stored.append(each)
            elif heap == "rejected":
                verdicts.rejected.append(Refusal(each, "mapping_conflict", "at location"))
            else:
                verdicts.retry.append(Refusal(each, heap if heap == "internal" else "mapping_conflict", "busy"))
        return verdicts

    return answer


async def test_a_stored_batch_is_written_once() -> None:
    world = World(stores)
    await world.delivery.deliver(documents("abc"))
    assert (world.written(), world.slept, world.buried) == (["abc"], [], [])


async def test_only_what_has_to_is_tried_again_and_in_smaller_parts() -> None:
    world = World(answers(retry="bcde"), answers(retry="c"), stores)
    await world.delivery.deliver(documents("abcdef"))
    assert world.written()[:2] == ["abcdef", "bcd"]
    assert sorted("".join(world.written()[2:])) == ["c", "e"]
    assert len(world.slept) == 2


async def test_waits_grow_with_each_fault_up_to_a_limit_and_start_anew() -> None:
    world = World(*[fails(UnreachableError("gone: wait"))] * 6, stores)
    await world.delivery.deliver(documents("ab"))
    assert world.slept == [1, 2, 4, 8, 10, 10]
    assert world.written() == ["ab"] * 7, "an unreachable service says nothing of the batch's size"


async def test_waits_are_spread() -> None:
    world = World(fails(UnreachableError("gone: wait")), stores)
    delivery = Delivery(world.sink, SETTINGS, world.bury, world.sleep, jitter=lambda: 0.0)
    await delivery.deliver(documents("a"))
    assert world.slept == [0.5]


async def test_an_overloaded_service_gets_as_long_as_it_asks_and_less_at_once() -> None:
    world = World(fails(ThrottledError("busy", 7.5)), stores)
    await world.delivery.deliver(documents("abcd"))
    assert world.slept == [7.5]
    assert world.written() == ["abcd", "ab", "cd"]


async def test_a_service_that_asks_for_years_is_asked_again_in_a_minute() -> None:
    world = World(fails(ThrottledError("busy", 999_999_999.0)), fails(ThrottledError("busy", float("inf"))), stores)
    await world.delivery.deliver(documents("a"))
    assert world.slept == [60.0, 60.0]


def buried(code: str) -> float:
    return REGISTRY.get_sample_value("hotline_sinks_dead_letters_total", {"sink": ScriptedSink.name, "code": code}) or 0


async def test_a_dead_letter_is_counted_by_its_code_when_kafka_holds_it() -> None:
    before = buried("mapping_conflict")
    world = World(answers(rejected="b"), answers(rejected="b"))
    world.grave_faults = 1
    await world.delivery.deliver(documents("abc"))
    assert buried("mapping_conflict") == before + 1


async def test_a_rejected_document_is_buried_as_it_was() -> None:
    world = World(answers(rejected="b"))
    await world.delivery.deliver(documents("abc"))
    (letter,) = world.buried
    original = documents("abc")[1]
    out = letter.outbound()
    assert (out.key, out.value) == (original.key, original.value)
    assert out.headers[: len(original.headers)] == original.headers
    added = dict(out.headers[len(original.headers) :])
    assert added["hotline.error.code"] == b"mapping_conflict"
    assert added["__connect.errors.stage"] == b"sink"
    assert added["__connect.errors.exception.class.name"] == b"schemas.errors.MappingConflictError"
    assert added["__connect.errors.offset"] == b"1"


async def test_a_batch_is_not_home_before_its_dead_letters_are() -> None:
    world = World(answers(rejected="b"))
    world.grave_faults = 2
    await world.delivery.deliver(documents("abc"))
    assert [letter.key for letter in world.buried] == [b"b"]
    assert len(world.slept) == 2
    assert world.written() == ["abc"] * 3, "what is written again is a repeat, and harmless"


@pytest.mark.parametrize("error", [TooLargeError("413: less"), SchemaError("400: look")])
async def test_the_one_document_that_spoils_a_request_is_found_and_buried(error: Exception) -> None:
    async def spoiled(asked: Sequence[Document]) -> Verdicts:
        if any(each.key == b"x" for each in asked):
            raise error
        return Verdicts(stored=list(asked))

    world = World(spoiled)
    await world.delivery.deliver(documents("abcdxefg"))
    assert [letter.key for letter in world.buried] == [b"x"]
    stored = {key for asked in world.written() if "x" not in asked for key in asked}
    assert stored == set("abcdefg")
    assert world.slept == []


async def test_a_document_that_makes_the_service_fail_stops_nothing() -> None:
    world = World(answers(internal="x"))
    await world.delivery.deliver(documents("axb"))
    (letter,) = world.buried
    assert (letter.key, letter.code, letter.retryable) == (b"x", "internal", True)
    assert len([asked for asked in world.written() if "x" in asked]) == 3


async def test_an_overload_never_buries_anything() -> None:
    world = World(*[answers(retry="ab")] * 50, stores)
    await world.delivery.deliver(documents("ab"))
    assert world.buried == []


async def test_a_fault_that_needs_a_person_comes_out() -> None:
    world = World(fails(MisconfiguredError("no such thing: make it")))
    with pytest.raises(MisconfiguredError):
        await world.delivery.deliver(documents("a"))


async def test_trouble_shows_while_it_lasts() -> None:
    world = World(fails(UnreachableError("gone: wait")), stores)
    seen = []

    async def look(_: float) -> None:
        seen.append(world.delivery.trouble)

    delivery = world.delivery = Delivery(world.sink, SETTINGS, world.bury, look)
    await delivery.deliver(documents("a"))
    assert seen == ["gone: wait"]
    assert delivery.trouble is None


@given(
    st.lists(st.sampled_from(["stored", "retry", "rejected", "internal", "gone", "busy", "400"]), max_size=60),
    st.integers(1, 9),
)
def test_whatever_happens_each_document_is_stored_or_buried(fates: list[str], count: int) -> None:
    fate = iter(fates)
    home: set[bytes] = set()

    async def answer(asked: Sequence[Document]) -> Verdicts:
        whole = next(fate, "stored")
        errors = {"gone": UnreachableError("x"), "busy": ThrottledError("x"), "400": SchemaError("x")}
        if whole in errors:
            raise errors[whole]
        verdicts = Verdicts()
        for each in asked:
            heap = next(fate, "stored")
            if heap == "rejected":
                verdicts.rejected.append(Refusal(each, "mapping_conflict", "x"))
            elif heap in ("retry", "internal"):
                verdicts.retry.append(Refusal(each, "internal" if heap == "internal" else "x", "x"))
            else:
                verdicts.stored.append(each)
                home.add(each.key)
        return verdicts

    world = World(answer)
    asyncio.run(world.delivery.deliver(documents("abcdefghi"[:count])))
    assert home | {letter.key for letter in world.buried} == {bytes([97 + n]) for n in range(count)}
    assert all(set(asked) for asked in world.written())
