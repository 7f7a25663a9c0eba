"""The table of rights: every page by every role and city; nothing that a request says changes it."""

from pathlib import Path

import pytest

from console.app import HANDLERS
from console.pages import PAGES, Page
from console.rights import ROLES, may_see, rights_of, within
from console.search.view import asked
from schemas.records import Ticket
from tests.console.doors import CITY, OTHER_CITY, Door, handover, ticket, token
from tickets.search import Filters, Query

OURS, FOREIGN = ticket(1), ticket(2, OTHER_CITY)
NOBODY = "nobody"
WANTED = {
    ("login", "anybody"): 303,  # who has a session goes on
    ("provider", "anybody"): 404,  # none is set up
    ("callback", "anybody"): 404,
    ("logout", "signed_in"): 303,
    ("home", "signed_in"): 303,
}
"""Status of pages that take no right, for a person with one."""


def test_each_page_has_a_handler_and_each_handler_a_page() -> None:
    assert HANDLERS.keys() == {page.name for page in PAGES}


def status(page: Page, role: str, city: str) -> int:
    """Return what the table says that a page answers."""
    if role == NOBODY:
        return {"login": 200}.get(page.name, WANTED.get((page.name, "anybody"), 303))
    if page.right is None:
        return 200 if page.name == "home" and not rights_of([role]) else WANTED[page.name, page.access]
    if page.right not in ROLES[role]:
        return 403
    if page.of_city and city != CITY:
        return 404
    return 303 if page.name == "acknowledge" else 200


@pytest.mark.parametrize("page", [page.name for page in PAGES])
async def test_each_page_by_role_and_city(page: str, tmp_path: Path) -> None:
    (row,) = (one for one in PAGES if one.name == page)
    door = Door(tmp_path, OURS, FOREIGN)
    door.handovers.hand_over(*(handover(one.first_message_id, city=one.jurisdiction) for one in (OURS, FOREIGN)))
    door.desk.live.close()  # a stream ends behind its first part
    for role in (*ROLES, NOBODY):
        for city, shown in ((CITY, OURS), (OTHER_CITY, FOREIGN)):
            client = door.client() if role == NOBODY else door.signed_in(role)
            path = row.path.format(name=shown.first_message_id if row.at_desk else shown.ticket_no)
            if "GET" in row.methods:
                answer = await client.get(path)
            else:
                home = await client.get("/", follow_redirects=True)
                data = {"token": token(home.text)} if role != NOBODY else {}
                answer = await client.post(path, data=data)
            assert answer.status_code == status(row, role, city), (role, city)
            if role == NOBODY and answer.status_code == 303:
                assert answer.headers["location"].startswith("/login")


CITIES = ("city=210200", "city=210200&city=210100", "jurisdiction=210200", "incident=210200-a", "city=*", "city=")


@pytest.mark.parametrize("given", CITIES)
async def test_no_parameter_takes_the_jurisdiction_away(given: str, tmp_path: Path) -> None:
    door = Door(tmp_path, OURS, FOREIGN)
    answer = await door.signed_in("analyst").get(f"/search?q=暖气&{given}")
    assert [query.filters.jurisdiction for query in door.archive.asked] == [(CITY,)]
    assert OURS.ticket_no in answer.text
    assert FOREIGN.ticket_no not in answer.text


def test_a_person_of_two_cities_may_choose_one() -> None:
    chosen = asked([("city", "210200")]).query()
    assert within(chosen, (CITY, OTHER_CITY)).filters.jurisdiction == (OTHER_CITY,)
    assert within(chosen, (CITY,)).filters.jurisdiction == (CITY,)


def test_a_search_is_masked_and_asks_for_no_person() -> None:
    given = Query(sight="clear", filters=Filters(requesters=("hash",)))
    assert (within(given, (CITY,)).sight, within(given, (CITY,)).filters.requesters) == ("masked", ())


@pytest.mark.parametrize(
    "shown", [ticket(1, OTHER_CITY), ticket(1, confidentiality="restricted"), ticket(1, masked=False)]
)
async def test_what_may_not_be_seen_is_as_unknown_as_nothing(shown: Ticket, tmp_path: Path) -> None:
    door = Door(tmp_path, shown)
    assert not may_see(shown, (CITY,))
    client = door.signed_in("clerk")
    name, other = door.archive.held[0].ticket_no, "210100-20261124-999999-9"
    there, nothing = await client.get(f"/ticket/{name}"), await client.get(f"/ticket/{other}")
    assert (there.status_code, there.text.replace(name, other)) == (404, nothing.text)
    assert door.trail.acts == []


def test_an_unknown_role_has_no_right() -> None:
    assert rights_of(["administrator"]) == frozenset()
