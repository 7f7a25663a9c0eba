"""The options that narrow a search of the archive: each is checked, since a misspelt one would find nothing."""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hotline.cli.common import known_channel, moment, one_of, settings_of, span
from schemas import enums, ids
from schemas.ids import ADCODE

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from tickets.search import Filters

T = TypeVar("T")


def _digits(pattern: str, meant: str) -> Callable[[str | None], str | None]:
    def checked(said: str | None) -> str | None:
        if said is not None and not re.fullmatch(pattern, said, re.ASCII):
            raise typer.BadParameter(meant)
        if said is not None and not ids.is_in_china(said):
            raise typer.BadParameter(f"no province begins with {said[:2]}")
        return said

    return checked


def ticket_id(said: str | None) -> str | None:
    """Return the id of a ticket that a person typed; raises BadParameter for a number or anything else."""
    if said is not None and not re.fullmatch(ids.TICKET_ID, said):
        raise typer.BadParameter("a ticket's id, such as 210100-zakvpalbglvqczpx52u2; `hotline search` shows it")
    return said


def no_number(said: str | None) -> str | None:
    """Return what a person typed for a ticket's id; raises BadParameter for its number."""
    if said is not None and ids.valid_ticket_no(said):
        raise typer.BadParameter("that is a ticket's number: name its id, which `hotline search` shows beside it")
    return said


def _told_apart(said: str | None) -> str | None:
    """Return what a person typed, or for `-` the line on standard input."""
    return sys.stdin.readline().strip() if said == "-" else said


def _each(checked: Callable[[str | None], str | None]) -> Callable[[list[str] | None], list[str | None]]:
    """Return what checks each value of an option that may be given several times."""
    return lambda said: [checked(one) for one in said or ()]


Several = list[str] | None
Channel = Annotated[
    Several, typer.Option(callback=_each(known_channel), help="Only this channel (诉求来源): sms or 短信.")
]
Status = Annotated[
    Several, typer.Option(callback=_each(one_of(enums.STATUSES)), help="Only this status (办理状态): resolved or 办结.")
]
Kind = Annotated[
    Several,
    typer.Option(callback=_each(one_of(enums.REQUEST_KINDS)), help="Only this kind (诉求类型): complaint or 投诉."),
]
Urgency = Annotated[
    Several, typer.Option(callback=_each(one_of(enums.URGENCIES)), help="Only this urgency (紧急程度): urgent or 紧急.")
]
Organizer = Annotated[Several, typer.Option(metavar="CODE", help="Only what this organizer (承办单位) deals with.")]
Category = Annotated[
    Several, typer.Option(help="Only this category (事项分类) and what is below it: its code or its name.")
]
City = Annotated[
    str | None,
    typer.Option(callback=_digits(ADCODE, "six digits, such as 210100"), help="Only this 行政区划代码."),
]
Cities = Annotated[
    Several,
    typer.Option(callback=_each(_digits(ADCODE, "six digits, such as 210100")), help="Only this 行政区划代码."),
]
Place = Annotated[
    Several,
    typer.Option(
        callback=_each(_digits(r"[1-9]\d{1,11}", "two digits or more of a 行政区划代码, such as 210103")),
        help="Only where the place's 行政区划代码 begins so; many places have none, so search for their names, too.",
    ),
]
Cluster = Annotated[
    Several,
    typer.Option(
        metavar="TICKET_ID",
        callback=_each(ticket_id),
        help="Only tickets of one incident (重复诉求): its `cluster_id`.",
    ),
]
Person = Annotated[
    str | None,
    typer.Option(
        metavar="PERSON",
        callback=_told_apart,
        help="Only who wrote by this telephone or mail address, or has this `requester.id` (诉求人标识); with --clear "
        "or --restricted. - reads it from standard input: the arguments of a process are shown to every "
        "user of its machine.",
    ),
]
Since = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="TIME", help="Received then or later, Chinese time.")
]
Until = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", help="Received before, Chinese time.")]


def persons(said: str | None, settings: "Settings") -> tuple[str, ...]:
    """Return the hashes of whom a person named; raises BadParameter for what identifies nobody."""
    if said is None or re.fullmatch(r"[^@:]+:[a-z2-7]{16}", said):
        return (said,) if said else ()
    from hotline.config.clients import requester_keys, rules_of
    from normalizers.base import Policy
    from normalizers.similarity.requester import requester_hashes
    from schemas.records import Party

    party = Party(kind="email" if "@" in said else "phone", value=said)
    found = requester_hashes([party], Policy(requester_keys=requester_keys(settings), rules=rules_of(settings)))
    if not found:
        meant = "a telephone with its area, or a mail address, that is one person's own; or `requester.id` of a ticket"
        raise typer.BadParameter(meant, param_hint="--person")
    return found


OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "channel": Channel,
        "status": Status,
        "kind": Kind,
        "category": Category,
        "jurisdiction": Cities,
        "adcode": Place,
        "urgency": Urgency,
        "organizer": Organizer,
        "cluster": Cluster,
        "person": Person,
        "since": Since,
        "until": Until,
    }
)


def narrowed(verb: Callable[..., T]) -> Callable[..., T]:
    """Give a verb these options in the place of its parameter `filters`, which is what they come to."""

    @wraps(verb)
    def asked(ctx: typer.Context, clear: bool, restricted: bool, **given: Any) -> T:
        chosen = {name: given.pop(name) for name in OPTIONS}
        filters = _filters(ctx, clear=clear or restricted, **chosen)
        return verb(ctx=ctx, clear=clear, restricted=restricted, filters=filters, **given)

    own = inspect.signature(verb).parameters.values()
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in OPTIONS.items()
    ]
    whole = [one for each in own for one in (options if each.name == "filters" else [each])]
    asked.__signature__ = inspect.Signature(whole)  # type: ignore[attr-defined] # what typer reads
    asked.__annotations__ = {one.name: one.annotation for one in whole}
    return asked


def _filters(
    ctx: typer.Context,
    *,
    clear: bool,
    person: str | None,
    since: datetime | None,
    until: datetime | None,
    kind: list[str] | None,
    cluster: list[str] | None,
    channel: list[str] | None,
    status: list[str] | None,
    category: list[str] | None,
    jurisdiction: list[str] | None,
    adcode: list[str] | None,
    urgency: list[str] | None,
    organizer: list[str] | None,
) -> "Filters":
    """Return what the options narrow a search to; raises BadParameter for what would find nothing."""
    from tickets.search import Filters

    if person is not None and not clear:
        raise typer.BadParameter("masked tickets name nobody: add --clear, if you may", param_hint="--person")
    first, end = span(since, until)
    return Filters(
        request_kind=tuple(kind or ()),
        cluster_id=tuple(cluster or ()),
        requesters=persons(person, settings_of(ctx, accounts=False)),
        received_from=first,
        received_to=end,
        channel=tuple(channel or ()),
        status=tuple(status or ()),
        category=tuple(category or ()),
        jurisdiction=tuple(jurisdiction or ()),
        adcode=tuple(adcode or ()),
        urgency=tuple(urgency or ()),
        organizer=tuple(organizer or ()),
    )
