"""`hotline webhook`: who subscribes, what became of their deliveries, and whether an endpoint takes a ping."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotline.cli.common import AsJson, print_each, print_json, say, settings_of, there
from hotline.cli.narrowing import no_number
from hotline.output import readable
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.admin.webhooks import Subscriber
    from schemas.records import Delivery

webhook = typer.Typer(no_args_is_help=True, help="Subscribers of webhooks and their deliveries.")


@webhook.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the subscribers, and how many records wait for each."""
    from hotline.admin.webhooks import subscribers
    from hotline.runtime.clients import kafka

    settings = settings_of(ctx)
    if not settings.sinks.webhook:
        say("No subscribers: add [sinks.webhook.<id>] to the settings, see docs/how-to/webhooks.md.", err=True)
        return
    for one in subscribers(settings.sinks.webhook, kafka(settings)):
        if as_json:
            print_json(one)
        else:
            say(_subscriber(one))


@webhook.command()
def log(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only of this subscriber.")] = None,
    outcome: Annotated[
        Literal["delivered", "retrying", "dead"] | None, typer.Option(help="Only what ended, or waits, so.")
    ] = None,
    ticket: Annotated[str | None, typer.Option(callback=no_number, help="Only of the ticket with this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the newest lines of the delivery log; no line holds personal data."""
    from hotline.admin import webhooks
    from hotline.runtime.clients import kafka

    wanted = webhooks.Wanted(subscriber=name, outcome=outcome, ticket=ticket)
    settings = settings_of(ctx)
    found = webhooks.log(settings.sinks.webhook, kafka(settings), wanted, limit)
    print_each(found, as_json, _line, nothing="No deliveries: see `hotline webhook list`.")


@webhook.command()
def test(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="Which subscriber.")]) -> None:
    """Send a signed ping to a subscriber, once; success is an answer 2xx."""
    from hotline.admin import webhooks
    from schemas.errors import UnreachableError
    from sinks.webhook.response import Outcome

    answer = asyncio.run(webhooks.ping(name, webhooks.find(settings_of(ctx).sinks.webhook, name)))
    if answer.outcome is not Outcome.DELIVERED:
        raise UnreachableError(f"{name} does not take the ping ({answer.told}): {_advice(answer.told)}.")
    say(f"{name} answers {answer.told} in {answer.milliseconds} ms.")


def _subscriber(one: "Subscriber") -> str:
    chosen = ", ".join(f"{name}={value}" for name, value in one.filter.items()) or "every ticket"
    what = f"{one.snapshot:<6} {one.format:<12} {one.backlog:>8} waiting"
    return readable(f"{one.name:<16} {one.endpoint:<32} {what}  {chosen}")


def _line(line: "Delivery") -> str:
    at = there(line.at)
    took = "-" if line.milliseconds is None else f"{line.milliseconds} ms"
    tries = counted(line.attempts, "attempt")
    return readable(f"{at}  {line.outcome:<9} {line.answer:<10} {tries:<12} {took:>8}  {line.delivery_id}")


def _advice(told: str) -> str:
    if told == "tls":
        return "its certificate is not trusted; renew it, or name its authority in `ca_certs`"
    if told == "name":
        return "its name is not known here; correct `url`"
    if told in ("401", "403"):
        return "it refuses our signature or login; compare the secrets and `authorization`"
    if told.startswith("3"):
        return "it leads elsewhere; set `url` to where it leads"
    return "look at its log and at `url`" if told.isdecimal() else "start it, or open the network between"
