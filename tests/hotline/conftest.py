"""What tests of the operators' tools share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Stack


@pytest.fixture
def operators_settings(
    local_stack: Stack, fresh_topics: KafkaConnection, tmp_path: Path, env: pytest.MonkeyPatch
) -> KafkaConnection:
    """Fresh topics, and the settings of an operator beside them."""
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(local_stack.data_dir))
    env.setenv("HOTLINE_KAFKA__PARTITIONS", "2")
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    (tmp_path / "blobs").mkdir()
    return fresh_topics


@pytest.fixture
def operators_kafka(operators_settings: KafkaConnection, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaConnection]:
    """The same, for verbs that are called in this process."""
    # Its handler would keep the standard error of one call, and the next one's is another.
    monkeypatch.setattr("hotline.runtime.logging.set_up", lambda *_: None)
    with capture_logs():
        yield operators_settings
