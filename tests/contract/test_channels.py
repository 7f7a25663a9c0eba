"""A channel has one name in every table: whoever adds one and forgets a table learns it here."""

import pytest

from connectors.table import PULL, PUSH
from hotline.settings import ConnectorsSettings
from normalizers import NORMALIZERS
from schemas import topics

CONNECTED = [*PULL, *PUSH]


@pytest.mark.parametrize("channel", CONNECTED)
def test_a_connected_channel_has_a_topic_a_normalizer_and_settings(channel: str) -> None:
    assert channel in topics.CHANNELS
    assert channel in NORMALIZERS
    assert channel in ConnectorsSettings.model_fields


def test_the_settings_name_no_channel_that_nothing_connects() -> None:
    assert ConnectorsSettings.model_fields.keys() == set(CONNECTED)


def test_a_channel_that_is_understood_has_a_topic() -> None:
    assert set(NORMALIZERS) <= set(topics.CHANNELS)
