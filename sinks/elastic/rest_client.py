"""Asks Elasticsearch over plain HTTP, for commands: each starts for one question.

Elasticsearch's own client costs 0.5 CPU-seconds to import, with three HTTP clients and all of its interfaces. Processes
that run for long use it, as it keeps connections and does not block.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import certifi
from msgspec import json
from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from schemas.codec import UNREADABLE
from schemas.errors import UnreachableError
from sinks.elastic.status_errors import HINT, error_of, named, no_elasticsearch

_TYPE = "application/vnd.elasticsearch+json; compatible-with=9"
_OF_NODE = frozenset({502, 503, 504})
"""Statuses by which a node says that it cannot answer; another one may."""

_IN_PATH = frozenset({"allow_partial_search_results", "ignore_unavailable"})


class RestClient:
    """Asks the first of several nodes that answers. Raises the errors of the pipeline; a request blocks its thread.

    `hosts` are URLs with scheme, host and port; raises ValueError for others. `login` is the value of the
    Authorization header, which a login in a URL replaces.
    """

    def __init__(self, hosts: Sequence[str], *, login: str | None = None, seconds: float = 15.0, **tls: Any) -> None:
        self._nodes = [_node(host, login) for host in hosts]
        timeout = Timeout(connect=seconds, read=seconds)
        self._http = PoolManager(retries=False, timeout=timeout, **{"ca_certs": certifi.where(), **tls})

    def __enter__(self) -> "RestClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    async def search(self, *, index: str, source: Any = None, **asked: Any) -> dict[str, Any]:
        """Return the answer to a search, whose arguments are those of Elasticsearch's own client."""
        options = [f"{name}={str(value).lower()}" for name, value in asked.items() if name in _IN_PATH]
        body = {name: value for name, value in asked.items() if name not in _IN_PATH and value is not None}
        if source is not None:
            body["_source"] = source
        return self._asked("POST", f"/{quote(index, safe=',*')}/_search?{'&'.join(options)}", json.encode(body))

    def health(self) -> dict[str, Any]:
        """Return how the cluster does."""
        return self._asked("GET", "/_cluster/health", None)

    def _asked(self, method: str, target: str, body: bytes | None) -> dict[str, Any]:
        answer = self._answered(method, target, body)
        return read(answer.status, answer.headers, answer.data)

    def _answered(self, method: str, target: str, body: bytes | None) -> BaseHTTPResponse:
        """Return the first answer of a node that can give one; if none can, what the last one said."""
        refused, answer = UnreachableError(f"Elasticsearch does not answer: {HINT}"), None
        for url, headers in self._nodes:
            try:
                answer = self._http.request(method, url + target, body=body, headers=headers, redirect=False)
            except HTTPError as error:
                refused = UnreachableError(f"Elasticsearch does not answer ({type(error).__name__}): {HINT}")
                if isinstance(error, ReadTimeoutError):  # the same question would hold up the next node as well
                    break
            else:
                if answer.status not in _OF_NODE:
                    break
        if answer is None:
            raise refused
        return answer


def read(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the body of an answer, or raise what it means. No text of it is repeated."""
    if status >= 400:
        raise error_of(status, named(_error_type(body), f"HTTP {status}"), headers.get("retry-after"))
    if headers.get("x-elastic-product") != "Elasticsearch":
        raise no_elasticsearch()
    try:
        return json.decode(body, type=dict[str, Any])
    except UNREADABLE as error:
        raise UnreachableError(f"Elasticsearch does not answer in JSON: {HINT}") from error


def basic(username: str, password: str) -> str:
    """Return the value of the Authorization header of a login."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def _node(host: str, login: str | None) -> tuple[str, Mapping[str, str]]:
    """Return the URL of a node without a login, and the headers of its requests."""
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port is None:
        raise ValueError("URL must include a 'scheme', 'host', and 'port' component (ie 'https://localhost:9200')")
    headers = {"accept": _TYPE, "content-type": _TYPE, **({"authorization": login} if login else {})}
    if parts.username is not None:
        headers["authorization"] = basic(unquote(parts.username), unquote(parts.password or ""))
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return url.rstrip("/"), headers


def _error_type(body: bytes) -> object:
    try:
        return json.decode(body)["error"]["type"]
    except (*UNREADABLE, KeyError, TypeError):
        return None
