"""The form that opens a ticket in Zammad: documented fields only, taken and sent by clients that others wrote."""

import pytest
from msgspec.structs import replace
from zammad.types import TicketArticleDict, TicketDict
from zammad_py import ZammadAPI

from schemas.records import Ticket
from schemas.records.ticket import Requester
from tests.tickets.export.peers import serving
from tickets.export import ticket_form
from tickets.lifecycle import CLOSED


def test_every_field_is_one_of_zammads(ticket: Ticket) -> None:
    for form in (ticket_form(ticket), ticket_form(replace(ticket, requester=Requester()), customer="buergertelefon")):
        assert form.keys() <= TicketDict.__annotations__.keys() | {"article"}
        assert form["article"].keys() <= TicketArticleDict.__annotations__.keys()


def test_what_goes_where(ticket: Ticket) -> None:
    form = ticket_form(ticket, group="12345")
    assert (form["title"], form["group"], form["priority"], form["state"]) == (
        "路灯不亮并冒烟",
        "12345",
        "3 high",
        "open",
    )
    assert form["article"]["body"] == ticket.text
    assert form["article"]["content_type"] == "text/plain", "a citizen's words are no HTML"
    assert form["tags"] == f"路灯,{ticket.ticket_no}"
    assert f"工单编号 {ticket.ticket_no}" in form["note"]


def test_the_first_article_is_the_customers(ticket: Ticket) -> None:
    """Zammad would take it for the agent's otherwise, and an article's sender cannot be changed."""
    assert ticket_form(ticket)["article"]["sender"] == "Customer"


@pytest.mark.parametrize(
    ("channel", "kind"), [("phone", "phone"), ("web", "web"), ("mailbox", "note"), ("sms", "note")]
)
def test_no_article_sends_a_mail_or_an_sms(ticket: Ticket, channel: str, kind: str) -> None:
    assert ticket_form(replace(ticket, channel=channel))["article"]["type"] == kind


def test_only_what_is_public_may_be_seen_by_the_customer(ticket: Ticket) -> None:
    levels = ("public", "internal", "confidential", "restricted")
    internal = [ticket_form(replace(ticket, confidentiality=level))["article"]["internal"] for level in levels]
    assert internal == [False, True, True, True]


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_a_closed_ticket_is_closed(ticket: Ticket, status: str) -> None:
    assert ticket_form(replace(ticket, status=status))["state"] == "closed"


def test_the_customer_is_found_by_mail_address_or_is_the_collective_one(ticket: Ticket, masked: Ticket) -> None:
    assert ticket_form(ticket)["customer_id"] == "guess:shimin@example.org"
    assert ticket_form(masked, customer="anonym")["customer"] == "anonym"
    assert not {"customer", "customer_id"} & ticket_form(masked).keys()


def test_a_masked_ticket_names_nobody(ticket: Ticket, masked: Ticket) -> None:
    told = str(ticket_form(masked))
    personal = (ticket.requester.name, ticket.requester.phone, ticket.requester.email, ticket.requester.openid)
    assert [value for value in personal if str(value) in told] == []
    assert "诉求人" in str(ticket_form(ticket)["note"])


def test_a_ticket_without_a_word_has_a_title_and_a_body(ticket: Ticket) -> None:
    form = ticket_form(replace(ticket, title=None, text=""))
    assert form["title"] == form["article"]["body"] == ticket.ticket_no


def test_an_erasure_is_work_for_a_person(ticket: Ticket) -> None:
    form = ticket_form(replace(ticket, title=None, text="", status="archived", requester=Requester(), erased=True))
    assert form["state"] == "open"
    assert ticket.ticket_no in form["title"]
    assert form["article"]["body"] == form["title"]


@pytest.mark.integration
def test_zammad_py_sends_it(ticket: Ticket) -> None:
    form = ticket_form(ticket)
    with serving({}) as served:
        made = ZammadAPI(url=f"{served.url}/api/v1/", http_token="t").ticket.create(params=form)
    assert served.posted == [("/api/v1/tickets", form)]
    assert made["id"] == 1
