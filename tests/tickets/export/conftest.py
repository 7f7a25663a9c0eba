"""The golden ticket, and its masked copy."""

from pathlib import Path

import pytest

import schemas
from schemas.codec import decode
from schemas.records import Ticket
from tickets.masking.mask import mask_ticket


@pytest.fixture
def ticket() -> Ticket:
    return decode((Path(schemas.__file__).parent / "golden" / "v1" / "ticket.json").read_bytes(), Ticket)


@pytest.fixture
def masked(ticket: Ticket) -> Ticket:
    return mask_ticket(ticket)
