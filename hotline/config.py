"""Reads the settings from all their sources; whatever is wrong becomes one sentence with the next action."""

import difflib
import itertools
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
)

from hotline import secrets_folder
from hotline.settings import PREFIX, Settings
from hotline.settings_shape import is_list, is_secret, kind_at, names_in, secret_paths
from schemas.errors import MisconfiguredError

FILE_VARIABLE = "HOTLINE_SETTINGS"
SECRETS_VARIABLE = "HOTLINE_SECRETS_DIR"
DEFAULT_FILE = Path("hotline.toml")
DEFAULT_SECRETS_DIR = Path("/run/secrets/hotline")

_NOT_SETTINGS = frozenset({FILE_VARIABLE, SECRETS_VARIABLE, "HOTLINE_DATA", "HOTLINE_DEBUG", "HOTLINE_PARENT"})


class FaultySettingsError(MisconfiguredError):
    """Settings that cannot work; `faults` has one sentence for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings; `flags` is what the command line said, nested like the TOML.

    Raises FaultySettingsError with every fault found, not only the first.
    """
    chosen = _file(file)
    table = _table(chosen) if chosen else {}
    unreadable, files = secrets_folder.look(_secrets_folder(), named=bool(os.environ.get(SECRETS_VARIABLE)))
    if unreadable:
        raise FaultySettingsError([*_secrets_in(table), *unreadable])
    faults = [*_secrets_in(table), *_unknown(os.environ), *_unknown(files)]
    try:
        settings = _validated(table, flags or {})
    except ValidationError as error:
        faults += [_sentence(details) for details in error.errors(include_url=False, include_input=False)]
    except (SettingsError, ValueError) as error:
        faults.append(f"A HOTLINE_ variable holds a list or table that is no JSON ({error}): correct it.")
    if faults:
        raise FaultySettingsError(faults)
    settings._file = chosen
    return settings


def variable_of(path: tuple[str, ...]) -> str:
    """Return the environment variable of a setting: ``("kafka", "partitions")`` → ``HOTLINE_KAFKA__PARTITIONS``."""
    return PREFIX + "__".join(path).upper()


def _file(file: Path | None) -> Path | None:
    named = file or (Path(text) if (text := os.environ.get(FILE_VARIABLE)) else None)
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    if not named.is_file():
        raise FaultySettingsError([f"There is no settings file {named}: name one that exists, or none."])
    return named


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FaultySettingsError([f"{file} is no TOML ({error}): correct it."]) from error
    except OSError as error:
        raise FaultySettingsError([f"{file} cannot be read ({error.strerror}): let this user read it."]) from error


class _Environment(EnvSettingsSource):
    """The environment, where a list may also be written with commas."""

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        """Read JSON, or a list with commas."""
        if is_list(getattr(field, "annotation", None)) and not value.lstrip().startswith("["):
            return [part.strip() for part in value.split(",") if part.strip()]
        return super().decode_complex_value(field_name, field, value)


class _SecretsFolder(NestedSecretsSettingsSource, _Environment):
    """One file for each secret, named like its variable."""


def _validated(table: dict[str, Any], flags: Mapping[str, Any]) -> Settings:
    class Bound(Settings):
        """The settings, with this command's sources."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Name the sources, the strongest first."""
            files = _SecretsFolder(file_secret_settings, secrets_dir=_secrets_folder(), secrets_dir_missing="ok")
            return init_settings, _Environment(settings_cls), files, InitSettingsSource(settings_cls, table)

    return Bound(**flags)


def _secrets_in(table: dict[str, Any]) -> list[str]:
    return [
        f"`{'.'.join(path)}` is a secret and must not stand in the settings file: "
        f"remove it there and set {variable_of(path)}."
        for path in secret_paths(table, Settings)
    ]


def _secrets_folder() -> Path:
    return Path(os.environ.get(SECRETS_VARIABLE) or DEFAULT_SECRETS_DIR)


def _unknown(names: Iterable[str]) -> Iterator[str]:
    """Find misspelt variables. Others may use our prefix too (Kubernetes does), so a name must look like ours."""
    for name in sorted(names):
        first = name.removeprefix(PREFIX).split("__")[0].lower()
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS or first in Settings.model_fields:
            continue
        near = difflib.get_close_matches(first, Settings.model_fields, n=1, cutoff=0.75)
        if "__" in name or near:
            meant = name.replace(first.upper(), near[0].upper(), 1) if near else None
            yield f"{name} is no setting{_hint(meant, Settings.model_fields)}"


def _sentence(details: ErrorDetails) -> str:
    # An item of a list has a number: the variable holds the whole list.
    path = tuple(str(part) for part in itertools.takewhile(lambda part: isinstance(part, str), details["loc"]))
    name, variable = ".".join(path), variable_of(path)
    if details["type"] == "extra_forbidden":
        return f"`{name}` is no setting{_hint(_nearest(path), names_in(kind_at(Settings, path[:-1])))}"
    if details["type"] == "missing":
        where = f"set {variable}" if is_secret(kind_at(Settings, path)) else f"set it in hotline.toml or as {variable}"
        return f"`{name}` is missing: {where}."
    reason = _reason(details)
    where = variable if is_secret(kind_at(Settings, path)) else f"it in hotline.toml or {variable}"
    return f"`{name}` cannot be used ({reason}): correct {where}."


_PLAIN: Mapping[str, str] = {
    "dict_type": "it must be a table",
    "model_type": "it must be a table",
    "tuple_type": 'it must be a list, such as ["one", "two"]',
    "string_type": "it must be text in quotes",
}
"""What pydantic says in the words of Python, said in those of TOML."""


def _reason(details: ErrorDetails) -> str:
    if details.get("ctx", {}).get("min_length") == 1:
        return "it is empty"
    return _PLAIN.get(details["type"]) or details["msg"].removeprefix("Value error, ")


def _hint(near: str | None, known: Iterable[str] = ()) -> str:
    if near:
        return f": did you mean `{near}`?"
    names = ", ".join(known)
    return f": remove it; known here are {names}." if names else ": remove it."


def _nearest(path: tuple[str, ...]) -> str | None:
    near = difflib.get_close_matches(path[-1], names_in(kind_at(Settings, path[:-1])), n=1, cutoff=0.5)
    return near[0] if near else None
