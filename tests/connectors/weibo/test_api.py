"""The client in tweepy's shape, and clients of others, all against the same look-alike of the platform."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import tweepy
import weibo

from connectors.weibo import errors, http
from connectors.weibo.api import API, OAuth2
from connectors.weibo.pagination import Cursor
from tests.peers.weibo_platform import EXPIRED, GOOD, US, Platform

pytestmark = pytest.mark.integration

COMMENTS = "/2/comments/to_me.json"


def client(platform: Platform, token: str = GOOD, **options: Any) -> API:
    return API(OAuth2(token), host=platform.url, **options)


# Clients of others


class _Redirected(requests.adapters.HTTPAdapter):
    """Brings what is meant for the platform to its look-alike."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        request.url = self._url + request.path_url
        return super().send(request, **options | {"proxies": None})


def foreign(platform: Platform, token: str) -> Any:
    """Return PyPI's client `weibo`, which knows the real platform's addresses."""
    made = weibo.Client("key", "secret", "http://cb", token={"uid": "1", "access_token": token, "expires_at": 1})
    made.session.mount("https://api.weibo.com", _Redirected(platform.url))
    return made


def test_a_client_of_others_reads_the_look_alike(platform: Platform) -> None:
    for _ in range(5):
        platform.post()
    stranger = foreign(platform, GOOD)
    ours = client(platform).mentions(count=2, page=2)
    theirs = stranger.get("statuses/mentions", count=2, page=2)
    assert [item["idstr"] for item in theirs["statuses"]] == [item.idstr for item in ours]
    assert theirs["total_number"] == ours.total == 5
    sent = stranger.post("messages/reply", type="text", receiver_id=7, data='{"text": "已收到"}')
    assert (sent["result"], platform.replies) == (True, [{"receiver_id": "7", "text": "已收到"}])
    stranger.session.close()


def test_a_client_of_others_is_refused_as_ours_is(platform: Platform) -> None:
    stranger = foreign(platform, EXPIRED)
    with pytest.raises(RuntimeError, match="21327 expired_token"):
        stranger.get("statuses/mentions")
    with pytest.raises(errors.Unauthorized):
        client(platform, EXPIRED).mentions()
    stranger.session.close()


@pytest.mark.parametrize("cursor", [Cursor, tweepy.Cursor], ids=["ours", "tweepy"])
def test_both_cursors_go_through_all_pages_though_new_posts_arrive_meanwhile(platform: Platform, cursor: Any) -> None:
    written = [platform.post()["id"] for _ in range(119)][::-1]
    pages = []
    for page in cursor(client(platform).mentions, count=50).pages():
        pages.append([item.id for item in page])
        platform.post()  # would move every later page by one if they were numbered
    assert [len(page) for page in pages] == [50, 50, 19]
    assert [identifier for page in pages for identifier in page] == written


@pytest.mark.parametrize("cursor", [Cursor, tweepy.Cursor], ids=["ours", "tweepy"])
def test_both_cursors_stop_where_they_are_told(platform: Platform, cursor: Any) -> None:
    written = [platform.post(COMMENTS)["id"] for _ in range(30)]
    api = client(platform)
    assert [item.id for item in cursor(api.comments_to_me, count=4).items(6)] == written[:-7:-1]
    assert len(list(cursor(api.comments_to_me, count=4, since_id=written[19]).items())) == 10
    assert len(list(cursor(api.comments_to_me, count=4).pages(2))) == 2
    assert len(list(Cursor(api.comments_to_me, count=4).items(0))) == 0


def test_what_has_no_pages_has_no_cursor(platform: Platform) -> None:
    with pytest.raises(TypeError, match="has no pages"):
        Cursor(client(platform).rate_limit_status)


# Lists and models


