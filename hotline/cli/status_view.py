"""What `hotline status` found, as tables; what a person must look at is red."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from rich.table import Column, Table

from hotline.cli.common import shown
from hotline.config.clients import without_login
from hotline.monitor.accounts import Account
from hotline.monitor.answers import AnswerCount
from hotline.monitor.dead import DeadCount
from hotline.monitor.handovers import Unanswered
from hotline.monitor.processes import OtherInstallation, Process, Quarantined
from hotline.monitor.services import Service
from hotline.monitor.stages import Stage
from hotline.terminal import Console
from hotline.translation import t
from schemas.enums import MENTIONED

if TYPE_CHECKING:
    from hotline.dev.stack.stack import Existing, ServerStatus

Kind = TypeVar("Kind")

BEHIND_SECONDS = 60.0
"""A stage that is further behind is red; an import makes it so, too."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

_FINE = ("running", "standby")


def show(servers: "Sequence[ServerStatus]", elsewhere: "Existing", seen: Sequence[object], now: datetime) -> None:
    """Print everything; a part of which nothing is known is left out."""
    console = Console()
    _print(console, ("server", "version", "address", "pid", "restarts", "state"), map(_server, servers))
    for name, where in (("Kafka", elsewhere.bootstrap_servers), ("Elasticsearch", elsewhere.elasticsearch_url)):
        if where:
            told = without_login(where)
            console.print(
                shown(t(f"{name} is the existing cluster at {told}: `hotline doctor` checks it.")), highlight=False
            )
    for service in _those(seen, Service):
        colour = "green" if service.reachable else "red"
        console.print(f"[{colour}]{service.service}[/] {shown(t(service.detail))}", highlight=False)
    running = {one.component: one for one in _those(seen, Process)}
    rows = [_process(one, now) for one in running.values()]
    _print(console, ("process here", "version", "state", "last success", "restarts", "detail"), rows)
    rows = [[str(one.port), shown(", ".join(one.components))] for one in _those(seen, OtherInstallation)]
    _print(console, ("port that another installation uses", "its components"), rows)
    rows = [_quarantined(one, now) for process in running.values() for one in process.quarantined]
    _print(console, ("in quarantine here", "cities", "since", "tries", "next try", "reason and remedy"), rows)
    _print(console, ("stage", "workers", "waiting", "oldest"), map(_stage, _those(seen, Stage)))
    rows = [_account(one, running.get(f"connector:{one.account}"), now) for one in _those(seen, Account)]
    _print(console, ("channel", "account", "last message", "last fetched", "silent after"), rows)
    _print(console, ("answers of the last day", "state", "count"), map(_answers, _those(seen, AnswerCount)))
    _print(console, ("unacknowledged hand-overs", "count", "oldest"), map(_unanswered, _those(seen, Unanswered)))
    rows = [row for one in _those(seen, Unanswered) if one.level != MENTIONED for row in _waiting(one)]
    _print(console, ("hand-over to acknowledge", "level", "city", "waiting time"), rows)
    _print(console, ("dead letters of the last day", "code", "count"), map(_dead, _those(seen, DeadCount)))


def ago(seconds: float) -> str:
    """Return a length of time as a person says it: the two largest units."""
    rest = int(seconds)
    words: list[str] = []
    for size, unit in _UNITS:
        if rest >= size or (unit == "s" and not words):
            words.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(words[:2])


def _those(seen: Iterable[object], kind: type[Kind]) -> list[Kind]:
    return [one for one in seen if isinstance(one, kind)]


def _print(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*(Column(t(name), overflow="fold") for name in columns))
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console.print(table)


def _server(one: "ServerStatus") -> list[str]:
    state = f"[green]{t('up')}" if one.up else f"[red]{t('down')}"
    return [one.name, one.version, one.address, str(one.pid or ""), str(one.restarts), state]


def _process(one: Process, now: datetime) -> list[str]:
    state = f"[green]{t(one.state)}" if one.state in _FINE else f"[red]{shown(t(one.state))}"
    return [
        shown(one.component),
        shown(one.version),
        state,
        _since(one.last_success, now),
        str(one.restarts or ""),
        shown(t(one.detail or "")),
    ]


def _quarantined(one: Quarantined, now: datetime) -> list[str]:
    return [
        f"[red]{shown(one.stage)} {one.partition}",
        shown(", ".join(one.cities)),
        _since(one.since, now),
        str(one.tries),
        t(f"in {ago(max(0.0, (one.next_try - now).total_seconds()))}"),
        shown(t(one.reason)),
    ]


def _stage(one: Stage) -> list[str]:
    workers = str(one.workers) if one.fine else f"[red]{t('none')}"
    oldest = ago(one.oldest_seconds) if one.lag_records else ""
    return [
        one.stage,
        workers,
        str(one.lag_records),
        f"[red]{oldest}" if one.oldest_seconds > BEHIND_SECONDS else oldest,
    ]


def _account(one: Account, process: Process | None, now: datetime) -> list[str]:
    """Only the process that asks a source knows when it last answered; it may run on another machine."""
    last = _since(one.last_message, now) or t("none seen")
    asked = _since(process.last_success, now) or t("never") if process else ""
    limit = ago(one.silent_after_seconds) if one.silent_after_seconds is not None else t("not in these settings")
    red = "[red]" if one.silent else ""
    troubled = "[red]" if process and process.state not in _FINE else ""
    return [f"{red}{shown(one.channel)}", f"{red}{shown(one.account)}", f"{red}{last}", f"{troubled}{asked}", limit]


def _since(moment: datetime | None, now: datetime) -> str:
    return t(f"{ago((now - moment).total_seconds())} ago") if moment else ""


def _unanswered(one: Unanswered) -> list[str]:
    red = "" if one.level == "mentioned" else "[red]"
    return [f"{red}{one.level}", f"{red}{one.unacknowledged}", f"{red}{ago(one.oldest_seconds)}"]


def _waiting(one: Unanswered) -> Iterator[list[str]]:
    for each in one.longest:
        yield [shown(each.handover_id), f"[red]{one.level}", shown(each.jurisdiction), ago(each.seconds)]


def _answers(one: AnswerCount) -> list[str]:
    """Those of which nobody knows whether they arrived are for a person: they are never sent again."""
    red = "[red]" if one.state in ("unknown", "refused") else ""
    return [f"{red}{shown(one.account)}", f"{red}{shown(one.state)}", f"{red}{one.count}"]


def _dead(one: DeadCount) -> list[str]:
    return [shown(one.stage), shown(one.code), str(one.count)]
