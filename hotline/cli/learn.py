"""`hotline learn`: models from the city's own archive."""

from pathlib import Path
from typing import Annotated

import typer

from hotline.cli.common import say, settings_of, write
from storage.private_files import make_private

learn = typer.Typer(no_args_is_help=True, help="Make models from the city's own labelled messages.")


@learn.command("category")
def category(
    ctx: typer.Context,
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="Labelled messages: .jsonl, .csv or .tsv, also .gz.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder for the model; `models` in the data folder by default."),
    ] = None,
) -> None:
    """Learn the city's categories (事项分类) from DATA, with the columns title, text and category.

    Writes a model and a card with its cross-validated scores; `rules.category_model` names the model to use.
    """
    from hotline.config.clients import verified_rules
    from hotline.quality.learn import category as learning
    from hotline.quality.learn import labelled

    path = learning.learn(list(labelled.read(data)), _folder(ctx, out), verified_rules(settings_of(ctx)))
    write(path.with_suffix(".json").read_text(encoding="utf-8"), nl=False)
    say(f"To use it, set HOTLINE_RULES__CATEGORY_MODEL={path.resolve()}", err=True)


@learn.command("place")
def place(
    ctx: typer.Context,
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA",
            help="Labelled addresses: CoNLL, one character and its BIO label per line, a blank line between addresses.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder for the model; `models` in the data folder by default."),
    ] = None,
) -> None:
    """Learn from DATA how addresses (地址) of the city are written; labels are levels such as district, road, poi.

    Writes a model and a card with its F1 on held-out addresses; `rules.place_model` names the model to use.
    """
    from hotline.quality.learn import addresses
    from hotline.quality.learn import place as learning

    path = learning.learn(addresses.read(data), _folder(ctx, out))
    write(path.with_suffix(".json").read_text(encoding="utf-8"), nl=False)
    say(f"To use it, set HOTLINE_RULES__PLACE_MODEL={path.resolve()}", err=True)


def _folder(ctx: typer.Context, out: Path | None) -> Path:
    """Return where a model goes: if nothing is named into the data folder, where citizens' words lie or will."""
    if out is not None:
        return out
    found = settings_of(ctx).data_dir / "models"
    make_private(found)
    return found
