"""`hotline answers`: which citizens' receipts went out, and which nobody knows of."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hotline.cli.common import settings_of
from hotline.cli.output import Column, lists

if TYPE_CHECKING:
    from hotline.admin.replies import Answer
    from hotline.config.settings import Settings

answers = typer.Typer(no_args_is_help=True, help="Receipts (回执) to citizens.")

State = Literal["intended", "sending", "waiting", "accepted", "refused", "unknown", "withheld"]


COLUMNS = (
    Column("at", "时间"),
    Column("state", "状态"),
    Column("code", "代码"),
    Column("attempts", "次数", right=True),
    Column("account", "账号"),
    Column("ticket_no", "工单编号"),
)


@answers.command("list")
@lists(COLUMNS, nothing="No answers.")
def list_(
    ctx: typer.Context,
    state: Annotated[State | None, typer.Option(help="Only answers in this state; check `unknown` ones.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Only the ticket with this id or number.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of lines, counted from the newest.")] = 100,
) -> "list[Answer]":
    """List the answers of the last seven days; shows no address and no code."""
    from hotline.admin.replies import Wanted, listed
    from hotline.config.clients import kafka
    from schemas.errors import MisconfiguredError

    settings = settings_of(ctx, accounts=False)
    wanted = Wanted(account=account, state=state, ticket=ticket)
    found = listed(kafka(settings), wanted, limit)
    if account is not None and not found and account not in settings.answers:
        raise MisconfiguredError(f"No account {account} sends answers: the settings have {_accounts(settings)}.")
    return found


def _accounts(settings: "Settings") -> str:
    return ", ".join(settings.answers) or "none; add [answers.<id>], see docs/how-to/answers.md"
