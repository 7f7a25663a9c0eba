"""`hotline manifest`: users, topics, roles and alarms in the forms of the tools that apply them."""

from typing import Annotated, Literal

import typer

from hotline.cli.common import print_json, settings_of, write

manifest = typer.Typer(
    no_args_is_help=True,
    help="Print users, topics, roles and alarms for the tools that apply them, without connecting.",
)

Cluster = Annotated[str, typer.Option(help="Name of the Kafka cluster in Strimzi.")]


@manifest.command("kafka-users")
def kafka_users(
    form: Annotated[Literal["acl", "strimzi"], typer.Option("--format", help="Format of the output.")] = "acl",
    cluster: Cluster = "hotline",
) -> None:
    """Print the Kafka users and their ACLs, as arguments of kafka-acls.sh or as a JSON list of Strimzi KafkaUsers."""
    from hotline.admin import manifest as made

    if form == "acl":
        write(made.acls(), nl=False)
    else:
        print_json(made.users(cluster))


@manifest.command()
def topics(ctx: typer.Context, cluster: Cluster = "hotline") -> None:
    """Print the topics as a JSON list of Strimzi KafkaTopics, with partitions and replicas from the settings."""
    from hotline.admin import manifest as made
    from hotline.admin.topics import copied

    kafka = settings_of(ctx, accounts=False).kafka
    copies = kafka.replication_factor
    print_json(made.topics(cluster, kafka.partitions, copies, copied(copies)))


@manifest.command()
def roles() -> None:
    """Print the Elasticsearch roles: a body of PUT _security/role/NAME for each name, or a roles.yml for the file
    realm.
    """
    from hotline.admin import manifest as made

    write(made.file("elasticsearch-roles.json"), nl=False)


@manifest.command()
def alerts(
    form: Annotated[
        Literal["prometheus", "operator"], typer.Option("--format", help="Rules file, or a PrometheusRule.")
    ] = "prometheus",
    runbook_url: Annotated[str | None, typer.Option(help="URL of docs/how-to/runbook.md for links in alarms.")] = None,
) -> None:
    """Print the alarms for Prometheus or its operator, as YAML."""
    from hotline.admin import manifest as made

    write((made.alerts if form == "prometheus" else made.rule)(runbook_url), nl=False)