@pytest.mark.parametrize("name", ["mentions", "comments_to_me", "comments_mentions", "direct_messages"])
def test_every_list_gives_its_objects(platform: Platform, name: str) -> None:
    path = {"mentions": "/2/statuses/mentions.json", "direct_messages": "/2/direct_messages.json"}.get(
        name, f"/2/{name.replace('_', '/', 1)}.json"
    )
    platform.post(path, uid=9, text="路灯坏了[心]")
    (found,) = getattr(client(platform), name)()
    person = found.sender if name == "direct_messages" else found.user
    assert (found.text, person.id, person.screen_name) == ("路灯坏了[心]", 9, "市民9")
    assert found.created_at.tzinfo is UTC
    assert found._json["text"] == found.text


def test_since_id_is_above_and_max_id_at_or_below(platform: Platform) -> None:
    ids = [platform.post()["id"] for _ in range(5)]
    found = client(platform).mentions(since_id=ids[0], max_id=ids[3])
    assert found.ids() == ids[3:0:-1]
    assert (found.since_id, found.max_id) == (ids[3], ids[1] - 1)


def test_an_object_keeps_its_own_bytes(platform: Platform) -> None:
    platform.post(text="路灯坏了💡", id=9223372036854775807, idstr="9223372036854775807")
    (found,) = client(platform).mentions()
    assert found.id == 9223372036854775807
    assert b'"id": 9223372036854775807' in found._raw
    assert "路灯坏了💡".encode() in found._raw


def test_nested_objects_and_missing_fields(platform: Platform) -> None:
    platform.post(retweeted_status={"id": 3, "text": "x", "user": {"id": 4}}, created_at="?")
    platform.post(user=None, retweeted_status=None)
    later, first = client(platform).mentions()
    assert (first.retweeted_status.user.id, first.created_at) == (4, None)
    assert (later.user, later.retweeted_status) == (None, None)
    with pytest.raises(AttributeError, match="no geo"):
        _ = first.geo
    assert {first, first} == {first}
    assert "市民" not in repr(first)


# Faults


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, 10022, errors.TooManyRequests),
        (403, "10023", errors.TooManyRequests),
        (403, 10024, errors.TooManyRequests),
        (429, 1, errors.TooManyRequests),
        (418, 1, errors.TooManyRequests),
        (403, 21327, errors.Unauthorized),
        (200, 21332, errors.Unauthorized),
        (400, "21314", errors.Unauthorized),
        (403, 10014, errors.Forbidden),
        (400, 10020, errors.NotFound),
        (400, 20101, errors.NotFound),
        (200, 10001, errors.WeiboServerError),
        (503, "what", errors.WeiboServerError),
        (400, 10008, errors.BadRequest),
        (200, "what", errors.BadRequest),
    ],
)
def test_the_code_tells_the_exception_and_not_the_status(
    platform: Platform, status: int, code: int | str, kind: type[Exception]
) -> None:
    platform.refusal = (status, code)
    with pytest.raises(errors.HTTPException) as caught:
        client(platform).mentions()
    assert type(caught.value) is kind
    assert caught.value.response.status_code == status
    assert caught.value.api_messages == ["refused"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("html", errors.UnreadableAnswer),
        ("empty", errors.UnreadableAnswer),
        ("cut", errors.UnreadableAnswer),
        ("list", errors.UnreadableAnswer),
        ("gzip", errors.NoAnswer),
        ("drop", errors.NoAnswer),
        ("401", errors.UnreadableAnswer),
        ("502", errors.WeiboServerError),
        ("10001", errors.WeiboServerError),
    ],
)
def test_every_broken_answer_is_one_of_ours(platform: Platform, fault: str, kind: type[Exception]) -> None:
    platform.faults = [fault]
    with pytest.raises(errors.WeiboException) as caught:
        client(platform).mentions()
    assert type(caught.value) is kind
    assert GOOD not in str(caught.value)
    assert caught.value.__cause__ is None  # the library's own words hold the address, and that the token
    assert client(platform).mentions() == []


def test_nobody_takes_the_token_elsewhere(platform: Platform) -> None:
    platform.faults = ["302"]
    with pytest.raises(errors.BadRequest):
        client(platform).mentions()
    assert platform.met == 0


