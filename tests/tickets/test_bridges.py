"""What tells of no building, line, place or district stands between two that do: it may join one, and never both."""

import pytest
from msgspec.structs import replace

from tests.rows import each_row
from tests.tickets.said import decided, said, take, ticket_of
from tickets.dedupe.index import MOST_MARKS, DedupeIndex
from tickets.policy import TicketPolicy, near_policy
from tickets.reducers import fold
from tickets.state.state import State

ANY, THIRD, FIFTH = (f"幸福家园{building}电梯坏了三天没人修" for building in ("", "3号楼", "5号楼"))
LINES = tuple(f"南湖公园{line}公交车司机态度差" for line in ("115路", "", "151路"))


def test_a_ticket_that_was_told_of_one_building_takes_no_message_about_another() -> None:
    messages = [said(n, "", text, sender="13900000001") for n, text in enumerate((ANY, THIRD, FIFTH, THIRD + "，很急"))]
    desk, (one, two, three, four) = decided(messages)
    assert [two.relation, three.relation, four.relation] == [
        "same_person_same_matter", "new", "same_person_same_matter",
    ]  # fmt: skip
    assert ticket_of(desk, two).ticket_id == ticket_of(desk, one).ticket_id == ticket_of(desk, four).ticket_id
    assert [proposal.target for proposal in ticket_of(desk, three).proposals] == [ticket_of(desk, one).ticket_id]


@pytest.mark.parametrize("texts", [(ANY, THIRD, FIFTH), LINES, (LINES[1], LINES[0], LINES[2])])
def test_a_cluster_that_knows_one_of_a_kind_is_only_proposed_to_who_tells_of_another(texts: tuple[str, ...]) -> None:
    desk, decisions = decided([said(n, "", text) for n, text in enumerate(texts)])
    oldest, second, third = (ticket_of(desk, decision) for decision in decisions)
    assert second.cluster_id == oldest.ticket_id
    assert third.cluster_id == third.ticket_id
    assert [proposal.target for proposal in third.proposals] == [oldest.ticket_id]


def test_a_city_says_how_many_of_a_cluster_are_asked() -> None:
    policy = TicketPolicy(near=replace(near_policy(), max_members=1))
    desk, decisions = decided([said(n, "", text) for n, text in enumerate((ANY, THIRD, FIFTH))], policy)
    assert len({ticket_of(desk, decision).cluster_id for decision in decisions}) == 1


FLOODED = "停水一天了物业不管，没有人通知，老人小孩没法做饭"
ONE_ESTATE, OTHER_ESTATE = f"翠屏花园{FLOODED}", f"碧波花园{FLOODED}"
PARK = "南湖公园的厕所没有水，游客意见很大"
ONE_DISTRICT, OTHER_DISTRICT = f"沈阳市和平区{PARK}", f"沈阳市铁西区{PARK}"


@pytest.mark.parametrize("is_first", [True, False])
def test_a_letter_that_names_no_district_brings_no_two_that_do_into_one_cluster(is_first: bool) -> None:
    texts = (PARK, ONE_DISTRICT, OTHER_DISTRICT) if is_first else (ONE_DISTRICT, PARK, OTHER_DISTRICT)
    desk, decisions = decided([said(n, "", text) for n, text in enumerate(texts)])
    oldest, second, third = (ticket_of(desk, decision) for decision in decisions)
    assert second.cluster_id == oldest.ticket_id
    assert third.cluster_id == third.ticket_id
    assert [proposal.target for proposal in third.proposals] == [oldest.ticket_id]


BUSES = ("公交车等了快一个小时都没来，大冷天冻死人", "131路公交车等了快一个小时都没来，大冷天冻死人")


