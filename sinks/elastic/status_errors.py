"""What an HTTP status of Elasticsearch means, as an error of the pipeline; without Elasticsearch's own client."""

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


class MissingError(UnreachableError):
    """An index is not there (yet)."""


def no_elasticsearch() -> MisconfiguredError:
    """Return the error for an answer of another server."""
    return MisconfiguredError("The service at the Elasticsearch address is not Elasticsearch: check the hosts")


def error_of(status: int, kind: str, retry_after: str | None) -> PipelineError:
    """Return the error of a status; `kind` is Elasticsearch's name of its exception, which quotes nothing."""
    if status == 401:
        return UnauthorizedError(
            "Elasticsearch refuses our login (401): use a valid API key or password that has not expired"
        )
    if status == 403:
        return UnauthorizedError(
            f"Elasticsearch denies this to our user (403 {kind}): give it the role of "
            "deploy/elasticsearch-roles.json, or unblock the index"
        )
    if status == 404:
        return MissingError(f"Elasticsearch answers 404: {HINT}")
    if status == 429:
        return ThrottledError("Elasticsearch is overloaded (429)", _seconds(retry_after))
    if status == 413:
        return TooLargeError("Elasticsearch refuses the request as too large (413)")
    if status == 400:
        return SchemaError(f"Elasticsearch cannot read the request (400 {kind})")
    return UnreachableError(f"Elasticsearch answers {status}: {HINT}")


def named(kind: object, otherwise: str) -> str:
    """Return Elasticsearch's name of an exception; never a sentence, which can quote a document."""
    fits = isinstance(kind, str) and kind.endswith("_exception") and kind.isascii()
    return str(kind) if fits else otherwise


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
