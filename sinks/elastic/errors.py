"""Translates the errors of Elasticsearch's client into errors of the pipeline."""

import contextlib
from collections.abc import Iterator

from elastic_transport import ApiError, TransportError
from elasticsearch import UnsupportedProductError

from schemas.errors import PipelineError, UnreachableError
from sinks.elastic.status_errors import HINT, error_of, named, no_elasticsearch


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
        return no_elasticsearch()
    if isinstance(error, ApiError):
        # The client calls Elasticsearch's name of the exception its message.
        kind = named(error.message, type(error).__name__)
        return error_of(error.meta.status, kind, error.meta.headers.get("retry-after"))
    return UnreachableError(f"Elasticsearch does not answer ({type(error).__name__}): {HINT}")
