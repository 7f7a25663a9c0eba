"""`hotline evaluate`: how right the rules are, measured on labelled files of the city's own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hotline.cli.common import AsJson, print_json, settings_of
from hotline.terminal import Console


def evaluate(
    ctx: typer.Context,
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help="Task to measure: duplicates, kind, category, emergency, place, confidentiality, minors, "
            "acceptance, dispatch, deadlines or masks.",
        ),
    ],
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Labelled files, counted together: JSON lines or .tsv; for place, BIO labels.",
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(help="Measure this model (`hotline learn`) instead of the rules.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the pipeline's functions on the labelled files PATH, without a server, and report their accuracy."""
    from hotline.quality.evaluate import OF_MODELS, TASKS
    from hotline.quality.replay import rules

    if task not in TASKS:
        raise typer.BadParameter(f"choose one of {', '.join(TASKS)}", param_hint="TASK")
    if model is not None and task not in OF_MODELS:
        raise typer.BadParameter(f"there are only models for {' and '.join(OF_MODELS)}", param_hint="--model")
    tried = rules.to_try(settings_of(ctx))
    figures = OF_MODELS[task](paths, model, tried) if model else TASKS[task](paths, tried)
    if as_json:
        print_json({figure.name: figure.value for figure in figures})
        return
    table = Table("figure", "value", "meaning", box=None)
    for figure in figures:
        shown = f"{figure.value:.3f}" if isinstance(figure.value, float) else str(figure.value)
        table.add_row(figure.name, shown if figure.value is not None else "-", figure.meaning)
    Console().print(table)
