"""Dispatch proposals: by the directory, past who gave it back, first responsible; a clerk's dispatch stands."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from normalizers.rules import DEFAULT_RULES, Rules
from schemas import topics
from schemas.errors import MisconfiguredError
from schemas.records import Event
from schemas.records.dispatch import DispatchProposal
from tests.rows import each_row
from tests.tickets.said import decided, dispatch_proposed, said, take, ticket_of
from tests.tickets.test_duties import ordered
from tickets import policies
from tickets.policy import TicketPolicy, directories_of
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.routing.directory import Directory, directories
from tickets.routing.dispatch import Case, propose
from tickets.state.state import State

NOISE = ("工地夜间施工噪音扰民", "丽景新城旁边的工地夜间施工，噪声很大，噪音污染严重")
DIRECTORY: dict[str, Any] = {
    "id": "city", "name": "本市", "version": "1", "fallback": ["desk"],
    "offices": {"desk": "热线办", "a": "甲局", "b": "乙局", "c": "丙局", "d": "丁局"},
    "rules": [
        {"id": "praise", "kinds": ["praise"], "organizers": ["d"]},
        {"id": "noise.here", "categories": ["environment.noise"], "places": ["2101"], "organizers": ["c"]},
        {"id": "noise", "categories": ["environment"], "organizers": ["a", "b"], "co_organizers": ["b", "c"]},
    ],
}  # fmt: skip


def directory(**changes: Any) -> Directory:
    found = directories({"city": DIRECTORY | changes}).of("210100")
    assert found is not None
    return found


def chosen(**case: Any) -> tuple[str | None, str | None, str, tuple[str, ...]]:
    found = propose(directory(), "t", Case(**case))
    return found.organizer, found.rule_id, found.reason_code, found.co_organizers


def test_the_example_has_an_office_for_every_category() -> None:
    ours = directories_of(DEFAULT_RULES).of("210100")
    assert ours is not None
    found = {
        code: propose(ours, "t", Case(category=code)).reason_code for code in DEFAULT_RULES.toml("category")["topics"]
    }
    assert {code for code, reason in found.items() if reason != "directory"} == set()


def opened() -> tuple[Desk, Event]:
    policy = TicketPolicy(directories=directories({"city": DIRECTORY}))
    desk, (decision,) = decided([said(1, *NOISE)], policy)
    return desk, decision


@each_row(
    ("case", "expected"),
    [
        ({"category": "environment.noise"}, ("a", "noise", "directory", ("b", "c"))),
        ({"category": "environment"}, ("a", "noise", "directory", ("b", "c"))),
        ({"category": "environmental"}, ("desk", None, "fallback", ())),
        ({"category": "environment.noise", "place": "210102"}, ("c", "noise.here", "directory", ())),
        ({"category": "environment.noise", "kind": "praise"}, ("d", "praise", "directory", ())),
        ({}, ("desk", None, "fallback", ())),
        ({"category": "environment", "returned_by": ("a",)}, ("b", "noise", "after_return", ("c",))),
        ({"category": "environment", "returned_by": ("a", "b")}, ("desk", None, "after_return", ())),
        ({"category": "environment", "returned_by": ("a", "b", "desk")}, (None, None, "nobody_left", ())),
        ({"category": "environment", "first": "d", "status": "reopened"}, ("d", None, "first_responsible", ())),
        ({"category": "environment", "first": "b", "status": "reopened"}, ("b", "noise", "first_responsible", ("c",))),
        (
            {"category": "environment", "first": "a", "status": "reopened", "returned_by": ("c",)},
            ("a", "noise", "first_responsible", ("b",)),
        ),
        (
            {"category": "environment", "first": "a", "status": "reopened", "returned_by": ("a",)},
            ("b", "noise", "after_return", ("c",)),
        ),
    ],
)
def test_who_should_deal_with_it(case: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert chosen(**case) == expected


def test_after_so_many_returns_it_stays_with_who_had_it_first() -> None:
    case = Case(category="environment", first="a", returned_by=("a", "b"), status="returned")
    found = propose(directory(first_after_returns=2), "t", case)
    assert (found.organizer, found.co_organizers, found.reason_code) == ("a", ("b",), "first_responsible")


def test_a_proposal_is_no_dispatch() -> None:
    desk, decision = opened()
    ticket = ticket_of(desk, decision)
    assert dispatch_proposed(ticket) == DispatchProposal(
        organizer_code="a", organizer_name="甲局", co_organizers=("b", "c"), rule_id="noise", reason_code="directory",
        directory_version="1",
    )  # fmt: skip
    assert (ticket.dispatch, ticket.status) == (UNSET, "received")


ACCUSED = (
    ("关于民政局", "民政局科长贪污救灾款，丽景新城的工地夜间施工也没人管"),
    ("关于派出所", "派出所民警收红包，包庇夜间施工噪音扰民"),
    ("环保局推诿", "环保局不作为，工地夜间施工噪音扰民举报多次没人管"),
)


@pytest.mark.parametrize("words", ACCUSED)
def test_a_complaint_about_an_office_goes_to_discipline_inspection_or_to_nobody(words: tuple[str, str]) -> None:
    for inspection in ("desk", None):
        policy = TicketPolicy(directories=directories({"city": DIRECTORY | {"inspection": inspection}}))
        desk, (decision,) = decided([said(1, *words)], policy)
        made = dispatch_proposed(ticket_of(desk, decision))
        assert (made.organizer_code, made.co_organizers, made.reason_code) == (inspection, (), "accused")


def test_the_example_sends_no_complaint_about_an_office_to_any_office_but_inspection() -> None:
    ours = directories_of(DEFAULT_RULES).of("210100")
    assert ours is not None
    for code in DEFAULT_RULES.toml("category")["topics"]:
        found = propose(ours, "t", Case(category=code, accused=True, first="police", is_again=True, status="reopened"))
        assert (found.organizer, found.co_organizers) == ("discipline", ())


def test_who_gave_it_back_is_not_proposed_again_and_the_reason_is_kept() -> None:
    desk, first = opened()
    ordered(desk, first, "set_status", status="registered")
    ordered(desk, first, "dispatch", organizer="a")
    assert dispatch_proposed(ticket_of(desk, first)).organizer_code == "a"
    dispatch = ticket_of(desk, first).dispatch
    assert dispatch is not UNSET
    assert dispatch.organizer_name == "甲局"
    ordered(desk, first, "return_dispatch", reason_code="not_responsible")
    ticket = ticket_of(desk, first)
    assert (dispatch_proposed(ticket).organizer_code, dispatch_proposed(ticket).excluded) == ("b", ("a",))
    assert ticket.dispatch is not UNSET
    assert [(one.organizer_code, one.reason_code) for one in ticket.dispatch.returns] == [("a", "not_responsible")]
    again = ordered(desk, first, "dispatch", organizer="b")
    assert ticket_of(desk, first).status == "redispatched"
    ordered(desk, again, "set_status", status="returned")
    assert dispatch_proposed(ticket_of(desk, first)).excluded == ("a", "b")


def test_a_clerk_s_dispatch_stands_whatever_else_is_learned() -> None:
    desk, first = opened()
    ordered(desk, first, "set_status", status="registered")
    ordered(desk, first, "dispatch", organizer="d", organizer_name="别的局")
    made = ordered(desk, first, "reclassify", kind="praise")
    assert not [one for one in made.changes if type(one).__name__ == "DispatchProposed"]
    ticket = ticket_of(desk, first)
    assert ticket.dispatch is not UNSET
    assert (ticket.dispatch.organizer_code, ticket.dispatch.organizer_name) == ("d", "别的局")
    assert dispatch_proposed(ticket).organizer_code == "a"


def test_a_clerk_s_category_proposes_another() -> None:
    desk, first = opened()
    ordered(desk, first, "reclassify", kind="praise")
    assert dispatch_proposed(ticket_of(desk, first)).rule_id == "praise"


def test_a_reopened_ticket_goes_to_who_had_it_first() -> None:
    desk, first = opened()
    for name, args in (
        ("set_status", {"status": "registered"}), ("dispatch", {"organizer": "d"}),
        ("set_status", {"status": "signed"}), ("set_status", {"status": "in_progress"}),
        ("set_status", {"status": "resolved"}), ("set_status", {"status": "reopened"}),
    ):  # fmt: skip
        assert ordered(desk, first, name, **args).method == name
    found = dispatch_proposed(ticket_of(desk, first))
    assert (found.organizer_code, found.reason_code) == ("d", "first_responsible")


def test_who_had_it_first_is_proposed_until_a_reopened_ticket_is_dispatched() -> None:
    desk, first = opened()
    for name, args in (
        ("set_status", {"status": "registered"}), ("dispatch", {"organizer": "d"}),
        ("set_status", {"status": "signed"}), ("set_status", {"status": "in_progress"}),
        ("set_status", {"status": "resolved"}), ("set_status", {"status": "reopened"}),
        ("set_status", {"status": "registered"}),
    ):  # fmt: skip
        assert ordered(desk, first, name, **args).method == name
    assert dispatch_proposed(ticket_of(desk, first)).organizer_code == "d"
    ordered(desk, first, "reclassify", category="environment")
    found = dispatch_proposed(ticket_of(desk, first))
    assert (found.organizer_code, found.reason_code) == ("d", "first_responsible")
    ordered(desk, first, "dispatch", organizer="d")
    ordered(desk, first, "return_dispatch", reason_code="not_responsible")
    assert dispatch_proposed(ticket_of(desk, first)).organizer_code == "a"


def test_the_same_proposal_is_made_once() -> None:
    desk, first = opened()
    number = ticket_of(desk, first).ticket_no
    (second,) = take(desk, [said(2, f"补充 {number}", "还在施工", sender="13900000001")])
    assert second.tickets[0].ticket_id == first.tickets[0].ticket_id
    assert not [one for one in second.changes if type(one).__name__ == "DispatchProposed"]


def test_the_log_alone_gives_the_same_state() -> None:
    desk, first = opened()
    decisions = [first, ordered(desk, first, "set_status", status="registered"),
                 ordered(desk, first, "dispatch", organizer="a"),
                 ordered(desk, first, "return_dispatch", reason_code="not_responsible")]  # fmt: skip
    folded = fold(decisions, desk.state.policy)
    assert folded.tickets == desk.state.tickets
    (ticket,) = folded.tickets.values()
    assert (ticket.returned_by, ticket.first_organizer, ticket.organizer) == (["a"], "a", None)
    assert State(desk.state.policy, folded.dump()).tickets == folded.tickets
    assert desk.state.inputs.last_offset(topics.MESSAGE, 0) == 3


def test_our_example_lists_categories_that_there_are() -> None:
    example = directories_of().of("210100")
    assert example is not None
    topics_of = DEFAULT_RULES.toml("category")["topics"]
    for rule in example.rules:
        for code in rule.categories:
            assert any(one == code or one.startswith(f"{code}.") for one in topics_of), code
    for code in topics_of:
        assert propose(example, "t", Case(category=code)).reason_code == "directory", code


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offices": {"a": "甲局"}}, r"has no name in \[offices\] for b, c, d, desk"),
        ({"rules": [{"id": "x", "organizers": ["a"], "kinds": ["gossip"]}]}, "gossip"),
        ({"rules": [{"organizers": ["a"]}]}, "cannot be used"),
    ],
)
def test_a_directory_that_does_not_fit_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(MisconfiguredError, match=message):
        directories({"city": DIRECTORY | change})


def test_two_directories_for_one_place_are_named() -> None:
    with pytest.raises(MisconfiguredError, match="Two dispatch directories"):
        directories({"one": DIRECTORY, "other": DIRECTORY})


def test_a_city_s_own_directory_stands_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "dispatch").mkdir()
    own = 'id = "own"\nname = "本市"\nversion = "1"\nadcodes = ["2101"]\nrules = []\noffices = {}\n'
    (tmp_path / "dispatch" / "own.toml").write_text(own, encoding="utf-8")
    known = directories(policies.read("dispatch", Rules.load(tmp_path)))
    ids = [found.id if (found := known.of(city)) else None for city in ("210100", "110000")]
    assert ids == ["own", "generic"]
