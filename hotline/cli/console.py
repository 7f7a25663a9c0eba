"""`hotline console`: the local users of the console."""

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from hotline.cli.common import say, settings_of
from hotline.cli.output import Column, lists

if TYPE_CHECKING:
    from collections.abc import Iterable

console = typer.Typer(no_args_is_help=True, help="The console (控制台): its local users.")
user = typer.Typer(no_args_is_help=True, help="Local users, for installations without a provider of identities.")
console.add_typer(user, name="user")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Account, such as wang.li.")]


class Line(Struct, frozen=True, kw_only=True):
    """One user as `list` shows it."""

    name: str
    roles: str
    cities: str
    ended_at: datetime | None


COLUMNS = (
    Column("name", "账号"),
    Column("roles", "角色"),
    Column("cities", "辖区"),
    Column("ended_at", "会话结束于"),
)


@user.command()
def add(
    ctx: typer.Context,
    name: Name,
    role: Annotated[list[str], typer.Option(help="analyst, clerk, desk, operator or auditor; several times for more.")],
    city: Annotated[
        list[str] | None, typer.Option(help="行政区划代码 of a city to see; `jurisdiction` of the settings by default.")
    ] = None,
) -> None:
    """Add a user, or give one another password, other roles and cities; asks for the password."""
    from hotline.runtime.components_console import users

    settings = settings_of(ctx, accounts=False)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    cities = tuple(dict.fromkeys(city or [settings.jurisdiction]))
    users(settings).add(name, password, tuple(dict.fromkeys(role)), cities, time.time())
    say(f"{name} may sign in: {', '.join(role)} of {', '.join(cities)}.")


@user.command()
def end(ctx: typer.Context, name: Name) -> None:
    """End all sessions of a user, local or of the provider; a new sign-in begins another."""
    from hotline.runtime.components_console import users

    users(settings_of(ctx, accounts=False)).end(name, time.time())
    say(f"All sessions of {name} are over.")


@user.command()
def remove(ctx: typer.Context, name: Name) -> None:
    """Remove a local user and end all of its sessions."""
    from hotline.runtime.components_console import users

    users(settings_of(ctx, accounts=False)).remove(name, time.time())
    say(f"{name} may no longer sign in.")


@user.command("list")
@lists(COLUMNS, nothing="No local users: see `hotline console user add`.")
def list_(ctx: typer.Context) -> "Iterable[Line]":
    """List the local users."""
    from hotline.runtime.components_console import users

    known = users(settings_of(ctx, accounts=False)).all()
    return [
        Line(
            name=name,
            roles=", ".join(one.roles),
            cities=", ".join(one.cities),
            ended_at=datetime.fromtimestamp(one.ended_at, UTC) if one.ended_at else None,
        )
        for name, one in sorted(known.items())
        if one.password is not None
    ]
