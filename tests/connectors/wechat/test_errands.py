"""Files and 微信客服 messages that callbacks only announce: fetched once, recorded clearly, never after an erasure."""

import errno
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import obstore
import pytest
from msgspec.structs import replace
from obstore.store import LocalStore
from prometheus_client import REGISTRY

from connectors.media_fetch.job import Errand, GivenUp, TooEarlyError
from connectors.wechat.api import Api, NoAnswerError, RefusalError
from connectors.wechat.kf_pull import SETTLED_SECONDS, CustomerMessages
from connectors.wechat.media_jobs import Account, WeChatErrands
from connectors.wechat.media_store import FATE
from hotline.dev.demo.wechat_api import Call, WeChatApi
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.errors import PipelineError, StoreAwayError, UnauthorizedError, UnreachableError
from schemas.records import Cursor, RawMessage, media, raw_message
from schemas.records.media import Media
from schemas.records.raw import INLINE_LIMIT
from storage.paths import ERASED
from tests.broken_off import break_off
from tests.connectors.wechat.test_api import answering

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
PHOTO = b"\xff\xd8\xff\xe0JPEG"
SHA = hashlib.sha256(PHOTO).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path, mkdir=True)


@pytest.fixture
def plan(api: Api, blobs: LocalStore) -> WeChatErrands:
    return WeChatErrands({"city": Account(api)}, blobs, now=lambda: NOW)


def test_an_account_shows_what_it_has_lost_before_it_has_lost_any(api: Api, blobs: LocalStore) -> None:
    """The first file may be given up at once, or lost by a fault of ours: what first appears as 1 rings no alarm."""
    WeChatErrands({"fresh": Account(api)}, blobs, mute=["silent"])
    told = [
        REGISTRY.get_sample_value("hotline_connectors_errands_total", {"connector": name, "outcome": outcome})
        for name in ("fresh", "silent")
        for outcome in ("given_up", "failed")
    ]
    assert told == [0, 0, 0, 0]


def callback(kind: str = "image", account: str = "city", **fields: str) -> RawMessage:
    named = {"MsgType": kind, "FromUserName": "o-lin", "MediaId": "m1", **fields}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in named.items() if value)
    return raw(f"<xml>{inner}</xml>".encode(), "text/xml", account)


def raw(value: bytes, content_type: str, account: str = "city") -> RawMessage:
    return raw_message(
        channel="wechat",
        channel_kind="wechat_mp",
        account=account,
        jurisdiction="430100",
        identifier="7",
        value=value,
        content_type=content_type,
        time=NOW,
        recorded=NOW,
        sender="o-lin",
    )


class Kept:
    """What was published."""

    def __init__(self) -> None:
        self.messages: list[RawMessage] = []

    def __call__(self, messages: Sequence[RawMessage]) -> None:
        self.messages += messages

    @property
    def fates(self) -> list[Media]:
        return [msgspec.json.decode(one.value, type=Media) for one in self.messages]


def only(errands: Sequence[Errand]) -> Errand:
    (errand,) = errands
    return errand


def test_a_file_lies_in_the_folder_of_its_message(platform: WeChatApi, plan: WeChatErrands, blobs: LocalStore) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    kept, message = Kept(), callback()
    only(plan(message)).run(kept, last=False)
    (fate,) = kept.fates
    assert fate.dataref == f"430100/{message.message_id}/{SHA}"
    assert bytes(obstore.get(blobs, fate.dataref).bytes()) == PHOTO
    assert (fate.size, fate.sha256, fate.media_type, fate.unavailable) == (len(PHOTO), SHA, "image/jpeg", None)


def test_its_record_follows_the_message_and_becomes_nobodys_message(platform: WeChatApi, plan: WeChatErrands) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    kept, message = Kept(), callback()
    only(plan(message)).run(kept, last=False)
    (record,) = kept.messages
    assert record.conversation == message.conversation  # the same partition, so it comes behind
    assert record.envelope.sender == message.envelope.sender  # and the same share of a flood, so it stays behind
    assert record.envelope.datacontenttype == media.CONTENT_TYPE
    assert b"o-lin" not in record.value
    understood = normalize(record, Policy()).message
    assert (understood.sender, understood.message_class) == (None, "event")
    assert understood.features.completes == (normalize(message, Policy()).message.features.message_key,)


