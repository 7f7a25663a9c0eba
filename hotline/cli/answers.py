"""`hotline answers`: which citizens' receipts went out, and which nobody knows of."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotline.cli.common import AsJson, print_each, settings_of, there
from hotline.output import readable
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.admin.replies import Answer
    from hotline.config.settings import Settings

answers = typer.Typer(no_args_is_help=True, help="Receipts (回执) to citizens.")

State = Literal["intended", "sending", "waiting", "accepted", "refused", "unknown", "withheld"]


@answers.command("list")
def list_(
    ctx: typer.Context,
    state: Annotated[State | None, typer.Option(help="Only those that stand so; `unknown` ones need a look.")] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Only of the ticket with this id or number.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the answers of the last seven days; no line holds an address or a code."""
    from hotline.admin.replies import Wanted, listed
    from hotline.runtime.clients import kafka
    from schemas.errors import MisconfiguredError

    settings = settings_of(ctx, accounts=False)
    wanted = Wanted(account=account, state=state, ticket=ticket)
    found = listed(kafka(settings), wanted, limit)
    if account is not None and not found and account not in settings.answers:
        raise MisconfiguredError(f"No account {account} answers: those of the settings are {_accounts(settings)}.")
    print_each(found, as_json, _line, nothing="No answers.")


def _accounts(settings: "Settings") -> str:
    return ", ".join(settings.answers) or "none; add [answers.<id>], see docs/how-to/answers.md"


def _line(one: "Answer") -> str:
    at = there(one.at)
    tries = counted(one.attempts, "attempt")
    return readable(f"{at}  {one.state:<9} {one.code or '-':<24} {tries:<11} {one.account:<16} {one.ticket_no}")
