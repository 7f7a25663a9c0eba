"""`hotline topics`: the Kafka topics of `schemas/topics.py`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hotline.cli.common import AsJson, print_json, say, settings_of, write
from hotline.cli.output import Column, lists
from hotline.translation import t
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.admin.transactions import Finding

topics = typer.Typer(no_args_is_help=True, help="Create, describe and list the Kafka topics.")


@topics.command()
def create(
    ctx: typer.Context,
    alter: Annotated[bool, typer.Option("--alter", help="Correct different configuration as well.")] = False,
    begun_with: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of partitions over which cities were spread before the topics of an older version grew.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create missing topics; exit 1 if an existing one differs from what is expected.

    Fixes the number of partitions over which cities are spread; creates nothing if a different number is already fixed.
    """
    from hotline.admin.topics import Provision
    from hotline.config.clients import kafka

    provision = Provision(kafka(settings_of(ctx, accounts=False)))
    created = provision.create(begun_with)
    altered = provision.alter() if alter else []
    differing = provision.differences()
    if as_json:
        print_json({"created": created, "altered": altered, "differing": differing})
    else:
        say(f"{counted(len(created), 'topic')} created, {counted(len(altered), 'setting')} altered.")
        for one in differing:
            write(f"{t(str(one))}: {t(one.advice)}.")
    raise typer.Exit(0 if all(one.is_harmless for one in differing) else 1)


COLUMNS = (
    Column("topic", "主题"),
    Column("partitions", "分区", right=True),
    Column("replication_factor", "副本", right=True),
    Column("cleanup", "清理策略", lambda row: row["config"].get("cleanup.policy")),
    Column("differing", "偏差", lambda row: len(row["differing"]), right=True),
    Column("about", "内容", lambda row: _about(row["topic"])),
)


@topics.command()
@lists(COLUMNS)
def describe(ctx: typer.Context) -> Iterator[dict[str, Any]]:
    """Show the topics as the brokers have them; exit 1 if one differs from what is expected."""
    from hotline.admin import placement
    from hotline.admin.topics import Provision
    from hotline.config.clients import kafka
    from schemas.errors import MisconfiguredError

    connection = kafka(settings_of(ctx, accounts=False))
    provision, wrong = Provision(connection), None
    found, differing = provision.describe(), provision.differences()
    try:
        placement.check(connection)
    except placement.NotFrozenError:
        pass  # nothing is frozen yet, so the topics are compared with the settings
    except MisconfiguredError as error:
        # The settings are wrong: to give the topics as many partitions would mislead.
        wrong, differing = str(error), [one for one in differing if one.what != "partitions"]
    for name, topic in sorted(found.items()):
        yield {
            "topic": name,
            "partitions": topic.partitions,
            "replication_factor": topic.replication_factor,
            "config": {key: topic.config.get(key) for key in provision.config(name)},
            "differing": [one for one in differing if one.topic == name],
        }
    for one in differing:
        write(f"{t(str(one))}: {t(one.advice)}.", err=True)
    if wrong:
        say(wrong, err=True)
    raise typer.Exit(0 if not wrong and all(one.is_harmless for one in differing) else 1)


def _about(topic: str) -> str:
    from schemas.topics import TOPICS

    return TOPICS[topic].about


@topics.command()
def withhold(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Remove restricted tickets that an older version wrote to the masked topic. Run it once, while no assign runs."""
    from hotline.admin.withholding import withhold as work
    from hotline.config.clients import kafka

    count = work(kafka(settings_of(ctx, accounts=False)))
    if as_json:
        print_json({"withheld": count})
    else:
        say(f"{counted(count, 'ticket')} removed.")


@topics.command("list")
@lists((Column("topic", "主题"), Column("about", "内容")))
def list_() -> Iterator[dict[str, Any]]:
    """Show the topics that should exist, without connecting."""
    from schemas.topics import TOPICS

    for topic in TOPICS.values():
        yield {"topic": topic.name, "about": topic.about, "key": topic.key, "config": topic.config}


@topics.command()
def hanging(
    ctx: typer.Context,
    end: Annotated[
        Literal["commit", "abort"] | None,
        typer.Option(help="End them, except those that Kafka had decided to end differently."),
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TOPIC:PARTITION", help="Only this partition.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show hanging transactions, which block readers; exit 1 if one is left."""
    from hotline.admin import transactions
    from hotline.admin.transactions import TOPICS
    from hotline.config.clients import kafka

    connection = kafka(settings_of(ctx, accounts=False))
    found = transactions.find(connection, TOPICS)
    chosen = [one for one in found if at in (None, f"{one.hanging.open.topic}:{one.hanging.open.partition}")]
    left = 0
    for one in chosen:
        ended = end is not None and one.may_end(end)
        if ended and end:
            transactions.end(connection, one, end)
        left += not ended
        if as_json:
            print_json({"finding": one, "ended": end if ended else None})
        else:
            write(f"{t(_told(one))} {t(f'Ended: {end}.' if ended else _advice(one))}")
    if not chosen:
        say("There is no hanging transaction.", err=True)
    raise typer.Exit(1 if left else 0)


def _told(one: "Finding") -> str:
    opened = one.hanging.open
    whose = one.hanging.transactional_id or "a producer that Kafka no longer knows"
    return (
        f"{opened.topic}:{opened.partition} offset {opened.start}, producer {opened.producer_id} epoch "
        f"{opened.producer_epoch} of {whose}, last write {opened.last_at:%Y-%m-%d %H:%M:%S}Z, "
        f"{counted(one.waiting, 'record waits', 'records wait')}."
    )


def _advice(one: "Finding") -> str:
    if one.decided:
        return f"Kafka had decided to {one.decided} it: use `--end {one.decided}`."
    return "Kafka no longer knows the decision: see docs/how-to/runbook.md#transactionhangs."