def test_what_was_fetched_once_is_not_fetched_again(platform: WeChatApi, plan: WeChatErrands) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    one, other = Kept(), Kept()
    only(plan(callback())).run(one, last=False)
    platform.media.clear()
    only(plan(callback())).run(other, last=False)
    assert [(each.message_id, each.value) for each in one.messages] == [
        (each.message_id, each.value) for each in other.messages
    ]
    assert platform.calls.count("media/get") == 1


def test_a_broker_that_fails_costs_no_second_download(platform: WeChatApi, plan: WeChatErrands) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")

    def away(_: Sequence[RawMessage]) -> None:
        raise UnreachableError("Kafka is away")

    errand, kept = only(plan(callback())), Kept()
    with pytest.raises(UnreachableError):
        errand.run(away, last=False)
    errand.run(kept, last=False)
    assert len(kept.fates) == platform.calls.count("media/get") == 1


def lost(outcome: str) -> float | None:
    return REGISTRY.get_sample_value("hotline_connectors_media_total", {"channel": "wechat", "outcome": outcome})


@pytest.mark.parametrize(
    ("answer", "last", "expected"),
    [
        (b'{"errcode":40007}', False, ("refused", "40007")),
        (b'{"errcode":40007}', True, ("expired", "40007")),
        (b'{"errcode":-1}', True, ("expired", "-1")),
        (b'{"errcode":40001}', True, ("expired", None)),
        (b'{"errcode":45009}', True, ("expired", None)),
        (b'{"video_url":"http://elsewhere.example/1"}', False, ("refused", None)),
    ],
)
def test_what_will_never_come_is_recorded_once(
    platform: WeChatApi, plan: WeChatErrands, answer: bytes, last: bool, expected: tuple[str, str | None]
) -> None:
    platform.fault = answering(answer, only="media/get")
    kept, before = Kept(), lost(expected[0])
    assert before is not None, "an alarm on its growth has to see it at 0"
    is_account_to_blame = expected[0] == "expired" and expected[1] != "40007"
    with pytest.raises(GivenUp) if is_account_to_blame else nullcontext():
        only(plan(callback())).run(kept, last=last)
    assert [(fate.unavailable, fate.code, fate.dataref) for fate in kept.fates] == [(*expected, None)]
    assert lost(expected[0]) == before + 1
    platform.fault = None
    platform.media["m1"] = (PHOTO, "image/jpeg")
    only(plan(callback())).run(kept, last=False)
    assert kept.fates[0] == kept.fates[1]


@pytest.mark.parametrize(
    "answer", [b'{"errcode":-1}', b'{"errcode":99999}', b'{"errcode":45009}', b'{"errcode":40001}']
)
def test_what_may_come_is_waited_for(platform: WeChatApi, plan: WeChatErrands, answer: bytes) -> None:
    platform.fault = answering(answer, only="media/get")
    kept, errand = Kept(), only(plan(callback()))
    with pytest.raises(PipelineError):
        errand.run(kept, last=False)
    platform.fault = None
    platform.media["m1"] = (PHOTO, "image/jpeg")
    errand.run(kept, last=False)
    assert [fate.unavailable for fate in kept.fates] == [None]


def test_a_file_that_the_platform_has_no_more_is_expired_when_it_is_old(api: Api, blobs: LocalStore) -> None:
    for days, expected in ((2, "refused"), (3, "expired")):
        now = NOW + timedelta(days=days)
        plan, kept = WeChatErrands({"city": Account(api)}, blobs, now=lambda now=now: now), Kept()  # type: ignore[misc] # bound early
        message = raw(b"<xml><MsgType>image</MsgType><MediaId>m1</MediaId></xml>" + b" " * days, "text/xml")
        message = msgspec.structs.replace(
            message, envelope=msgspec.structs.replace(message.envelope, id=str(days), recordedtime=now)
        )
        only(plan(message)).run(kept, last=False)
        assert [fate.unavailable for fate in kept.fates] == [expected]
        assert only(plan(message)).deadline == now + timedelta(days=3)


