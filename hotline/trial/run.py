"""`hotline try` without its command line: the pipeline's own functions over some inputs, in memory."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from hotline.trial.inputs import Input
from hotline.trial.raw import EPOCH, raw_of
from normalizers.base import Policy
from normalizers.enrich.address.crf import PlaceModel
from normalizers.enrich.category import CategoryModel
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import topics
from schemas.codec import Position
from schemas.errors import MisconfiguredError, RecordError
from schemas.records import Link, Message
from tickets.masking.mask import mask_ticket
from tickets.policy import TicketPolicy, directories_of, limits_of, near_policy, version_of
from tickets.processor import Desk
from tickets.records_out import link_of, waiting_links
from tickets.state.state import State

Result = dict[str, Any]
"""One line of the output: input, message, dead; with tickets also ticket, masked, relation and link.

`masked` is the ticket as analysts see it, beside the clear one, so that anybody can count what leaks.
"""


def run(
    inputs: Iterable[Input],
    *,
    stage: Literal["message", "ticket"],
    jurisdiction: str,
    rules: Rules = DEFAULT_RULES,
    category_model: CategoryModel | None = None,
    place_model: PlaceModel | None = None,
    now: datetime = EPOCH,
) -> Iterator[Result]:
    """Yield one result for each input, in input order; a fault of an input is its result, never an exception.

    `rules` and the models are the city's own; `now` is the time of an input that names none. Raises
    MisconfiguredError for what cannot be used: that is no fault of an input.
    """
    policy = Policy(rules=rules, category_model=category_model, place_model=place_model)
    results = (_message(one, jurisdiction, policy, now) for one in inputs)
    return results if stage == "message" else _tickets(list(results), policy)


def _message(one: Input, jurisdiction: str, policy: Policy, now: datetime) -> Result:
    """Normalize one input, as `streams/normalize.py` does: what fails becomes a dead letter with its reason."""
    try:
        if one.fault is not None:
            raise one.fault
        message = normalize(raw_of(one, jurisdiction, now), policy).message
    except RecordError as error:
        return _result(one, dead={"code": error.code, "reason": str(error)})
    except MisconfiguredError:
        raise
    except Exception as error:  # noqa: BLE001 - around one record, any fault is that record's
        reason = str(error) if error is one.fault else type(error).__name__
        return _result(one, dead={"code": RecordError.code, "reason": reason})
    return _result(one, message=message)


def _result(one: Input, message: Message | None = None, dead: dict[str, str] | None = None) -> Result:
    return {"input": one.name, "message": message, "dead": dead}


def _tickets(results: list[Result], policy: Policy) -> Iterator[Result]:
    """Decide all messages in order, then show each with its ticket as it stands in the end."""
    rules = policy.rules
    decided = TicketPolicy(
        version=version_of(rules),
        joining=policy,
        near=near_policy(rules),
        limits=limits_of(rules),
        directories=directories_of(rules),
        rules=rules,
    )
    desk = Desk(State(decided))
    links: dict[str, Link] = {}
    messages = [result["message"] for result in results]
    relations = [_decide(desk, links, offset, messages) for offset in range(len(messages))]
    for result, relation in zip(results, relations, strict=True):
        message = result["message"]
        link = links.get(message.message_id) if message else None
        filed_in = link.ticket_id if link and link.relation != "no_ticket" else None
        ticket = desk.ticket(filed_in) if filed_in else None
        masked = mask_ticket(ticket, rules) if ticket else None
        yield {**result, "ticket": ticket, "masked": masked, "relation": relation, "link": link}


def _decide(desk: Desk, links: dict[str, Link], offset: int, messages: Sequence[Message | None]) -> str | None:
    """Return the relation; null for a dead input and for a repeat, which keeps the link it has."""
    message = messages[offset]
    if message is None:
        return None
    earlier = [one for at in desk.looks_back(message) if (one := messages[at]) is not None]
    decision = desk.take(message, Position(topics.MESSAGE, 0, offset), earlier)
    link = link_of(decision) if decision else None
    if decision is None or link is None:
        return None
    links |= {one.message_id: one for one in (link, *waiting_links(decision))}
    return decision.relation