@each_row("texts", [(FLOODED, ONE_ESTATE, OTHER_ESTATE), BUSES])
@each_row("is_titled", [True, False])
@each_row("is_first", [True, False])
def test_a_letter_that_names_no_place_is_only_proposed_to_who_names_one(
    texts: tuple[str, ...], is_first: bool, is_titled: bool
) -> None:
    """It may be anywhere; the same person's further message is theirs all the same."""
    nowhere, somewhere, *others = texts
    told = (nowhere, somewhere, *others) if is_first else (somewhere, nowhere, *others)
    messages = [said(n, text if is_titled else "", text) for n, text in enumerate(told)]
    desk, decisions = decided(messages)
    oldest, second, *_ = tickets = [ticket_of(desk, decision) for decision in decisions]
    assert len({ticket.cluster_id for ticket in tickets}) == len(tickets)
    assert [proposal.target for proposal in second.proposals] == [oldest.ticket_id]
    own = [said(n, text if is_titled else "", text, sender="13900000001") for n, text in enumerate(told[:2])]
    assert decided(own)[1][1].relation == "same_person_same_matter"


def test_who_names_the_cluster_s_place_in_other_words_still_joins_it() -> None:
    texts = (ONE_ESTATE, f"翠屏花园{FLOODED}", f"翠屏花园小区里{FLOODED}")
    desk, decisions = decided([said(n, "", text) for n, text in enumerate(texts)])
    assert len({ticket_of(desk, decision).cluster_id for decision in decisions}) == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_a_person_s_ticket_that_was_told_of_one_estate_takes_no_message_about_another(is_first: bool) -> None:
    texts = (FLOODED, ONE_ESTATE, OTHER_ESTATE) if is_first else (ONE_ESTATE, FLOODED, OTHER_ESTATE)
    desk, decisions = decided([said(n, "", text, sender="13900000001") for n, text in enumerate(texts)])
    oldest, second, third = (ticket_of(desk, decision) for decision in decisions)
    assert second.ticket_id == oldest.ticket_id
    assert [proposal.target for proposal in third.proposals] == [oldest.ticket_id]


def test_who_tells_of_the_same_one_joins_the_cluster() -> None:
    desk, decisions = decided([said(n, "", text) for n, text in enumerate((ANY, THIRD, THIRD))])
    assert {ticket_of(desk, decision).cluster_id for decision in decisions} == {ticket_of(desk, decisions[0]).ticket_id}


def test_the_log_and_a_checkpoint_give_the_marks_as_well() -> None:
    messages = [said(n, "", text, sender="13900000001") for n, text in enumerate((ANY, THIRD))]
    desk, decisions = decided(messages)
    policy = TicketPolicy()
    for state in (fold(decisions, policy), State(policy, desk.state.dump())):
        assert state.dedupe.dump() == desk.state.dedupe.dump()
        assert state.dedupe.has_other_marks(said(2, "", FIFTH).features, 0)
        assert not state.dedupe.has_other_marks(said(2, "", THIRD).features, 0)


def test_a_forgotten_ticket_bears_no_mark_and_a_talkative_one_not_endlessly_many() -> None:
    near = DedupeIndex(TicketPolicy().near)
    near.note(0, said(0, "", THIRD).features)
    assert 0 not in near
    near.add(0, "210100", said(0, "", ANY).features, is_news=True)
    for number in range(1, 2 * MOST_MARKS):
        near.note(0, said(number, "", f"幸福家园{number}号楼电梯坏了三天没人修").features)
    kept = len(near.dump().kept[0])
    near.note(0, said(0, "", "幸福家园999号楼电梯坏了三天没人修").features)
    assert len(near.dump().kept[0]) == kept


def test_a_message_that_is_taken_next_is_held_against_the_new_marks() -> None:
    desk, _ = decided([said(n, "", text, sender="13900000001") for n, text in enumerate((ANY, THIRD))])
    later = said(2, "", FIFTH, sender="13900000001")
    desk.state.dedupe.find("210100", later.features)
    desk.state.dedupe.note(0, said(3, "", FIFTH).features)
    (decision,) = take(desk, [later])
    assert decision.relation == "same_person_same_matter"