class _Full:
    """A temporary file on a disk without room."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> "_Full":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def seek(self, _: int) -> None:
        pass

    def truncate(self) -> None:
        pass

    def write(self, _: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_without_room_is_waited_for_and_at_last_recorded(
    platform: WeChatApi, plan: WeChatErrands, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.media |= {"m1": (PHOTO, "image/jpeg"), "m2": (PHOTO, "image/jpeg")}
    kept = Kept()
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "SpooledTemporaryFile", _Full)
        with pytest.raises(UnreachableError, match="temporary folder"):
            only(plan(callback())).run(kept, last=False)
        assert kept.messages == []
        with pytest.raises(GivenUp, match="temporary folder"):
            only(plan(callback(MediaId="m2"))).run(kept, last=True)
    only(plan(callback())).run(kept, last=False)
    assert [(fate.media_id, fate.unavailable) for fate in kept.fates] == [("m2", "expired"), ("m1", None)]


def test_a_torn_note_of_what_became_of_a_file_is_written_anew(
    platform: WeChatApi, plan: WeChatErrands, blobs: LocalStore
) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    only(plan(callback())).run(Kept(), last=False)
    (note,) = [one["path"] for batch in obstore.list(blobs) for one in batch if one["path"].endswith(FATE)]
    whole = bytes(obstore.get(blobs, note).bytes())
    for torn in (b"", whole[:-5], b"\xff\xfe"):
        obstore.put(blobs, note, torn)
        kept = Kept()
        only(plan(callback())).run(kept, last=False)
        assert [fate.unavailable for fate in kept.fates] == [None]
        assert bytes(obstore.get(blobs, note).bytes()) == whole


@pytest.mark.parametrize("last", [False, True])
def test_a_process_that_stops_leaves_a_coming_file_for_the_next(
    platform: WeChatApi, api: Api, blobs: LocalStore, last: bool
) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    kept = Kept()
    stopping = WeChatErrands({"city": Account(api)}, blobs, now=lambda: NOW, stopped=lambda: True)
    with pytest.raises(UnreachableError):
        only(stopping(callback())).run(kept, last=last)
    assert kept.messages == []
    only(WeChatErrands({"city": Account(api)}, blobs)(callback())).run(kept, last=last)
    assert [fate.unavailable for fate in kept.fates] == [None]


def test_too_large_a_file_is_recorded(platform: WeChatApi, api: Api, blobs: LocalStore) -> None:
    platform.media["m1"] = (PHOTO * 100, "image/jpeg")
    kept = Kept()
    only(WeChatErrands({"city": Account(api)}, blobs, limit=100)(callback())).run(kept, last=False)
    assert [fate.unavailable for fate in kept.fates] == ["too_large"]


def test_an_erased_message_gets_nothing_back(platform: WeChatApi, plan: WeChatErrands, blobs: LocalStore) -> None:
    platform.media["m1"] = (PHOTO, "image/jpeg")
    message, kept = callback(), Kept()
    obstore.put(blobs, f"430100/{message.message_id}/{ERASED}", b"")
    only(plan(message)).run(kept, last=False)
    assert (kept.messages, platform.calls) == ([], [])


def test_a_message_erased_during_the_download_leaves_nothing(
    platform: WeChatApi, plan: WeChatErrands, blobs: LocalStore
) -> None:
    message, kept = callback(), Kept()
    folder = f"430100/{message.message_id}"
    left = break_off(Path(str(blobs.prefix)), f"{folder}/x")

    def fault(call: Call) -> bool:
        if call.endpoint == "media/get":
            obstore.put(blobs, f"{folder}/{ERASED}", b"")
            call.send(PHOTO, "image/jpeg", name="a.jpg")
            return True
        return False

    platform.fault = fault
    only(plan(message)).run(kept, last=False)
    assert kept.messages == []
    assert [one["path"] for batch in obstore.list(blobs) for one in batch] == [f"{folder}/{ERASED}"]
    assert not left.exists()


def test_a_file_is_on_the_disk_for_good_before_it_is_told_of(
    platform: WeChatApi, plan: WeChatErrands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform gives it for three days, and Kafka, which is told that it is here, may lie on other machines."""
    platform.media["m1"] = (PHOTO, "image/jpeg")
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    message, kept = callback(), Kept()
    only(plan(message)).run(kept, last=False)
    assert {SHA, message.message_id, "430100"} <= set(synced)


@pytest.mark.parametrize("kind", ["voice", "video", "shortvideo", "file"])
def test_every_kind_that_the_normalizer_waits_for_is_fetched(plan: WeChatErrands, kind: str) -> None:
    errand = only(plan(callback(kind)))
    assert errand.deadline == NOW + timedelta(days=3)
    assert errand.account == "city"


@pytest.mark.parametrize(
    "message",
    [
        callback("text", MediaId=""),
        callback("event"),
        callback(account="other"),
        raw(b"<xml>half", "text/xml"),
        raw(b"", "x"),
    ],
)
def test_nothing_else_is_fetched(plan: WeChatErrands, message: RawMessage) -> None:
    assert list(plan(message)) == []


class Remembered:
    """A cursor in memory, and every place where it stood."""

    def __init__(self) -> None:
        self.saved: list[str] = []
        self.position: dict[str, Any] = {}

    def load(self) -> Cursor:
        return Cursor(connector_id="city:wk1", position=self.position)

    def save(self, cursor: Cursor) -> None:
        self.position = cursor.position
        self.saved.append(str(cursor.position["cursor"]))


def said(number: int, kfid: str = "wk1") -> dict[str, Any]:
    return {
        "msgid": f"msg{number}", "open_kfid": kfid, "external_userid": "wm1", "send_time": 1795600000 + number,
        "origin": 3, "msgtype": "text", "text": {"content": f"第{number}条"},
    }  # fmt: skip


EVENT = (
    "<xml><ToUserName>ww1</ToUserName><CreateTime>1348831860</CreateTime><MsgType>event</MsgType>"
    "<Event>kf_msg_or_event</Event><Token>ENCtoken</Token><OpenKfId>wk1</OpenKfId></xml>"
)


@pytest.fixture
def cursors() -> Remembered:
    return Remembered()


@pytest.fixture
def company(make_api: Callable[..., Api], blobs: LocalStore, cursors: Remembered) -> WeChatErrands:
    api = make_api("corporate")

    def customers(kfid: str) -> CustomerMessages:
        return CustomerMessages(api, kfid, "city", "430100", cursors, now=lambda: NOW)

    return WeChatErrands({"city": Account(api, customers, ("wk1",))}, blobs, now=lambda: NOW)


def test_an_event_brings_all_pages_byte_for_byte(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered
) -> None:
    platform.customer = [said(number) for number in range(5)] + [said(9, "another")]
    kept = Kept()
    only(company(raw(EVENT.encode(), "text/xml"))).run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == [f"msg{number}" for number in range(5)]
    assert [json.loads(one.value) for one in kept.messages] == platform.customer[:5]
    assert kept.messages[0].value == json.dumps(platform.customer[0], ensure_ascii=False).encode()
    assert {one.envelope.sender for one in kept.messages} == {"wm1"}
    assert kept.messages[0].envelope.channelkind == "wecom_kf"
    assert cursors.saved == ["2", "4", "5"]
    understood = normalize(kept.messages[0], Policy()).message
    assert (understood.text, understood.channel_kind) == ("第0条", "wecom_kf")


def saying(pages: Iterable[tuple[Any, Any, Any]]) -> Callable[[Call], bool]:
    """Return a platform that answers with these pages in turn: cursor, whether more come, messages."""
    left = iter(pages)

    def fault(call: Call) -> bool:
        if call.endpoint != "kf/sync_msg":
            return False
        cursor, more, messages = next(left)
        call.say({"errcode": 0, "next_cursor": cursor, "has_more": more, "msg_list": messages})
        return True

    return fault


def test_an_empty_page_is_not_the_last_one(platform: WeChatApi, company: WeChatErrands) -> None:
    platform.fault = saying([("c1", 1, []), ("c2", 1, []), ("c3", 0, [said(1)])])
    kept = Kept()
    only(company.sweep()).run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == ["msg1"]


def test_the_cursor_moves_only_behind_what_is_safe(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered
) -> None:
    platform.customer = [said(number) for number in range(4)]
    errand, kept = only(company(raw(EVENT.encode(), "text/xml"))), Kept()

    def once(messages: Sequence[RawMessage]) -> None:
        if kept.messages:
            raise UnreachableError("Kafka is away")
        kept(messages)

    with pytest.raises(UnreachableError):
        errand.run(once, last=False)
    assert cursors.saved == ["2"]
    errand.run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == ["msg0", "msg1", "msg2", "msg3"]


