"""Confirmation of a clear export: the request's id identifies the export, its decision the second person."""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from connectors.backoffice import command_status
from hotline.admin import commands, placement
from hotline.config import clients
from hotline.config.command_signers import keys_of, principal
from schemas import ids
from schemas.errors import MisconfiguredError
from tickets.admission import CONFIRMED

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from tickets.search import Filters


SECONDS = 10.0
"""How long the event log is searched for a confirmation."""


class Order(NamedTuple):
    """The tickets and form of an export."""

    form: str
    query: str
    filters: "Filters"
    restricted: bool = False

    def digest(self, author: str, nonce: str) -> str:
        """Return the digest that binds a request to this export and this requester."""
        told = msgspec.json.encode([author, nonce, *self], order="sorted")
        return ids.b32_text(hashlib.sha256(told).digest()[:15], 24)


def is_free(settings: "Settings") -> bool:
    """Return whether no confirmation is needed: in a local installation without keys no person is known."""
    return keys_of(settings) is None


def ask(settings: "Settings", reason: str | None, order: Order) -> str:
    """Ask for the confirmation of an export and return the id of the request."""
    nonce = ids.b32_text(secrets.token_bytes(5), 8)
    digest = order.digest(principal(settings), nonce)
    told = msgspec.json.encode(
        {"query": order.query, "restricted": order.restricted, **msgspec.to_builtins(order.filters)}
    ).decode()
    words = [f"form={order.form}", f"digest={digest}", f"chosen= {told}"]
    command = commands.made(settings, "export", None, words, reason=reason, command_id=f"export:{nonce}:{digest}")
    commands.send(settings, clients.kafka(settings), command)
    return command.command_id


def check(settings: "Settings", request: str, order: Order) -> None:
    """Raise MisconfiguredError for a request that is unconfirmed, or of another export or requester."""
    author = principal(settings)
    _, nonce, digest = request.split(":") if request.count(":") == 2 else ("", "", "")
    if digest != order.digest(author, nonce):
        raise MisconfiguredError(
            "That request belongs to another export or person: run exactly the command that requested it."
        )
    since = datetime.now(UTC) - commands.LOOK_BACK
    connection, city = clients.kafka(settings), settings.jurisdiction
    placement.check(connection)  # the decision stands in the city's partition
    decision = command_status.find(connection, request + CONFIRMED, city, since, SECONDS)
    if decision is None or command_status.refusal(decision) is not None or decision.approved_by in (None, author):
        raise MisconfiguredError(f"The request is not confirmed: a second person must run `hotline approve {request}`.")
