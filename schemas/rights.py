"""Rights that Kafka takes away from a consumer while it reads."""

from collections.abc import Container

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import TopicAuthorizationFailedError


def check_rights(consumer: AIOKafkaConsumer, topics: Container[str]) -> None:
    """Raise TopicAuthorizationFailedError when Kafka shows our user one of these topics no more.

    Where aiokafka learns that from the metadata before it reads, it goes on with the other topics, and says nothing.
    """
    refused = {topic for topic in consumer._client.cluster.unauthorized_topics if topic in topics}
    if refused:
        raise TopicAuthorizationFailedError(refused)