def test_a_token_that_is_too_old_is_left_out(platform: WeChatApi, company: WeChatErrands) -> None:
    platform.customer = [said(1)]
    asked: list[str] = []

    def fault(call: Call) -> bool:
        if call.endpoint == "kf/sync_msg":
            asked.append(call.json.get("token", ""))
            if asked[-1]:
                call.say({"errcode": 95007, "errmsg": "invalid msg token"})
                return True
        return False

    platform.fault = fault
    kept = Kept()
    only(company(raw(EVENT.encode(), "text/xml"))).run(kept, last=False)
    assert asked == ["ENCtoken", ""]
    assert len(kept.messages) == 1


def test_events_that_waited_are_one_pull_with_the_newest_token(platform: WeChatApi, company: WeChatErrands) -> None:
    """The platform limits who asks without a token that is new: each of a thousand events would have an old one."""
    platform.customer, kept = [said(1)], Kept()
    asked: list[str] = []

    def listen(call: Call) -> bool:
        asked.extend([call.json.get("token", "")] if call.endpoint == "kf/sync_msg" else [])
        return False

    platform.fault = listen
    waited = [only(company(announced(f"token{number}", age=3600))) for number in range(20)]
    for errand in waited:
        errand.run(kept, last=False)
    assert asked == ["token19"]
    platform.customer.append(said(2))
    only(company(announced("token20"))).run(kept, last=False)
    assert asked == ["token19", "token20"]
    assert [one.envelope.id for one in kept.messages] == ["msg1", "msg2"]


def test_each_new_event_is_pulled_for(platform: WeChatApi, company: WeChatErrands) -> None:
    """The platform may show a message a little later than it tells of it."""
    platform.customer, kept = [said(1)], Kept()
    first, second = (only(company(announced(token))) for token in ("a", "b"))
    first.run(kept, last=False)
    platform.customer.append(said(2))
    second.run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == ["msg1", "msg2"]


def test_a_message_that_is_shown_after_its_event_was_pulled_for_comes_without_another_event(
    platform: WeChatApi, company: WeChatErrands
) -> None:
    kept, errand = Kept(), only(company(announced("a")))
    with pytest.raises(TooEarlyError) as early:
        errand.run(kept, last=False)
    assert 0 < early.value.seconds <= SETTLED_SECONDS
    platform.customer = [said(1)]
    errand.run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == ["msg1"]


def test_nobody_waits_for_the_message_of_an_event_that_is_settled_or_at_its_end(company: WeChatErrands) -> None:
    for errand, last in ((only(company(announced("a", age=60))), False), (only(company(announced("b"))), True)):
        errand.run(Kept(), last=last)


def test_an_event_is_done_by_no_pull_that_broke_or_began_before_it(platform: WeChatApi, company: WeChatErrands) -> None:
    platform.customer = [said(1)]
    first, second = (only(company(announced(token, age=60))) for token in ("a", "b"))
    kept = Kept()

    def away(_: Sequence[RawMessage]) -> None:
        raise UnreachableError("Kafka is away")

    with pytest.raises(UnreachableError):
        first.run(away, last=False)
    late: list[Errand] = []

    def hear(messages: Sequence[RawMessage]) -> None:
        kept(messages)
        platform.customer.append(said(2))
        late.append(only(company(announced("c", age=60))))

    second.run(hear, last=False)
    late[0].run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == ["msg1", "msg2"]


@pytest.mark.parametrize("last", [False, True])
def test_whoever_waits_for_a_pull_is_let_go_when_the_process_stops(
    platform: WeChatApi, api: Api, cursors: Remembered, blobs: LocalStore, last: bool
) -> None:
    """Each waited for Kafka in its turn, and a fetcher that stopped while that was away did not come to an end."""
    stop = threading.Event()

    def customers(kfid: str) -> CustomerMessages:
        return CustomerMessages(api, kfid, "city", "430100", cursors, now=lambda: NOW, stopped=stop.is_set)

    stopping = WeChatErrands({"city": Account(api, customers, ("wk1",))}, blobs, now=lambda: NOW)
    platform.customer = [said(number) for number in range(3)]
    kept = Kept()

    def away(messages: Sequence[RawMessage]) -> None:
        stop.set()
        raise UnreachableError("Kafka did not answer")

    first, second = (only(stopping(announced(token))) for token in ("a", "b"))
    with pytest.raises(UnreachableError):
        first.run(away, last=last)
    asked = len(platform.calls)
    with pytest.raises(UnreachableError):
        second.run(kept, last=last)
    assert (kept.messages, len(platform.calls)) == ([], asked)
    stop.clear()
    second.run(kept, last=last)
    assert len(kept.messages) == 3