def test_half_an_emoji_of_one_hides_nobody_elses_words(platform: Platform) -> None:
    """Platforms cut texts by UTF-16 units: the page would be unreadable for as long as that item is on it."""
    whole, half, huge = (
        b'{"id":5100000000000003,"text":"\\u706b \\ud83d\\ude00","n":1.50}',
        b'{"id":5100000000000002,"text":"cut \\ud83d"}',
        b'{"id":5100000000000001,"n":1e400}',
    )
    platform.raw = b'{"statuses":[%s],"total_number":3}' % b",".join((whole, half, huge))
    page = client(platform).mentions()
    assert [item._raw for item in page] == [whole, half.replace(b"\\ud83d", b"\\ufffd"), huge]
    assert [item.id for item in page] == [5100000000000003, 5100000000000002, None]


def test_a_list_that_is_none_is_unreadable(platform: Platform) -> None:
    platform.raw = b'{"statuses":{"a":1}}'
    with pytest.raises(errors.UnreadableAnswer):
        client(platform).mentions()


def test_nobody_there_is_told_from_nobody_answering(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.NotReached):
        API(OAuth2(GOOD), host="http://127.0.0.1:9").mentions()
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    platform.faults = ["hang"]
    with pytest.raises(errors.NoAnswer):
        client(platform).mentions()


def test_an_answer_without_end_is_given_up(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.post()
    monkeypatch.setattr(http, "BODY_MAX_BYTES", 100)
    with pytest.raises(errors.UnreadableAnswer):
        client(platform).mentions()
    monkeypatch.setattr(http, "BODY_MAX_BYTES", 10**6)
    monkeypatch.setattr(http, "WHOLE_SECONDS", -1.0)
    with pytest.raises(errors.NoAnswer):
        client(platform).mentions()


# The quota


def test_a_used_up_quota_says_when_it_begins_anew(platform: Platform) -> None:
    platform.quota, platform.reset_in = 1, 1415
    api = client(platform, clock=lambda: 1_000_000.0)
    api.mentions()
    with pytest.raises(errors.TooManyRequests) as caught:
        api.mentions()
    assert caught.value.reset_time == 1_001_415
    assert caught.value.api_codes == [10023]


def test_whoever_wants_to_wait_waits_until_then(platform: Platform) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        platform.quota = 10

    platform.quota, platform.reset_in = 0, 1415
    platform.post()
    api = client(platform, wait_on_rate_limit=True, clock=lambda: 1_000_000.0, sleep=sleep)
    assert len(api.mentions()) == 1
    assert slept == [1415]


def test_every_counted_call_is_told_before_it_is_made(platform: Platform) -> None:
    told: list[str] = []
    api = client(platform, spend=told.append)
    api.mentions()
    list(Cursor(api.comments_to_me).pages())
    api.rate_limit_status()
    assert told == ["statuses/mentions", "comments/to_me"]


def test_the_token_tells_whose_it_is_and_how_long(platform: Platform) -> None:
    assert client(platform).get_token_info()["expire_in"] == 30 * 86_400
    assert client(platform).get_token_info()["uid"] == US


@pytest.mark.parametrize(
    "name", ["HTTPException", "BadRequest", "Unauthorized", "Forbidden", "NotFound", "TooManyRequests"]
)
def test_the_exceptions_have_tweepys_names_and_family(name: str) -> None:
    ours, theirs = getattr(errors, name), getattr(tweepy.errors, name)
    assert ours.__name__ == theirs.__name__
    family = [kind.__name__.replace("TweepyException", "WeiboException") for kind in theirs.__mro__]
    assert [kind.__name__ for kind in ours.__mro__] == family


def test_created_at_of_an_object_is_utc(platform: Platform) -> None:
    platform.post(created_at="Tue May 31 17:46:55 +0800 2011")
    (found,) = client(platform).mentions()
    assert found.created_at == datetime(2011, 5, 31, 9, 46, 55, tzinfo=UTC)
