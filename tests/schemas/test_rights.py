"""What a consumer was refused is known, whatever the library makes of it."""

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from broker.aio_client import refusal_in
from broker.aio_producer import translated
from schemas.errors import UnauthorizedError


@pytest.mark.parametrize(
    "error",
    [
        TopicAuthorizationFailedError({"hotline.link.v1"}),
        KafkaError(repr(TopicAuthorizationFailedError())),  # as the answer about the group's positions is told
        KafkaError(f"Unexpected error during coordination {TopicAuthorizationFailedError()!r}"),
    ],
)
def test_a_refusal_is_known_in_any_words(error: KafkaError) -> None:
    assert refusal_in(error) == "TopicAuthorizationFailedError"
    ours = translated(error)
    assert isinstance(ours, UnauthorizedError)
    assert "denies this to our user (TopicAuthorizationFailedError)" in str(ours)


def test_a_group_that_is_refused_is_told_as_itself() -> None:
    assert refusal_in(GroupAuthorizationFailedError("hotline-screen")) == "GroupAuthorizationFailedError"


@pytest.mark.parametrize("error", [KafkaConnectionError("TopicAuthorizationFailedError"), KafkaError("?"), OSError()])
def test_another_fault_is_none(error: BaseException) -> None:
    assert refusal_in(error) is None
