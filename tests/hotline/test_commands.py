"""Commands as the command line makes them."""

import pytest

from hotline.admin.commands import made
from hotline.config.settings import Settings
from schemas.errors import MisconfiguredError
from tickets.commands.order import LOOKED


def test_an_id_of_our_own_is_never_taken_for_the_number_of_a_person() -> None:
    settings, ticket = Settings(), "210100-glnbpglsk57fqpllp7vi"
    ids = {made(settings, "read", ticket, ['fields=["all"]'], reason="x").command_id for _ in range(10_000)}
    assert len(ids) == 10_000


def test_who_orders_by_hand_had_read_the_ticket_at_the_version_they_name_or_some_time_ago() -> None:
    settings, ticket = Settings(), "210100-glnbpglsk57fqpllp7vi"
    blind = made(settings, "set_status", ticket, ["status=resolved"])
    assert blind.seen_at == blind.at - LOOKED
    assert made(settings, "set_status", ticket, ["status=resolved", "if_version=3"]).seen_at is None


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("sttus=registered", "set_status has no argument sttus: did you mean status?"),
        (
            "zzz=1",
            "set_status has no argument zzz: it takes if_version, status, reason_code, result_kind, result_text.",
        ),
    ],
)
def test_an_argument_that_the_kind_has_not_is_named_with_the_one_that_is_meant(word: str, told: str) -> None:
    with pytest.raises(MisconfiguredError) as refused:
        made(Settings(), "set_status", "210100-glnbpglsk57fqpllp7vi", [word])
    assert str(refused.value) == told
