"""No error of the client leaves the sink as it is."""

import elastic_transport
import elasticsearch
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig

from schemas.errors import (
    FatalError,
    MisconfiguredError,
    PipelineError,
    RecordError,
    RetriableError,
    ThrottledError,
    TooLargeError,
    UnauthorizedError,
    UnreachableError,
)
from sinks.elastic.errors import translated
from tests.rows import each_row

SECRET = "沈阳市民13800000000"


def meta(status: int, **headers: str) -> ApiResponseMeta:
    return ApiResponseMeta(status, "1.1", HttpHeaders(headers), 0.1, NodeConfig("http", "127.0.0.1", 9200))


def answer(status: int, kind: type[elastic_transport.ApiError] = elasticsearch.ApiError, **headers: str) -> Exception:
    return kind(SECRET, meta(status, **headers), {"error": SECRET})


THEIRS = sorted(
    {
        error
        for module in (elasticsearch.exceptions, elastic_transport)
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, Exception) and not issubclass(error, Warning)
    },
    key=lambda error: (error.__name__, error.__module__),
)


@each_row("kind", [*THEIRS, OSError, TimeoutError], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_error_of_the_client_becomes_ours(kind: type[Exception]) -> None:
    error = answer(500, kind) if issubclass(kind, elastic_transport.ApiError) else kind(SECRET)
    with pytest.raises(PipelineError, match=r"^(?!.*13800000000)"), translated():
        raise error


@each_row(
    ("status", "family"),
    [
        (400, RecordError),
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (404, UnreachableError),
        (408, RetriableError),
        (413, TooLargeError),
        (429, ThrottledError),
        (500, UnreachableError),
        (502, UnreachableError),
        (503, UnreachableError),
    ],
)
def test_an_answer_s_status_says_what_to_do(status: int, family: type[Exception]) -> None:
    with pytest.raises(family) as caught, translated():
        raise answer(status)
    assert SECRET not in str(caught.value)


def test_an_overloaded_server_says_how_long_to_wait() -> None:
    with pytest.raises(ThrottledError) as caught, translated():
        raise answer(429, **{"retry-after": "7"})
    assert caught.value.retry_after == 7.0


def test_another_product_stops_the_sink() -> None:
    with pytest.raises(MisconfiguredError, match="check the hosts") as caught, translated():
        raise answer(200, elasticsearch.UnsupportedProductError)
    assert isinstance(caught.value, FatalError)


def test_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError
