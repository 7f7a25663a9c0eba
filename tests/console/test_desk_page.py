"""The desk's pages: what is shown to whom, acknowledgement, the stream, and a process that has no desk."""

from pathlib import Path

import pytest
from msgspec import json

from console.desk.view import view
from console.pages import PAGES
from console.templates import words
from tests.console.doors import CITY, NOW, OTHER_CITY, Door, handover, token


async def test_a_card_says_what_happens_where_and_whom_to_call_and_only_of_ones_own_city(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.hand_over(
        handover("a" * 26, 75, level="critical", text="救命<b>着火了", spans=((5, 8),)),
        handover("b" * 26, 10, OTHER_CITY),
    )
    page = (await door.signed_in("desk").get("/desk")).text
    for shown in ("紧急转接：1 件待签收", "危急", "火警", "119", "短信", "救命&lt;b&gt;<mark>着火了</mark>", "1:15"):
        assert shown in page
    assert "overdue" in page
    assert "b" * 26 not in page
    assert "http-equiv" in page  # without JavaScript it loads itself again
    assert '<p id="stale" class="alert" role="alert" hidden>' in page
    english = (await door.signed_in("desk").get("/desk?lang=en")).text
    assert "Hand-overs: 1 waiting" in english


async def test_a_page_that_knows_nothing_new_says_so_without_javascript_too(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.lag = 13
    page = (await door.signed_in("desk").get("/desk")).text
    assert '<p id="stale" class="alert" role="alert">' in page


async def test_an_acknowledged_one_goes_by_the_event_and_stands_among_the_answered_ones(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.hand_over(handover("a" * 26, 21))
    door.handovers.decides = False
    client = door.signed_in("desk")
    sent = {"token": token((await client.get("/desk")).text)}
    answer = await client.post(f"/desk/{'a' * 26}/acknowledge", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    assert door.handovers.ordered == [("a" * 26, "wang.li")]
    assert "a" * 26 in (await client.get("/desk")).text
    door.handovers.decide("a" * 26, "wang.li")
    page = (await client.get("/desk")).text
    assert "a" * 26 not in page
    assert ("没有待签收的" in page, "21 秒" in page) == (True, True)
    assert (await client.post(f"/desk/{'a' * 26}/acknowledge", data=sent)).status_code == 404


async def test_an_order_that_kafka_does_not_take_is_an_error_and_the_card_stays(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.hand_over(handover("a" * 26))
    door.handovers.away = True
    client = door.signed_in("desk")
    page = (await client.get("/desk")).text
    answer = await client.post(f"/desk/{'a' * 26}/acknowledge", data={"token": token(page)})
    assert answer.status_code == 503
    assert "a" * 26 in (await client.get("/desk")).text


async def test_who_watches_is_recorded_once_for_a_session_before_anything_is_shown(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.hand_over(handover("a" * 26))
    client = door.signed_in("desk")
    door.trail.away = True
    refused = await client.get("/desk")
    assert (refused.status_code, "着火了" in refused.text) == (503, False)
    assert (await client.get("/desk/stream")).status_code == 503
    door.trail.away = False
    for _ in range(2):
        assert (await client.get("/desk")).status_code == 200
    assert [act.action for act in door.trail.acts] == ["watched"]


async def test_the_stream_has_the_part_and_ends_with_the_session(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.hand_over(handover("a" * 26))
    client = door.signed_in("desk")
    door.desk.live.close()
    answer = await client.get("/desk/stream")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "event: part\n" in answer.text
    assert "token" not in answer.text  # the part is the same for all who may see the city


async def test_a_beat_says_until_when_the_queue_is_complete(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.lag = 3
    page = (await door.signed_in("desk").get("/desk")).text
    beat = page.partition('data-beat="')[2].partition('"')[0].replace("&#34;", '"')
    told = json.decode(beat)
    assert told["now"] - told["complete_at"] == 3000


@pytest.mark.parametrize("page", [page.path for page in PAGES if page.at_desk])
async def test_a_console_without_a_desk_has_no_such_page(page: str, tmp_path: Path) -> None:
    door = Door(tmp_path, desk=None)
    client = door.signed_in("desk")
    path = page.format(name="a" * 26)
    answers = [await client.get(path), await client.post(path, data={})]
    assert {answer.status_code for answer in answers} == {404}
    assert "/desk" not in (await client.get("/", follow_redirects=True)).text


def test_a_hand_over_without_its_text_is_shown_all_the_same(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.handovers.hand_over(handover("a" * 26))
    door.handovers.queue._whole.clear()
    shown = view(door.handovers.snapshot.of((CITY,)), words("zh"), NOW, 60)
    assert [(card.text, card.level) for card in shown.cards] == [(None, "urgent")]
