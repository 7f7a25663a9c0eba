"""HTTP client of one subscriber: a signed POST and a verdict for each document. The dispatcher retries."""

import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from aiohttp import ClientError, ClientSession, ClientSSLError, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.client_exceptions import ClientConnectorDNSError

from schemas.errors import (
    MisconfiguredError,
    RecordError,
    RetriableError,
    ThrottledError,
    UndeliverableError,
    UnreachableError,
)
from sinks.base import Document, Refusal, Verdicts
from sinks.groups import name_of
from sinks.webhook.request import Body, body_of, delivery_id, is_wanted, lost_in, may_be_read, outgoing
from sinks.webhook.resolver import CheckedResolver
from sinks.webhook.response import Answer, Outcome, judge
from sinks.webhook.settings import SubscriberSettings
from sinks.webhook.signature import signed_headers

AGENT = "hotline-webhook"


class WebhookSink:
    """Posts documents to one subscriber, one after the other."""

    def __init__(
        self,
        subscriber: str,
        settings: SubscriberSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name_of(subscriber)
        self._subscriber = subscriber
        self._settings = settings
        self._filter = settings.readable
        self._now = now
        self._session: ClientSession | None = None

    async def open(self) -> None:
        """Create the HTTP client; nothing connects yet. Raises MisconfiguredError for invalid certificates."""
        self._client()

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        """Post the documents in order; after a fault the rest is not posted.

        Raises RetriableError if the endpoint of the first is unreachable, and as `open` does.
        """
        verdicts = Verdicts()
        for number, document in enumerate(documents):
            try:
                answer = await self.send(document)
            except RecordError as error:
                verdicts.rejected.append(Refusal(document, error.code, str(error)))
                continue
            if answer.outcome is Outcome.AWAY and number == 0:
                raise self._fault(answer)
            if answer.outcome is Outcome.AWAY:
                rest = documents[number:]
                verdicts.retry.extend(Refusal(one, UndeliverableError.code, self.reason(answer)) for one in rest)
                break
            self._sort(document, answer, verdicts)
        return verdicts

    async def send(self, document: Document) -> Answer:
        """Post one document and return the verdict. Raises RecordError if there is nothing to post, and FatalError."""
        identifier = delivery_id(self._subscriber, document)
        return await self.post(identifier, body_of(document, self._settings))

    async def post(self, identifier: str, body: Body) -> Answer:
        """Post one signed body and return the verdict. Raises as `open` does."""
        started = time.perf_counter()
        try:
            status, headers = await self._exchanged(identifier, body)
        except (ClientError, OSError, TimeoutError) as error:
            return Answer(Outcome.AWAY, _obstacle(error), _since(started))
        return judge(self._subscriber, status, headers, _since(started), self._now())

    def wants(self, document: Document) -> bool:
        """Return whether the subscriber's filter passes a document. Raises SchemaError if it cannot be read."""
        return is_wanted(document, self._filter)

    def outgoing(self, document: Document, known: int = 0) -> Document | None:
        """Return the request for a document, or None; `known` is as in `lost_in`. Raises as `wants`."""
        return outgoing(document, self._filter, known, self._now())

    def lost_in(self, document: Document) -> int:
        """Return the last version that removed words from the subscriber's view, 0 without one. Raises as `wants`
        does.
        """
        return lost_in(document, self._filter)

    def may_read(self, document: Document) -> bool:
        """Return whether the subscriber may read tickets of this level (保密). Raises as `wants` does."""
        return may_be_read(document, self._filter)

    def reason(self, answer: Answer) -> str:
        """Return the reason of a failure without the URL, which may hold a token."""
        test = f"run `hotline webhook test {self._subscriber}`"
        if answer.told.isdecimal():
            return f"subscriber {self._subscriber} answers {answer.told}: look at its log, or {test}"
        return f"subscriber {self._subscriber} cannot be reached ({answer.told}): {test}"

    async def close(self) -> None:
        """Close the HTTP client."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchanged(self, identifier: str, body: Body) -> tuple[int, dict[str, str]]:
        timestamp = int(self._now().timestamp())
        headers = body.headers | signed_headers(self._settings.keys, identifier, timestamp, body.content)
        # The answer's body is not read: nothing in it matters, and a hostile one could be endless.
        async with self._client().post(
            self._settings.url, data=body.content, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}

    def _client(self) -> ClientSession:
        if self._session is None:
            self._session = self._made()
        return self._session

    def _made(self) -> ClientSession:
        chosen = self._settings
        resolver = CheckedResolver(
            f"sinks.webhook.{self._subscriber}.url", allow_private=chosen.allow_private, tls=chosen.tls
        )
        return ClientSession(
            connector=TCPConnector(
                limit=chosen.requests_at_once,
                ssl=self._tls(),
                resolver=resolver,
                socket_factory=resolver.socket_for,
            ),
            timeout=ClientTimeout(total=chosen.request_timeout_seconds),
            headers={"user-agent": AGENT} | self._login(),
            cookie_jar=DummyCookieJar(),
        )

    def _login(self) -> dict[str, str]:
        secret = self._settings.authorization
        return {"authorization": secret.get_secret_value()} if secret else {}

    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._settings.ca_certs)
        except (OSError, ssl.SSLError) as error:
            raise MisconfiguredError(
                f"`sinks.webhook.{self._subscriber}.ca_certs` cannot be used: name a file of PEM certificates."
            ) from error

    def _fault(self, answer: Answer) -> RetriableError:
        if answer.told == "429":
            return ThrottledError(self.reason(answer), answer.retry_after)
        return UnreachableError(self.reason(answer))

    def _sort(self, document: Document, answer: Answer, verdicts: Verdicts) -> None:
        if answer.outcome is Outcome.DELIVERED:
            verdicts.stored.append(document)
        else:
            heap = verdicts.retry if answer.outcome is Outcome.LATER else verdicts.rejected
            heap.append(Refusal(document, UndeliverableError.code, self.reason(answer)))


def _obstacle(error: Exception) -> str:
    """Return the failure in one word; the library's text can quote the URL."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ClientConnectorDNSError):
        return "name"
    if isinstance(error, ClientSSLError):
        return "tls"
    return "connection"


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
