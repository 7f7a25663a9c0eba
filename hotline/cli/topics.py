"""`hotline topics`: the Kafka topics of `schemas/topics.py`."""

from typing import Annotated

import typer

from hotline.cli.common import AsJson, print_json, settings_of

topics = typer.Typer(no_args_is_help=True, help="Create, describe and list the Kafka topics.")


@topics.command()
def create(
    ctx: typer.Context,
    alter: Annotated[bool, typer.Option("--alter", help="Set the configuration that differs, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create the topics that are missing; exit 1 when one that exists is not as it should be."""
    from hotline.provision import Provision
    from hotline.services import kafka

    provision = Provision(kafka(settings_of(ctx, accounts=False)))
    created = provision.create()
    altered = provision.alter() if alter else []
    differing = provision.differences()
    if as_json:
        print_json({"created": created, "altered": altered, "differing": differing})
    else:
        typer.echo(f"{len(created)} topics created, {len(altered)} settings altered.")
        for one in differing:
            typer.echo(f"{one}: {one.advice}.")
    raise typer.Exit(1 if differing else 0)


@topics.command()
def describe(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the topics as the brokers have them; exit 1 when one is not as it should be."""
    from hotline.provision import Provision
    from hotline.services import kafka
    from schemas.topics import TOPICS

    provision = Provision(kafka(settings_of(ctx, accounts=False)))
    found, differing = provision.describe(), provision.differences()
    if as_json:
        for name, topic in found.items():
            print_json({"topic": name, "partitions": topic.partitions, "replication_factor": topic.replication_factor,
                        "config": {key: topic.config.get(key) for key in provision.config(name)},
                        "differing": [one for one in differing if one.topic == name]})  # fmt: skip
    else:
        for name, topic in found.items():
            copies = f"{topic.partitions} partitions × {topic.replication_factor}"
            typer.echo(f"{name:<28} {copies:<18} {TOPICS[name].cleanup_policy:<8} {TOPICS[name].about}")
        for one in differing:
            typer.echo(f"{one}: {one.advice}.")
    raise typer.Exit(1 if differing else 0)


@topics.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the topics that there should be, without connecting."""
    from schemas.topics import TOPICS

    for topic in TOPICS.values():
        if as_json:
            print_json({"topic": topic.name, "about": topic.about, "key": topic.key, "config": topic.config})
        else:
            typer.echo(f"{topic.name:<28} {topic.about}")
