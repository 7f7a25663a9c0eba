"""Whom a message repeats is looked for beyond the newest of a crowd, and beyond the same words."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.tickets.build import START
from tests.tickets.commands.orders import Office
from tests.tickets.said import decided, said, take, ticket_of
from tickets.policy import TicketPolicy, near_policy

OVENS = "海棠公寓楼下的烧烤店半夜还在排油烟，全楼都不敢开窗"
OTHERWISE = "海棠公寓楼下的烧烤店油烟太大，半夜也在排，我们全楼不敢开窗"
AGAIN = "海棠公寓楼下那家烧烤店还是半夜排油烟，已经说过一次了，全楼的窗户不敢开"
WE = "13800138000"


def test_a_person_is_known_again_however_many_tell_of_the_incident() -> None:
    crowd = [said(n, "", f"{OVENS}，请尽快处理{n}") for n in range(10, 40)]
    desk, decisions = decided([*crowd[:3], said(1, "", OVENS, sender=WE), *crowd[3:]])
    (again,) = take(desk, [said(50, "", AGAIN, sender=WE)])
    own = ticket_of(desk, decisions[3]).ticket_id
    assert (again.relation, again.tickets[0].ticket_id) == ("same_person_same_matter", own)


def test_a_person_s_other_matter_is_no_repeat_because_it_is_theirs() -> None:
    desk, decisions = decided([said(1, "", OVENS, sender=WE), said(2, "", "海棠公寓的电梯坏了三天", sender=WE)])
    assert ticket_of(desk, decisions[0]).ticket_id != ticket_of(desk, decisions[1]).ticket_id


def test_where_the_oldest_is_forgotten_the_likest_is_proposed() -> None:
    careful = TicketPolicy(near=replace(near_policy(), link=0.999, same_person=0.999))
    at_office = Office([said(0, "", "第一件事"), said(1, "", OVENS)], careful)
    oldest, likest = at_office.tickets
    at_office.order("merge", likest, into=oldest)
    at_office.order("forget", oldest)
    later = at_office.take(said(5, "", OTHERWISE))
    assert [one.target for one in at_office.ticket(later.tickets[0].ticket_id).proposals] == [likest]


OUTAGE = "海棠公寓昨晚八点又停电了，电梯里困了人"
DAYS = 24 * 60


@pytest.mark.parametrize(
    ("days", "relation"), [(0, "same_person_same_matter"), (1, "same_person_same_matter"), (14, "new")]
)
def test_the_same_words_weeks_later_mean_another_night(days: int, relation: str) -> None:
    desk, (first, second) = decided([said(1, "", OUTAGE, sender=WE), said(2 + days * DAYS, "", OUTAGE, sender=WE)])
    assert second.relation == relation
    if relation == "new":
        targets = {one.target for one in ticket_of(desk, second).proposals}
        assert targets == {ticket_of(desk, first).ticket_id}


@pytest.mark.parametrize(
    ("order", "relation"), [((0, 14), "new"), ((14, 0), "new"), ((0, 1), "same_person_same_matter")]
)
def test_the_same_words_of_two_nights_are_two_when_an_archive_brings_both_at_once(
    order: tuple[int, int], relation: str
) -> None:
    """Whatever comes first: they were taken within a minute, and tell of the nights before they were sent."""
    taken = START + timedelta(days=60)
    messages = [replace(said(1 + days * DAYS, "", OUTAGE, sender=WE), ingested_at=taken) for days in order]
    desk, (first, second) = decided(messages)
    assert second.relation == relation
    if relation == "new":
        targets = {one.target for one in ticket_of(desk, second).proposals}
        assert targets == {ticket_of(desk, first).ticket_id}


def test_what_lasts_is_one_matter_however_late_it_is_said_again() -> None:
    text = "海棠公寓的路灯坏了，到现在没人修"
    _, (_, second) = decided([said(1, "", text, sender=WE), said(1 + 14 * DAYS, "", text, sender=WE)])
    assert second.relation == "same_person_same_matter"


@pytest.mark.parametrize(("hours", "days", "relation"), [(48, 5, "new"), (144, 5, "same_person_same_matter")])
def test_a_city_says_how_long_the_same_words_mean_the_same_night(hours: int, days: int, relation: str) -> None:
    policy = TicketPolicy(near=replace(near_policy(), one_day_hours=hours))
    repeated = [said(number, "", OUTAGE, sender=WE) for number in (1, 2 + days * DAYS)]
    assert decided(repeated, policy)[1][1].relation == relation
