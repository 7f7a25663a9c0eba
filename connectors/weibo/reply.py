"""Receipts by direct message (私信) through the customer service interface, within 48 hours of the user's message."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import requests

from connectors.replies.base import AT_ONCE_MOST, Reply, Sent
from connectors.weibo import http
from connectors.weibo.api import API, OAuth2
from connectors.weibo.errors import (
    HTTPException,
    NoAnswer,
    NotReached,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
    WeiboServerError,
)
from connectors.weibo.settings import TokenSettings
from normalizers.weibo.json import digits, text_of
from schemas.errors import ThrottledError, UnauthorizedError, UnreachableError
from storage.thread_pool import Threads

WINDOW = timedelta(hours=48)
TEXT_MAX = 300
"""Limit in characters of one message: https://open.weibo.com/wiki/Send_Customer_Service_Message."""

THROTTLED_SECONDS = 600.0
"""Seconds to wait after a throttling without a reset time."""


class WeiboSender:
    """Sends replies of one account; `connectors.replies.base.Sender`."""

    def __init__(
        self,
        settings: TokenSettings,
        account_id: str,
        session: Callable[[], requests.Session] = http.new_session,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._account = account_id
        self._make_session = session
        self._clock = clock
        self._refused: str | None = None
        self._thread = Threads(f"weibo-{account_id}", AT_ONCE_MOST)

    async def send(self, reply: Reply) -> Sent:
        """Send one text and return the outcome; without a certain refusal it is `unknown` and never sent again."""
        fault = self._unsendable(reply)
        if fault is not None:
            return Sent(outcome="refused", code=fault)
        return await self._thread.do(self._sent, reply)

    async def close(self) -> None:
        """Do nothing: no connection is kept between two replies."""

    def _unsendable(self, reply: Reply) -> str | None:
        """Return the reason for which the platform would refuse a reply; such a reply is not sent."""
        if reply.recipient.kind != "uid" or not digits(reply.recipient.value):
            return "recipient"
        if len(reply.text) >= TEXT_MAX:
            return "too_long"
        now = datetime.fromtimestamp(self._clock(), UTC)
        return "window_closed" if now - reply.received_at >= WINDOW else None

    def _sent(self, reply: Reply) -> Sent:
        token = self._settings.token()
        if token == self._refused:
            raise self._unauthorized()
        with self._make_session() as session:
            api = API(OAuth2(token), host=self._settings.reply_host, session=session, clock=self._clock)
            try:
                answer = api.send_direct_message(reply.recipient.value, reply.text)
            except Unauthorized:
                self._refused = token
                raise self._unauthorized() from None
            except NotReached as error:
                raise UnreachableError(f"Weibo {self._account}: no connection ({error}): nothing was sent") from None
            except TooManyRequests as error:
                raise self._throttled(error) from None
            except NoAnswer:
                return Sent(outcome="unknown", code="no_answer")
            except (UnreadableAnswer, WeiboServerError) as error:
                return Sent(outcome="unknown", code=_code(error))
            except HTTPException as error:
                return Sent(outcome="refused", code=_code(error))
        if answer.get("result") is False:
            return Sent(outcome="refused", code="result_false")
        return Sent(outcome="accepted", code="200", reference=text_of(answer.get("id")) or None)

    def _unauthorized(self) -> UnauthorizedError:
        return UnauthorizedError(
            f"Weibo {self._account}: the access token is refused, nothing was sent: renew the authorization"
        )

    def _throttled(self, error: TooManyRequests) -> ThrottledError:
        after = error.reset_time - self._clock() if error.reset_time is not None else THROTTLED_SECONDS
        return ThrottledError(f"Weibo {self._account}: too many replies ({error}): nothing was sent", max(1.0, after))


def _code(error: HTTPException) -> str:
    return str(error.api_codes[0] if error.api_codes else error.response.status_code)