def announced(token: str, age: float = 0) -> RawMessage:
    event = raw(EVENT.replace("ENCtoken", token).encode(), "text/xml")
    return replace(event, envelope=replace(event.envelope, recordedtime=NOW - timedelta(seconds=age)))


@pytest.mark.parametrize("wrong", [9_999_999_999, 1, -1, 0])
def test_a_time_that_no_message_can_have_is_that_of_its_intake(
    platform: WeChatApi, company: WeChatErrands, wrong: int
) -> None:
    platform.customer = [said(1) | {"send_time": wrong}]
    kept = Kept()
    only(company.sweep()).run(kept, last=False)
    assert kept.messages[0].envelope.time == kept.messages[0].envelope.recordedtime


def test_a_message_of_an_unknown_shape_holds_up_nobody(platform: WeChatApi, company: WeChatErrands) -> None:
    platform.customer = [{"open_kfid": "wk1", "msgid": 7, "send_time": "soon"}, said(1)]
    kept = Kept()
    only(company.sweep()).run(kept, last=False)
    first, second = kept.messages
    assert first.envelope.id == hashlib.sha256(first.value).hexdigest()
    assert second.envelope.id == "msg1"


@pytest.mark.parametrize("spoilt", [rb"cut \ud83d", b"a\nb", b"\xff"])
def test_half_an_emoji_of_one_holds_up_nobody(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered, spoilt: bytes
) -> None:
    """The cursor cannot pass a page that cannot be read, and after three days all that is behind it is gone."""
    one, two, three = (json.dumps(said(number), ensure_ascii=False).encode() for number in (1, 2, 3))
    two = two.replace("第2条".encode(), spoilt)
    page = b'{"errcode":0,"errmsg":"ok","next_cursor":"c1","has_more":0,"msg_list":[%s]}' % b",".join((one, two, three))
    platform.fault = answering(page, only="kf/sync_msg")
    kept = Kept()
    only(company(raw(EVENT.encode(), "text/xml"))).run(kept, last=False)
    assert [message.envelope.id for message in kept.messages] == ["msg1", "msg2", "msg3"]
    assert (kept.messages[0].value, kept.messages[2].value) == (one, three)
    assert cursors.saved == ["c1"]
    if spoilt != b"\xff":  # a dead letter, with its bytes
        assert normalize(kept.messages[1], Policy())[0].text


def test_a_page_that_is_too_much_at_once_comes_in_smaller_ones(platform: WeChatApi, company: WeChatErrands) -> None:
    """A line that is too slow for a thousand messages would otherwise be asked for the same thousand for ever."""
    platform.page, platform.customer = 1000, [said(number) for number in range(5)]
    asked: list[int] = []

    def fault(call: Call) -> bool:
        if call.endpoint == "kf/sync_msg":
            asked.append(call.json["limit"])
        if call.endpoint != "kf/sync_msg" or asked[-1] <= 1:
            return False
        call.send(b"{", "text/plain", length=1000)  # cut off
        return True

    platform.fault = fault
    kept, errand = Kept(), only(company.sweep())
    for _ in range(3):
        with pytest.raises(UnreachableError):
            errand.run(kept, last=False)
    with pytest.raises(UnreachableError):  # the next page is asked for with two
        errand.run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == ["msg0"]
    platform.fault = None
    errand.run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == [f"msg{number}" for number in range(5)]
    assert asked == [1000, 100, 10, 1, 2]


