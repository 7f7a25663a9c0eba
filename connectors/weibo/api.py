"""API: interfaces of the open platform for one account, in tweepy's style."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import requests

from connectors.weibo import http
from connectors.weibo.errors import TooManyRequests, UnreadableAnswer, WeiboException, code_of, kind_of
from connectors.weibo.models import AnyModel, Comment, DirectMessage, ResultSet, Status, parse
from connectors.weibo.pagination import FIRST, LAST, pagination
from schemas import ids
from schemas.codec import UNREADABLE

HOST = "api.weibo.com"

Page = ResultSet[Any] | tuple[ResultSet[Any], tuple[int, int]]
"""A page; if `cursor` is among the parameters, also the cursors before and after it."""


class OAuth2:
    """Credentials: the access token that a user granted to the application."""

    def __init__(self, access_token: str) -> None:
        self.access_token = access_token


class API:
    """`API(OAuth2(token)).mentions(since_id=…)`; raises the errors of `connectors.weibo.errors`.

    Every list takes `since_id` (ids above), `max_id` (ids at or below), `count`, `page`, and the platform's filters;
    `Cursor` pages through it. `host` may include a scheme. `spend` is called with the interface before each call that
    counts against the quota, and may raise to prevent it.
    """

    def __init__(
        self,
        auth: OAuth2,
        *,
        host: str = HOST,
        wait_on_rate_limit: bool = False,
        session: requests.Session | None = None,
        spend: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.auth = auth
        self._base = host if "://" in host else f"https://{host}"
        self._wait = wait_on_rate_limit
        self._session = session or http.new_session()
        self._spend = spend
        self._clock = clock
        self._sleep = sleep

    @pagination
    def mentions(self, **parameters: Any) -> Page:
        """Return statuses that mention the account (statuses/mentions)."""
        return self._list("statuses/mentions", "statuses", Status, parameters)

    @pagination
    def comments_to_me(self, **parameters: Any) -> Page:
        """Return comments under the account's statuses, and answers to its comments (comments/to_me)."""
        return self._list("comments/to_me", "comments", Comment, parameters)

    @pagination
    def comments_mentions(self, **parameters: Any) -> Page:
        """Return comments that mention the account (comments/mentions)."""
        return self._list("comments/mentions", "comments", Comment, parameters)

    @pagination
    def direct_messages(self, **parameters: Any) -> Page:
        """Return direct messages to the account (direct_messages; a commercial interface, for verified accounts)."""
        return self._list("direct_messages", "direct_messages", DirectMessage, parameters)

    def rate_limit_status(self) -> dict[str, Any]:
        """Return the remaining quota (account/rate_limit_status); the call itself costs nothing."""
        return self._request("GET", "2/account/rate_limit_status.json", {}).whole()

    def get_token_info(self) -> dict[str, Any]:
        """Return the token's owner and remaining seconds (oauth2/get_token_info: uid, appkey, expire_in)."""
        return self._request("POST", "oauth2/get_token_info", {}).whole()

    def send_direct_message(self, recipient_id: str, text: str) -> dict[str, Any]:
        """Reply to a user who wrote to the account (messages/reply), within 48 hours; `text` is below 300 characters.

        On NoAnswer, UnreadableAnswer and WeiboServerError the text may have been sent all the same.
        """
        data = msgspec.json.encode({"text": text}).decode()
        form = {"type": "text", "receiver_id": recipient_id, "data": data, "save_sender_box": "1"}
        return self._request("POST", "2/messages/reply.json", form).whole()

    def _list(self, interface: str, name: str, kind: type[AnyModel], parameters: Mapping[str, Any]) -> Page:
        wanted = {key: str(value) for key, value in parameters.items() if value is not None and key != "cursor"}
        at = parameters.get("cursor")
        if at not in (None, FIRST):
            wanted["max_id"] = str(at)
        page = self._page(interface, name, kind, wanted)
        if at is None:
            return page
        return page, (LAST, page.max_id or LAST)

    def _page(self, interface: str, name: str, kind: type[AnyModel], wanted: dict[str, str]) -> ResultSet[AnyModel]:
        while True:
            if self._spend is not None:
                self._spend(interface)
            try:
                return self._request("GET", f"2/{interface}.json", wanted).items(name, kind)
            except TooManyRequests as error:
                error.reset_time = self._reset_time()
                if not self._wait or error.reset_time is None:
                    raise
                self._sleep(max(1.0, error.reset_time - self._clock()))

    def _reset_time(self) -> int | None:
        try:
            seconds = self.rate_limit_status().get("reset_time_in_seconds")
        except WeiboException:
            return None
        return int(self._clock()) + seconds if type(seconds) is int and seconds >= 0 else None

    def _request(self, method: str, path: str, parameters: Mapping[str, str]) -> "_Answered":
        """Return a successful answer."""
        named = {**parameters, "access_token": self.auth.access_token}
        given: dict[str, Any] = {"params": named} if method == "GET" else {"data": named}
        return _checked(http.send(self._session, method, f"{self._base}/{path}", **given))


