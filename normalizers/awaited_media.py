"""The files that a raw message only names: `hotline run fetcher` gets exactly those that a normalizer waits for."""

from normalizers import registry
from normalizers.base import File, Policy
from schemas.errors import RecordError
from schemas.records import RawMessage

_POLICY = Policy()


def awaited(raw: RawMessage) -> tuple[File, ...]:
    """Return the files whose bytes have yet to be fetched; none of a message that cannot be read."""
    normalizer = registry.normalizer_of(raw)
    if normalizer is None or not raw.value:
        return ()
    try:
        draft = normalizer(raw, _POLICY)
    except RecordError:
        return ()
    return tuple({file.media_id: file for file in draft.files if file.is_awaited}.values())
