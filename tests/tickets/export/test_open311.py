"""The service request of a ticket, as the specification has it and as clients that others wrote read it."""

import json
import re
import subprocess
from datetime import timedelta, timezone

import pytest
from civicbot.http import HttpTransport
from civicbot.open311 import Open311Client
from civicbot.registry import Endpoint
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.records import Ticket
from schemas.records.common import Time
from schemas.records.ticket import Acceptance, Requester, Result
from tests.peers import pip
from tests.tickets.export.peers import serving
from tickets.export import service_request, service_requests_json, service_requests_xml
from tickets.lifecycle import CLOSED

SPECIFIED = re.findall(
    r"\w+",
    "service_request_id status status_notes service_name service_code description agency_responsible service_notice "
    "requested_datetime updated_datetime expected_datetime address address_id zipcode lat long media_url",
)
"""The fields of GET requests, in the order of the specification's table."""


def test_every_field_of_the_specification_and_no_other(ticket: Ticket) -> None:
    assert list(service_request(ticket)) == SPECIFIED


def test_what_goes_where(ticket: Ticket) -> None:
    made = service_request(ticket)
    assert made["service_request_id"] == ticket.ticket_no
    assert (made["service_code"], made["service_name"]) == ("0304", "城市管理 / 市政设施 / 路灯")
    assert made["description"] == f"{ticket.title}\n{ticket.text}"
    assert (made["agency_responsible"], made["address"]) == ("市城市管理局", "中山路12号门前")
    assert made["requested_datetime"] == "2026-11-24T09:12:00+08:00"
    assert made["expected_datetime"] == "2026-11-24T17:00:00+08:00"


def test_a_title_that_is_the_texts_beginning_is_said_once(ticket: Ticket) -> None:
    drawn = replace(ticket, title="青年大街19号暖气不热", text="\n青年大街19号暖气不热，已报修三次")
    assert service_request(drawn)["description"] == drawn.text
    assert service_request(replace(drawn, title=None))["description"] == drawn.text
    assert service_request(replace(drawn, text=""))["description"] == drawn.title


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_a_closed_ticket_is_closed(ticket: Ticket, status: str) -> None:
    assert service_request(replace(ticket, status=status))["status"] == "closed"


@pytest.mark.parametrize("status", ["received", "in_progress", "reopened", "a_word_of_next_year"])
def test_every_other_status_is_open(ticket: Ticket, status: str) -> None:
    made = service_request(replace(ticket, status=status))
    assert made["status"] == "open"
    assert str(made["status_notes"]).startswith(status)


def test_the_notes_say_why_of_what_it_is_a_duplicate_and_the_result(ticket: Ticket) -> None:
    refused = replace(
        ticket,
        status="not_accepted",
        acceptance=Acceptance(decision="not_accepted", reason="emergency_line"),
        cluster_id="210100-older",
        cluster_no="210100-20261124-000001-1",
        result=Result(text="已更换灯泡"),
    )
    assert (
        service_request(refused)["status_notes"]
        == "not_accepted; emergency_line; Duplicate of 210100-20261124-000001-1; 已更换灯泡"
    )
    assert service_request(refused)["expected_datetime"] is None
    before = replace(refused, cluster_no=None)  # written before tickets told it
    assert "Duplicate of 210100-older;" in str(service_request(before)["status_notes"])


def test_without_a_category_the_kind_is_the_service(ticket: Ticket) -> None:
    plain = replace(ticket, category=None)
    assert service_request(plain)["service_name"] == "求助"
    assert service_request(replace(plain, request_kind=None))["service_code"] == "other"


def test_media_only_in_clear_and_only_where_a_base_is_known(ticket: Ticket, masked: Ticket) -> None:
    photo = ticket.attachments[0]
    assert service_request(ticket)["media_url"] is None
    assert (
        service_request(ticket, "https://files.example.cn/")["media_url"] == f"https://files.example.cn/{photo.dataref}"
    )
    assert service_request(masked, "https://files.example.cn/")["media_url"] is None


