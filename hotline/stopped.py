"""The local Kafka while it is stopped: for who waits for it, or keeps messages meanwhile, it is away as any may be."""

from typing import TYPE_CHECKING, Any

from broker.config import KafkaConnection
from hotline import services
from hotline.local.state import StoppedError
from schemas.errors import UnreachableError

if TYPE_CHECKING:
    from hotline.settings import Settings


class AwayError(UnreachableError, ConnectionRefusedError):
    """Nothing listens, as a closed port says, and it is known what a person should do."""


def kafka(settings: "Settings") -> KafkaConnection:
    """Return how to reach Kafka, also while the local stack is stopped. Raises as `services.kafka`."""
    try:
        return services.kafka(settings)
    except StoppedError:
        return _Stopped(bootstrap_servers="", partitions=settings.kafka.partitions, settings=settings)


class _Stopped(KafkaConnection, frozen=True, kw_only=True):
    """Looks where the local Kafka is whenever a client is made: it may come back at other ports."""

    settings: Any

    def client_options(self) -> dict[str, Any]:
        """Return those of the Kafka that was started meanwhile; raises AwayError while none was."""
        try:
            return services.kafka(self.settings).client_options()
        except StoppedError as error:
            raise AwayError(str(error)) from error
