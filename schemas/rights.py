"""What a client of aiokafka is told while it works, as errors of ours: rights that Kafka takes away, and no answer."""

from collections.abc import Container, Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from schemas.errors import UnauthorizedError, UnreachableError

_REFUSALS = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)


def refusal_in(error: BaseException) -> str | None:
    """Return the name of the refusal that Kafka answered a consumer with; None for any other error.

    Where aiokafka asks for the group's positions it tells a refusal in the words of a plain KafkaError.
    """
    if isinstance(error, _REFUSALS):
        return type(error).__name__
    if type(error) is not KafkaError:
        return None
    return next((one.__name__ for one in _REFUSALS if one.__name__ in str(error)), None)


def check_rights(consumer: AIOKafkaConsumer, topics: Container[str]) -> None:
    """Raise TopicAuthorizationFailedError when Kafka shows our user one of these topics no more.

    Where aiokafka learns that from the metadata before it reads, it goes on with the other topics, and says nothing.
    """
    refused = {topic for topic in consumer._client.cluster.unauthorized_topics if topic in topics}
    if refused:
        raise TopicAuthorizationFailedError(refused)


@contextmanager
def allowed() -> Iterator[None]:
    """Raise UnauthorizedError when Kafka lets our user read no more."""
    try:
        yield
    except KafkaError as error:
        refused = refusal_in(error)
        if refused is None:
            raise
        raise UnauthorizedError(
            f"Kafka does not let our user do this ({refused}): `hotline doctor` names the right that is missing."
        ) from error


@contextmanager
def answering() -> Iterator[None]:
    """Raise UnreachableError for what a client raises when Kafka does not answer it."""
    try:
        yield
    except KafkaError as error:
        raise UnreachableError(f"Kafka does not answer ({type(error).__name__}): run `hotline doctor`") from error