@pytest.mark.parametrize("errcode", [40058, -1])
def test_a_cursor_that_the_platform_refuses_keeps_no_account_for_ever(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered, errcode: int
) -> None:
    platform.customer = [said(number) for number in range(5)]
    only(company.sweep()).run(Kept(), last=False)
    platform.customer.append(said(5))

    def fault(call: Call) -> bool:
        if call.endpoint != "kf/sync_msg" or call.json["cursor"] != "5":
            return False
        call.say({"errcode": errcode, "errmsg": "refused"})
        return True

    platform.fault = fault
    kept = Kept()
    if errcode == -1:  # the platform is busy, and says nothing of the cursor
        with pytest.raises(RefusalError):
            only(company.sweep()).run(kept, last=False)
        assert kept.messages == []
        return
    platform.page = 6  # no page begins behind the cursor that is refused
    only(company.sweep()).run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == [f"msg{number}" for number in range(6)]
    assert cursors.saved[-1] == "6"


def test_a_cursor_that_does_not_move_is_no_endless_loop(platform: WeChatApi, company: WeChatErrands) -> None:
    platform.fault = answering(b'{"errcode":0,"next_cursor":"","has_more":1,"msg_list":[]}', only="kf/sync_msg")
    with pytest.raises(UnreachableError):
        only(company.sweep()).run(Kept(), last=False)


def test_cursors_that_go_round_are_no_endless_loop(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered
) -> None:
    platform.fault = saying((cursor, 1, []) for cursor in ["c1", "c2", "c3"] * 3)  # a loop runs out of them
    with pytest.raises(NoAnswerError):
        only(company.sweep()).run(Kept(), last=False)
    assert cursors.saved == ["c1", "c2", "c3", "c1"]


def test_a_page_may_say_null_where_nothing_is(platform: WeChatApi, company: WeChatErrands, cursors: Remembered) -> None:
    """Some gateways write it so; behind a page that cannot be read all would be lost after three days."""
    platform.fault = saying([("c1", True, None), (None, False, [said(1)])])
    kept = Kept()
    only(company.sweep()).run(kept, last=False)
    assert [one.envelope.id for one in kept.messages] == ["msg1"]
    assert cursors.saved == ["c1"]


def test_a_refusal_is_tried_again_until_the_time_is_over(platform: WeChatApi, company: WeChatErrands) -> None:
    platform.fault = answering(b'{"errcode":95000}', only="kf/sync_msg")
    errand = only(company.sweep())
    with pytest.raises(RefusalError):
        errand.run(Kept(), last=False)
    with pytest.raises(GivenUp) as caught:
        errand.run(Kept(), last=True)
    assert isinstance(caught.value.fault, RefusalError)
    platform.expire_tokens()
    platform.fault = answering(b'{"errcode":40125}', only="gettoken")
    with pytest.raises(UnauthorizedError):
        only(company.sweep()).run(Kept(), last=False)


def test_messages_that_only_a_secret_can_fetch_are_a_complaint_and_wait(blobs: LocalStore) -> None:
    plan = WeChatErrands({}, blobs, now=lambda: NOW, mute={"city"})
    errand, again = only(plan(raw(EVENT.encode(), "text/xml"))), only(plan(raw(EVENT.encode() + b" ", "text/xml")))
    assert (errand.account, errand.name, errand.deadline) == ("city", again.name, NOW + timedelta(days=3))
    with pytest.raises(UnauthorizedError, match="secret"):
        errand.run(Kept(), last=False)
    with pytest.raises(GivenUp, match="secret"):
        errand.run(Kept(), last=True)
    assert list(plan(callback())) == []
    assert list(plan(raw(EVENT.encode(), "text/xml", account="other"))) == []


@pytest.mark.parametrize("body", [EVENT.replace("wk1", ""), EVENT.replace("kf_msg_or_event", "change_contact")])
def test_other_events_pull_nothing(company: WeChatErrands, body: str) -> None:
    assert list(company(raw(body.encode(), "text/xml"))) == []


def test_customer_files_are_fetched_as_well(platform: WeChatApi, company: WeChatErrands) -> None:
    platform.media["m9"] = (PHOTO, "image/jpeg")
    platform.customer = [{**said(1), "msgtype": "image", "image": {"media_id": "m9"}}]
    pulled, kept = Kept(), Kept()
    only(company.sweep()).run(pulled, last=False)
    only(company(pulled.messages[0])).run(kept, last=False)
    assert [fate.media_id for fate in kept.fates] == ["m9"]


PADDING = "长" * INLINE_LIMIT


