"""`hotline webhook`: who subscribes, what became of their deliveries, and whether an endpoint takes a ping."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotline.cli.common import say, settings_of
from hotline.cli.narrowing import no_number
from hotline.cli.output import Column, lists

if TYPE_CHECKING:
    from hotline.monitor.webhooks import Subscriber
    from schemas.records import Delivery

webhook = typer.Typer(no_args_is_help=True, help="Subscribers of webhooks and their deliveries.")


SUBSCRIBERS = (
    Column("name", "订阅方"),
    Column("endpoint", "地址"),
    Column("snapshot", "内容"),
    Column("format", "格式"),
    Column("backlog", "待推送", right=True),
    Column("filter", "条件", lambda one: one.filter or "every ticket"),
)
DELIVERIES = (
    Column("at", "时间"),
    Column("outcome", "推送结果"),
    Column("answer", "应答"),
    Column("attempts", "推送次数", right=True),
    Column("milliseconds", "耗时(毫秒)", right=True),
    Column("delivery_id", "推送标识"),
)


@webhook.command("list")
@lists(
    SUBSCRIBERS,
    nothing="There are no subscribers: add [sinks.webhook.<id>] to the settings, see docs/how-to/webhooks.md.",
)
def list_(ctx: typer.Context) -> "Iterable[Subscriber]":
    """List the subscribers and the number of records that wait for each."""
    from hotline.config.clients import kafka
    from hotline.monitor.webhooks import subscribers

    settings = settings_of(ctx)
    return subscribers(settings.sinks.webhook, kafka(settings)) if settings.sinks.webhook else ()


@webhook.command()
@lists(DELIVERIES, nothing="There are no deliveries: see `hotline webhook list`.")
def log(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this subscriber.")] = None,
    outcome: Annotated[
        Literal["delivered", "retrying", "dead"] | None, typer.Option(help="Only deliveries with this outcome.")
    ] = None,
    ticket: Annotated[str | None, typer.Option(callback=no_number, help="Only the ticket with this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of lines, counted from the newest.")] = 100,
) -> "Iterable[Delivery]":
    """Show the newest lines of the delivery log; shows no personal data."""
    from hotline.config.clients import kafka
    from hotline.monitor import webhooks

    wanted = webhooks.Wanted(subscriber=name, outcome=outcome, ticket=ticket)
    settings = settings_of(ctx)
    return webhooks.log(settings.sinks.webhook, kafka(settings), wanted, limit)


@webhook.command()
def test(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The subscriber.")]) -> None:
    """Send a signed ping to a subscriber once; success is a 2xx answer."""
    from hotline.monitor import webhooks
    from schemas.errors import UnreachableError
    from sinks.webhook.response import Outcome

    answer = asyncio.run(webhooks.ping(name, webhooks.find(settings_of(ctx).sinks.webhook, name)))
    if answer.outcome is not Outcome.DELIVERED:
        raise UnreachableError(f"{name} does not accept the ping ({answer.told}): {_advice(answer.told)}.")
    say(f"{name} answered {answer.told} in {answer.milliseconds} ms.")


def _advice(told: str) -> str:
    if told == "tls":
        return "its certificate is not trusted; renew it, or name its authority in `ca_certs`"
    if told == "name":
        return "its host name is unknown here; correct `url`"
    if told in ("401", "403"):
        return "it rejects our signature or login; compare the secrets and `authorization`"
    if told.startswith("3"):
        return "it redirects; set `url` to the target"
    return "check its log and `url`" if told.isdecimal() else "start it, or open the network between"
