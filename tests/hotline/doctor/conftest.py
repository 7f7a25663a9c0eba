"""Settings of somebody whose services are the session's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.dev.stack.stack import Endpoints, Stack
from tests.peers.certificates import Authority
from tests.peers.elastic_door import ElasticDoor


@pytest.fixture
def local(local_stack: Stack, stack: Endpoints, tmp_path: Path, env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of a user whose local stack runs."""
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(local_stack.data_dir))
    env.setenv("HOTLINE_TELEMETRY__PORT", "0")  # another installation on this machine would be reported
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    return env


@pytest.fixture
def door(stack: Endpoints, tmp_path: Path, local: pytest.MonkeyPatch) -> Iterator[ElasticDoor]:
    """The session's Elasticsearch behind TLS and an API key, and settings that open it."""
    authority = Authority(tmp_path)
    with ElasticDoor(stack.elasticsearch_url, authority, authority.issue("elasticsearch")) as opened:
        local.setenv("HOTLINE_ELASTICSEARCH__HOSTS", opened.url)
        local.setenv("HOTLINE_ELASTICSEARCH__API_KEY", opened.api_key)
        local.setenv("HOTLINE_ELASTICSEARCH__CA_CERTS", str(authority.certificate))
        yield opened
