"""Access token: read again from its file, reported days before its end, never used again after a refusal."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import requests

from connectors import metrics
from connectors.weibo.api import API, OAuth2
from connectors.weibo.errors import RefusedError, SlowDownError, door
from connectors.weibo.rate_limit import Budget
from connectors.weibo.settings import WeiboPullSettings
from schemas import ids
from schemas.errors import RetriableError, UnauthorizedError, UnreachableError, UnshownError

DAY_SECONDS = 86_400.0

LONGEST_TOKEN_SECONDS = 10 * 366 * DAY_SECONDS
"""Limit of a credible lifetime in seconds, before or after now; today's tokens last five years."""


class Access:
    """Returns the API of one account while its token is valid."""

    def __init__(
        self,
        settings: WeiboPullSettings,
        account: str,
        budget: Budget,
        session: Callable[[], requests.Session],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._account = account
        self._budget = budget
        self._make_session = session
        self._clock = clock
        self._session: requests.Session | None = None
        self._token: str | None = None
        self._refused: str | None = None
        self._expires_at = settings.token_expires_at.timestamp() if settings.token_expires_at else None

    def api(self) -> API:
        """Return the API with the current token; raises UnshownError for a refused token, without a call."""
        token = self._settings.token()
        if token == self._refused:
            raise UnshownError(
                f"Weibo {self._account}: the access token is refused, so nothing is fetched: renew the authorization"
            )
        if self._session is None:
            self._session = self._make_session()
        api = API(
            OAuth2(token), host=self._settings.host, session=self._session, spend=self._budget.spend, clock=self._clock
        )
        if token != self._token:
            self._token = token
            self._ask(api)
        return api

    def examine(self) -> tuple[float | None, int | None]:
        """Ask the platform for the token's end (seconds since 1970) and the number of remaining calls.

        Raises UnauthorizedError for a refused token, UnreachableError if the platform does not report them.
        """
        api = self.api()
        try:
            with door(self._account):
                self._note_end(api)
                return self._expires_at, self._note_quota(api)
        except (RefusedError, SlowDownError) as error:
            raise UnreachableError(f"Weibo {self._account}: the platform returns nothing now ({error})") from None

    def refuse(self) -> None:
        """Remember that the platform refused the token: it is not sent again."""
        self._refused, self._token = self._token, None

    def complaint(self) -> str | None:
        """Return a sentence if the token ends soon."""
        if self._expires_at is None or self._expires_at - self._clock() > self._settings.token_warn_days * DAY_SECONDS:
            return None
        end = datetime.fromtimestamp(self._expires_at, ids.SHANGHAI)
        return f"Weibo {self._account}: the access token ends on {end:%Y-%m-%d}: let a person grant it again before"

    def close(self) -> None:
        """Close the connections; the token is checked again after the next start."""
        session, self._session, self._token = self._session, None, None
        if session is not None:
            session.close()

    def _ask(self, api: API) -> None:
        """Read the token's end and the remaining quota; a missing report is accepted."""
        try:
            with suppress(RefusedError, SlowDownError, RetriableError), door(self._account):
                self._note_end(api)
                self._note_quota(api)
        except UnauthorizedError:
            self.refuse()
            raise

    def _note_end(self, api: API) -> None:
        if self._settings.token_expires_at is None:
            seconds = api.get_token_info().get("expire_in")
            is_told = isinstance(seconds, int | float) and abs(seconds) <= LONGEST_TOKEN_SECONDS
            self._expires_at = self._clock() + float(seconds or 0) if is_told else None
        if self._expires_at is not None:
            metrics.WEIBO_TOKEN_EXPIRES.labels(self._account).set(self._expires_at)
        else:
            with suppress(KeyError):  # otherwise the metric would show the end of the previous token
                metrics.WEIBO_TOKEN_EXPIRES.remove(self._account)

    def _note_quota(self, api: API) -> int | None:
        limits = api.rate_limit_status()
        left, reset = limits.get("remaining_user_hits"), limits.get("reset_time_in_seconds")
        if isinstance(left, int) and isinstance(reset, int):
            self._budget.learn(left, reset)
        return left if isinstance(left, int) else None
