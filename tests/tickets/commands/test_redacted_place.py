"""A redacted address is no point on the map any more; a redacted telephone leaves the place where it is."""

import pytest
from msgspec.structs import replace

from normalizers.parse.coordinates import coordinates
from schemas.codec import encode
from schemas.records import Attachment, Finding, Ticket
from tests.tickets.build import message
from tests.tickets.commands.orders import Office

ADDRESS = "丁香苑3号楼2单元1504"
TEXT = f"中山路12号的{ADDRESS}漏水，李小龙的电话是13812345678，请回电"
POINT = (Finding(kind="coordinates", value="123.431474,41.805699,gcj02", source="channel"),)


def redacted(place: str | None, words: str, text: str = TEXT) -> Ticket:
    named = (Finding(kind="place", value=place, source="channel"),) if place else ()
    assert coordinates(POINT) is not None
    file = Attachment(id="1", name="李小龙.jpg", sha256="a" * 64)
    told = replace(message(0, text, attachments=(file,)), findings=(*named, *POINT), title="李小龙反映漏水")
    at_office = Office([told])
    (ticket,) = at_office.tickets
    assert at_office.ticket(ticket).location.datum == "gcj02"
    start = text.index(words)
    at_office.order("redact", ticket, spans=[[start, start + len(words)]], if_version=1)
    return at_office.ticket(ticket)


@pytest.mark.parametrize(
    ("place", "words", "left"),
    [
        (ADDRESS, ADDRESS, "■" * len(ADDRESS)),
        (f"沈阳市{ADDRESS}", ADDRESS, f"沈阳市{'■' * len(ADDRESS)}"),
        (ADDRESS, f"12号的{ADDRESS}漏水", "■" * len(ADDRESS)),
        ("丁香苑３号楼２单元１５０４", f"的{ADDRESS}漏水", "■" * len(ADDRESS)),
        (ADDRESS, "2单元1504漏水", f"丁香苑3号楼{'■' * 7}"),
        ("中山路12号", "12号", "中山路■■■"),
        ("中山公园北门", ADDRESS, "中山公园北门"),
        (None, ADDRESS, None),
    ],
    ids=[
        "the place",
        "within it",
        "around it",
        "in other signs",
        "its door",
        "its house",
        "another name",
        "only a point",
    ],
)
def test_where_a_span_tells_of_the_place_its_point_leaves_the_map(
    place: str | None, words: str, left: str | None
) -> None:
    after = redacted(place, words)
    assert after.location.text == left
    assert (after.location.longitude, after.location.latitude, after.location.datum) == (None, None, None)
    assert "41.8056" not in encode(after).decode()


def test_typed_coordinates_that_are_redacted_leave_the_map_too() -> None:
    assert redacted("公园", "123.431474", "公园漏水 123.431474,41.805699").location.datum is None


@pytest.mark.parametrize("words", ["13812345678", "请回电"])
def test_other_words_leave_the_place_alone(words: str) -> None:
    after = redacted(ADDRESS, words)
    assert (after.location.text, after.location.longitude, after.location.datum) == (ADDRESS, 123.431474, "gcj02")


def test_the_name_in_a_redacted_span_goes_from_the_title_and_the_files_by_itself() -> None:
    after = redacted(None, "李小龙的电话是13812345678")
    assert (after.title, after.attachments[0].name) == ("■■■反映漏水", "■■■.jpg")
    assert "漏水" in after.text
