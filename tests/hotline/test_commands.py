"""Commands as the command line makes them."""

from hotline.commands import made
from hotline.settings import Settings


def test_an_id_of_our_own_is_never_taken_for_the_number_of_a_person() -> None:
    settings, ticket = Settings(), "210100-glnbpglsk57fqpllp7vi"
    ids = {made(settings, "read", ticket, ['fields=["all"]']).command_id for _ in range(10_000)}
    assert len(ids) == 10_000