class Store:
    """A way to Kafka that large messages take by a blob store, which is away."""

    def __init__(self) -> None:
        self.away = True
        self.came: list[str] = []

    def __call__(self, messages: Sequence[RawMessage]) -> None:
        large = frozenset(one.message_id for one in messages if len(one.value) > INLINE_LIMIT)
        if large and self.away:
            raise StoreAwayError("the blob store is away", large)
        self.came += [one.envelope.id for one in messages]


def large(number: int) -> dict[str, Any]:
    return {**said(number), "text": {"content": PADDING}}


def test_large_messages_wait_for_the_store_and_no_other_waits_with_them(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered
) -> None:
    platform.customer = [said(0), large(1), said(2), said(3), large(4), said(5)]
    errand, store = only(company(raw(EVENT.encode(), "text/xml"))), Store()
    for _ in range(2):
        with pytest.raises(StoreAwayError):
            errand.run(store, last=False)
    assert store.came == ["msg0", "msg2", "msg3", "msg5"]
    platform.customer.append(said(6))
    with pytest.raises(StoreAwayError):
        errand.run(store, last=False)
    assert store.came[4:] == ["msg6"]
    assert cursors.position == {"cursor": "7", "large": ""}
    store.away = False
    errand.run(store, last=False)
    assert store.came[5:] == ["msg1", "msg4"]
    assert cursors.position == {"cursor": "7"}
    only(company.sweep()).run(store, last=False)
    assert len(store.came) == 7


def test_a_large_message_of_a_page_whose_cursor_does_not_move_is_asked_for_again(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered
) -> None:
    page = {"errcode": 0, "next_cursor": "", "has_more": 0, "msg_list": [said(0), large(1)]}
    platform.fault = answering(json.dumps(page).encode(), only="kf/sync_msg")
    errand, store = only(company(raw(EVENT.encode(), "text/xml"))), Store()
    with pytest.raises(StoreAwayError):
        errand.run(store, last=False)
    assert (store.came, cursors.position) == (["msg0"], {})
    store.away = False
    errand.run(store, last=False)
    assert store.came == ["msg0", "msg0", "msg1"]


def test_what_the_platform_has_no_more_holds_up_no_later_one(
    platform: WeChatApi, company: WeChatErrands, cursors: Remembered
) -> None:
    """After three days it refuses the place of what waited, and begins with what it still has."""
    platform.customer = [large(0), said(1)]
    errand, store = only(company(raw(EVENT.encode(), "text/xml"))), Store()
    with pytest.raises(StoreAwayError):
        errand.run(store, last=False)
    cursors.save(Cursor(connector_id="city:wk1", position={"cursor": "2", "large": "old"}))
    store.away, platform.customer = False, [said(1), said(2), large(3)]

    def fault(call: Call) -> bool:
        if call.endpoint != "kf/sync_msg" or call.json["cursor"] != "old":
            return False
        call.say({"errcode": 95000, "errmsg": "invalid cursor"})
        return True

    platform.fault = fault
    errand.run(store, last=False)
    assert set(store.came) == {"msg1", "msg3"}
    assert cursors.position == {"cursor": "3"}


def test_a_message_of_customers_is_no_older_than_the_last_whole_pull(platform: WeChatApi, api: Api) -> None:
    at, cursors, kept = [NOW], Remembered(), Kept()
    messages = CustomerMessages(api, "wk1", "city", "430100", cursors, now=lambda: at[0])
    platform.customer = [said(number) for number in range(3)]
    messages.pull(kept)
    assert [one.envelope.notbefore for one in kept.messages] == [None] * 3, "what was there before us"
    at[0] += timedelta(hours=1)
    platform.customer.append(said(3))
    messages.pull(kept)
    assert kept.messages[3].envelope.notbefore == NOW
    platform.fault = refusing_the_cursor
    at[0] += timedelta(hours=1)
    del kept.messages[:]
    messages.pull(kept)
    assert {one.envelope.notbefore for one in kept.messages} == {None}, "three days once more"


def refusing_the_cursor(call: Call) -> bool:
    if call.endpoint != "kf/sync_msg" or call.json.get("cursor") != "4":
        return False
    call.say({"errcode": 95008, "errmsg": "invalid cursor"})
    return True
