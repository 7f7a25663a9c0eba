"""Topics are made on a real Kafka by several at once, as hosts that start together do."""

import pytest

from hotline.provision import Provision
from schemas.connection import KafkaConnection
from schemas.topics import TOPICS

pytestmark = pytest.mark.integration


def test_topics_that_another_one_makes_meanwhile_are_no_fault(
    fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, look = iter([list(TOPICS)]), Provision._missing
    monkeypatch.setattr(Provision, "_missing", lambda self, client: next(looks, None) or look(self, client))
    assert Provision(fresh_topics).create() == []
    assert Provision(fresh_topics).differences() == []
