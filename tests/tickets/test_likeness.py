"""The bound that spares a comparison never hides one that a threshold of the policy would take."""

import random

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from schemas.records import Features
from tickets.dedupe.similarity import Question, Rarity, Weights
from tickets.dedupe.sketch import Sketch
from tickets.policy import NearPolicy, near_policy

OURS = near_policy()
PRIZES_ALL = replace(OURS, weights={name: abs(weight) for name, weight in OURS.weights.items()})
PRIZES_PLACES = replace(OURS, weights={**OURS.weights, "other_place": 2.0, "other_area": 1.0, "no_name": 0.5})
ANYTHING = replace(OURS, propose=0.0)
NOTHING_LESS = replace(OURS, propose=1.0, link=1.0)

POLICIES = pytest.mark.parametrize(
    "policy",
    [OURS, PRIZES_ALL, PRIZES_PLACES, ANYTHING, NOTHING_LESS],
    ids=["ours", "all", "places", "anything", "nothing"],
)


def said(rng: random.Random) -> Sketch:
    def some(most: int) -> tuple[str, ...]:
        return tuple(f"{word:08x}" for word in rng.sample(range(24), rng.randint(0, most)))

    return Sketch.of(
        Features(
            names=some(12),
            places=some(3),
            objects=some(3),
            areas=tuple(f"district-{word}" for word in some(2)),
            doors=tuple(f"{road}-{number}" for road, number in zip(some(2), some(2), strict=False)),
            text_names=some(12),
            text_objects=some(4),
            untitled=True if rng.random() < 0.5 else UNSET,
            aspects=some(2),
            whereabouts=some(3) if rng.random() < 0.8 else UNSET,
            grams=tuple(sorted(rng.sample(range(40), rng.randint(0, 30)))),
        )
    )


def quoting(rng: random.Random) -> Sketch:
    return replace(said(rng), papers=frozenset(rng.sample(range(6), rng.randint(0, 2))))


def heard(rng: random.Random, incidents: int) -> Rarity:
    rarity = Rarity()
    for _ in range(incidents):
        rarity.count(rng.sample(range(24), 3))
    return rarity


@POLICIES
def test_who_is_hopeless_scores_less_than_any_threshold(policy: NearPolicy) -> None:
    rng, rarity, weights = random.Random(20261125), Rarity(), Weights(policy)
    for _ in range(1_000):
        question, other = Question(quoting(rng), rarity, policy, weights), quoting(rng)
        if question.judge(other) is None:
            assert question.compare(other)[0] < min(policy.propose, policy.link)


def test_most_of_those_that_are_about_something_else_are_hopeless() -> None:
    rng, weights = random.Random(20261125), Weights(OURS)
    rarity = heard(rng, 50)
    pairs = [(Question(said(rng), rarity, OURS, weights), said(rng)) for _ in range(300)]
    low = [(question, other) for question, other in pairs if question.compare(other)[0] < OURS.propose]
    hopeless = sum(question.judge(other) is None for question, other in low)
    assert hopeless > len(low) / 4


def test_what_a_name_is_worth_is_the_same_when_the_counts_come_from_a_checkpoint() -> None:
    rarity = heard(random.Random(1), 300)
    again = Rarity(rarity.counts[:], rarity.counted)
    assert again.worth(range(24)) == rarity.worth(range(24))