def test_nobody_is_named(ticket: Ticket) -> None:
    """Neither by a masked ticket nor, outside of the words themselves, by one in clear."""
    who = Requester(
        name="沈阳某某某", phone="+8613812345678", email="who@example.cn", openid="o-who", weibo_uid="99887766"
    )
    told = service_requests_json([service_request(replace(ticket, requester=who))]).decode()
    assert [value for value in (who.name, who.phone, who.email, who.openid, who.weibo_uid) if str(value) in told] == []


def test_nothing_that_was_said_in_a_restricted_ticket_is_published(ticket: Ticket) -> None:
    restricted = replace(ticket, confidentiality="restricted", result=Result(text="已更换灯泡"))
    told = service_requests_json([service_request(restricted, "https://files.example.cn/")]).decode()
    assert "严格保密" in told
    for said in (ticket.title, ticket.text, "中山路", "已更换灯泡", "files.example.cn"):
        assert str(said) not in told


def test_an_erased_ticket_is_closed_and_says_so(ticket: Ticket) -> None:
    erased = replace(ticket, erased=True, title=None, text="", status="received")
    made = service_request(erased)
    assert (made["status"], made["description"]) == ("closed", None)
    assert str(made["status_notes"]).startswith("erased")


def test_times_have_an_offset(ticket: Ticket) -> None:
    late: Time = ticket.received_at.astimezone(timezone(timedelta(hours=-5)))
    assert service_request(replace(ticket, received_at=late))["requested_datetime"] == "2026-11-24T09:12:00+08:00"


def writable(character: str) -> bool:
    """Production [2] of XML 1.0."""
    code = ord(character)
    return character in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF


@given(text=st.text(st.characters(codec=None, exclude_categories=()), max_size=40))
def test_any_text_is_well_formed_xml_and_comes_back(text: str) -> None:
    request = {"description": text, "zipcode": None}
    root = ElementTree.fromstring(service_requests_xml([request]))
    read = root.findtext("request/description") or ""
    allowed = "".join(character if writable(character) else "\N{REPLACEMENT CHARACTER}" for character in text)
    assert read == allowed.replace("\r\n", "\n").replace("\r", "\n"), "as XML reads line ends"


def test_markup_in_a_text_stays_text(ticket: Ticket) -> None:
    hostile = replace(ticket, title=None, text="</description><status>closed</status>&amp;<![CDATA[x]]>\x00\ud800")
    root = ElementTree.fromstring(service_requests_xml([service_request(hostile)]))
    assert len(root.findall("request/status")) == 1
    assert root.findtext("request/description") == "</description><status>closed</status>&amp;<![CDATA[x]]>��"


ASK = """
import json, sys, georeport
url, form = sys.argv[1:]
print(json.dumps(georeport.GeoReport(url, output_format=form).get_service_requests()))
"""


@pytest.mark.integration
@pytest.mark.parametrize("form", ["json", "xml"])
def test_georeport_reads_it(masked: Ticket, form: str) -> None:
    python = pip.scripts("georeport") / "python"
    request = service_request(masked)
    render = {"json": service_requests_json, "xml": service_requests_xml}[form]
    with serving({f"/v2/requests.{form}": render([request, request])}) as served:
        command = [python, "-c", ASK, f"{served.url}/v2", form]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [request, request]


@pytest.mark.integration
def test_civicbot_reads_it(masked: Ticket) -> None:
    request = service_request(masked)
    with serving({f"/v2/requests/{masked.ticket_no}.json": service_requests_json([request])}) as served:
        client = Open311Client(Endpoint(id="t", name="t", base_url=f"{served.url}/v2"), HttpTransport())
        assert client.get_request(masked.ticket_no) == request


def test_json_is_an_array_in_utf8(ticket: Ticket) -> None:
    told = service_requests_json([service_request(ticket)])
    assert "路灯".encode() in told
    assert isinstance(json.loads(told), list)
