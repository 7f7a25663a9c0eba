"""Translates Elasticsearch's errors into errors of the pipeline."""

import contextlib
from collections.abc import Iterator

from elastic_transport import ApiError, TransportError
from elasticsearch import UnsupportedProductError

from schemas.errors import (
    MisconfiguredError,
    PipelineError,
    SchemaError,
    ThrottledError,
    TooLargeError,
    UnauthorizedError,
    UnreachableError,
)

HINT = "look at its log, or start the local one with `hotline up`"


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Translate any exception of the client; the text never contains a document's content."""
    try:
        yield
    except (ApiError, TransportError, OSError, TimeoutError) as error:
        raise ours(error) from error


def ours(error: Exception) -> PipelineError:
    """Return the pipeline's error for one of the client's."""
    if isinstance(error, UnsupportedProductError):
        return MisconfiguredError("The service at the Elasticsearch address is not Elasticsearch: check the hosts")
    if isinstance(error, ApiError):
        return _of_answer(error)
    return UnreachableError(f"Elasticsearch does not answer ({type(error).__name__}): {HINT}")


def _of_answer(error: ApiError) -> PipelineError:
    status = error.meta.status
    if status == 401:
        return UnauthorizedError(
            "Elasticsearch refuses our login (401): use a valid API key or password that has not expired"
        )
    if status == 403:
        return UnauthorizedError(
            f"Elasticsearch denies this to our user (403 {_kind(error)}): give it the role of "
            "deploy/elasticsearch-roles.json, or unblock the index"
        )
    if status == 429:
        return ThrottledError("Elasticsearch is overloaded (429)", _seconds(error.meta.headers.get("retry-after")))
    if status == 413:
        return TooLargeError("Elasticsearch refuses the request as too large (413)")
    if status == 400:
        return SchemaError(f"Elasticsearch cannot read the request (400 {_kind(error)})")
    return UnreachableError(f"Elasticsearch answers {status}: {HINT}")


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None


def _kind(error: ApiError) -> str:
    """Return Elasticsearch's name of the exception, which the client calls message; never a sentence that quotes."""
    return error.message if error.message.endswith("_exception") and error.message.isascii() else type(error).__name__
