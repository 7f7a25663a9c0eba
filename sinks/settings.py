"""Settings of a sink's runner; every limit has its unit in its name."""

from pydantic import Field

from schemas.settings_base import Section


class SinkSettings(Section):
    """Limits of batches and retries."""

    batch_max_documents: int = Field(1000, ge=1, description="A batch closes when it holds this many documents")
    batch_max_bytes: int = Field(4 * 1024 * 1024, ge=1, description="... or this many bytes")
    batch_max_age_seconds: float = Field(0.2, ge=0, description="... or when its first document waited so long")
    in_flight_max_batches: int = Field(3, ge=1, description="Batches written at the same time")
    backoff_base_seconds: float = Field(0.2, gt=0, description="Wait after the first fault; doubles with each more")
    backoff_max_seconds: float = Field(30.0, gt=0, description="Longest wait between two tries")
    internal_max_tries: int = Field(
        20, ge=1, description="Tries of a document that makes the service itself fail, before it becomes a dead letter"
    )
    drain_max_seconds: float = Field(
        10.0, ge=0, description="Time for batches in flight at a stop; the rest is read again"
    )


class ArchiveSettings(SinkSettings):
    """The raw bytes' long copy; off by default: how long citizens' letters are kept is the city's decision."""

    enabled: bool = Field(
        False,
        description="Keep every raw record's bytes and envelope in the blob store, with no end but an erasure or a "
        "life-cycle rule of the bucket; `run all` starts sink:archive then",
    )