class _Answered(NamedTuple):
    response: requests.Response
    fields: http.Answer

    def whole(self) -> dict[str, Any]:
        return {name: self.value(name) for name in self.fields}

    def value(self, name: str) -> Any:
        try:
            return msgspec.json.decode(self.fields[name]) if name in self.fields else None
        except UNREADABLE:
            raise UnreadableAnswer(self.response) from None

    def items(self, name: str, kind: type[AnyModel]) -> ResultSet[AnyModel]:
        total = self.value("total_number")
        try:
            raws = msgspec.json.decode(self.fields.get(name, _NOTHING), type=list[msgspec.Raw] | None) or []
            return parse(kind, raws, total if type(total) is int else None)
        except UNREADABLE:
            raise UnreadableAnswer(self.response) from None


_NOTHING = msgspec.Raw(b"[]")

_OF_WHOM = 401
"""Status of a refused token, which the platform sends in JSON. An HTML page with this status comes from a proxy that
demands a login, and does not prove that the token is refused."""


def _checked(response: requests.Response) -> _Answered:
    """Return a successful answer; raises the exception of any other."""
    try:
        answered = _Answered(response, http.read(response))
    except UnreadableAnswer:
        if response.status_code in (200, _OF_WHOM):
            raise
        raise kind_of(None, response.status_code)(response) from None
    faults = {name: answered.value(name) for name in ("error_code", "error") if name in answered.fields}
    code = code_of(faults)
    if code is not None or response.status_code != 200:
        raise kind_of(code, response.status_code)(response, faults)
    return answered


# Complaints about one account's lists for an operator; without personal data.

TOLD_FOR = timedelta(days=7)
"""Time for which a gap is reported."""

_TITLES = {
    "mentions": "@我的微博",
    "comments_to_me": "收到的评论",
    "comments_mentions": "@我的评论",
    "direct_messages": "收到的私信",
}


class Complaints:
    """Faults of the lists of one account."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._refused: dict[str, str] = {}

    def refused(self, name: str, why: str) -> None:
        """Record that the platform refuses a list."""
        self._refused[name] = why

    def well(self, name: str) -> None:
        """Record that a list is available."""
        self._refused.pop(name, None)

    def lists(self) -> tuple[str, ...]:
        """Return a sentence for each refused list."""
        return tuple(
            f"Weibo {self._account}: {name} ({_TITLES[name]}) is not given ({why}): ask for the permission, or take it "
            "out of `lists`"
            for name, why in self._refused.items()
        )

    def gaps(self, found: Mapping[str, Mapping[str, Any]], now: datetime) -> Iterator[str]:
        """Yield a sentence for each gap of the last days."""
        for name, gap in found.items():
            if now - datetime.fromisoformat(gap["found"]) < TOLD_FOR:
                yield (
                    f"Weibo {self._account}: {name} ({_TITLES[name]}) between {_minute(gap['after'])} and "
                    f"{_minute(gap['before'])} were out of reach: look at the account's own page"
                )


def _minute(text: str | None) -> str:
    at = datetime.fromisoformat(text) if text else None
    return f"{at.astimezone(ids.SHANGHAI):%m-%d %H:%M}" if at else "an unknown time"
