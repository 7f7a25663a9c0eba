"""Reads the settings from all their sources; whatever is wrong becomes one sentence with the next action."""

import functools
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
)

from connectors.reply_registry import check
from hotline.config import errors as partial
from hotline.config.errors import (
    EMPTY,
    FILE_VARIABLE,
    SECRETS_VARIABLE,
    path_of,
    path_to,
    sentences,
    unknown,
    unreadable,
    unusable,
    variable_of,
)
from hotline.config.paths import is_list, is_model, is_secret, kind_at, leaves, secret_paths
from hotline.config.settings import PREFIX, Settings
from schemas.errors import MisconfiguredError

# The folder of secrets, one file each: what cannot be read in it is told before anything is made of it.


def look(folder: Path, *, named: bool) -> tuple[list[str], dict[str, str]]:
    """Return what keeps the folder from being read, in sentences, and what its files say, by their variables.

    `named` says that somebody asked for this folder: then it must be there. No sentence quotes a secret.
    """
    if not folder.is_dir():
        return ([f"HOTLINE_SECRETS_DIR names {folder}, which is not a folder: correct it."] if named else []), {}
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        return [f"The folder of secrets {folder} cannot be read ({error.strerror}): let this user read it."], {}
    faults, said = [], {}
    for file in files:
        try:
            said[file.name.upper()] = file.read_bytes().decode().strip()
        except OSError as error:
            faults.append(f"The secret {file} cannot be read ({error.strerror}): let this user read it.")
        except UnicodeDecodeError:
            faults.append(f"The secret {file} is not UTF-8 text: write it again.")
    return faults, said


DEFAULT_FILE = Path("hotline.toml")
DEFAULT_SECRETS_DIR = Path("/run/secrets/hotline")

OF_ACCOUNTS = ("connectors", "lmtp", "answers", "backoffice", "sinks")
"""Tables of accounts, back offices and subscribers, whose secrets are for the processes that talk to them."""


class FaultySettingsError(MisconfiguredError):
    """Settings that cannot work; `faults` has one sentence for each fault, `rest` what could be read all the same."""

    def __init__(self, faults: list[str], rest: Settings | None = None) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.rest = rest


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None, *, accounts: bool = True) -> Settings:
    """Read the settings; `flags` is what the command line said, nested like the TOML.

    Without `accounts` their secrets may be missing: who only asks the archive or Kafka needs none of them.
    Raises FaultySettingsError with every fault found, not only the first.
    """
    chosen = _file(file)
    table = _table(chosen) if chosen else {}
    unreadable_files, files = look(_secrets_folder(), named=bool(os.environ.get(SECRETS_VARIABLE)))
    if unreadable_files:
        raise FaultySettingsError([*_secrets_in(table), *unreadable_files])
    variables = {**files, **os.environ}
    no_json = dict(unreadable(variables))
    named = chosen or DEFAULT_FILE
    faults = [*_secrets_in(table), *_empty_paths(table, named), *unknown(variables), *no_json.values()]
    settings: Settings | None = None
    merged: dict[str, Any] = {}
    try:
        settings = _validated(table, flags or {}, merged)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        settings = partial.known(Settings, merged, {path_to(details) for details in errors})
        if told := [one for one in errors if accounts or not _needs_a_secret_of_an_account(one)]:
            told = [one for one in told if path_to(one) not in no_json and not _is_inherited(path_to(one), merged)]
            faults += [*sentences(told, named), *_broken(settings, named)]
    except SettingsError as error:
        faults.append(f"The folder of secrets {_secrets_folder()} cannot be used ({error}): keep only secrets in it.")
    if settings is not None:
        faults += _blank(settings, named)
        settings._file = chosen
    if faults or settings is None:
        raise FaultySettingsError(list(dict.fromkeys(faults)), settings)
    return settings


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
    except UnicodeDecodeError as error:
        raise FaultySettingsError([f"{file} is not written in UTF-8: save it as UTF-8."]) from error
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        raise FaultySettingsError([f"{file} is not valid TOML ({error}): correct it."]) from error
    except OSError as error:
        raise FaultySettingsError([f"{file} cannot be read ({error.strerror}): let this user read it."]) from error


class _Environment(EnvSettingsSource):
    """The environment, where a list may also be written with commas."""

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        """Read JSON, or a list with commas; what is neither is refused in its place, and hides no other fault."""
        if is_list(getattr(field, "annotation", None)) and not value.lstrip().startswith("["):
            return [part.strip() for part in value.split(",") if part.strip()]
        try:
            return super().decode_complex_value(field_name, field, value)
        except (ValueError, RecursionError):
            return value


class _SecretsFolder(NestedSecretsSettingsSource, _Environment):
    """One file for each secret, named like its variable."""


class _Bound(Settings):
    """The settings, with the sources of who reads them; to make a class takes pydantic longer than to read them."""

    @model_validator(mode="before")
    @classmethod
    def _remember(cls, values: Any) -> Any:
        _reading.get().merged.update(values)
        return values

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
        table = InitSettingsSource(settings_cls, _reading.get().table)
        return init_settings, _Environment(settings_cls), files, table


class _Reading(NamedTuple):
    """What is read now: the table of the file, and what all sources say together, be it right or wrong."""

    table: dict[str, Any]
    merged: dict[str, Any]


_reading: ContextVar[_Reading] = ContextVar("reading")


def _validated(table: dict[str, Any], flags: Mapping[str, Any], merged: dict[str, Any]) -> Settings:
    """Return the settings; `merged` gets what all sources say together, be it right or wrong."""
    token = _reading.set(_Reading(table, merged))
    try:
        return _Bound(**flags)
    finally:
        _reading.reset(token)


def _secrets_in(table: dict[str, Any]) -> list[str]:
    return [
        (
            f"`{'.'.join(path)}` is a secret and must not be in the settings file: remove it there and set "
            f"{variable_of(path)}."
        )
        for path in secret_paths(table, Settings)
    ]


def _empty_paths(table: dict[str, Any], file: Path) -> list[str]:
    """Refuse "" for a file or folder: it would be the folder that hotline is started in."""
    in_file = [path for path, value in leaves(table) if value == ""]
    in_variables = [path_of(name) for name, value in os.environ.items() if name.startswith(PREFIX) and not value]
    return [unusable(path, EMPTY, file) for path in (*in_file, *in_variables) if kind_at(Settings, path) is Path]


def _blank(settings: Settings, file: Path) -> list[str]:
    """Refuse names and secrets of blanks alone: a service would take them for nothing, or refuse them only later."""
    found = [path for path, value in leaves(settings) if any(text.isspace() for text in _texts(value))]
    return [unusable(path, "it is blank", file) for path in found]


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, tuple | frozenset) else (value,):
        text = one.get_secret_value() if isinstance(one, SecretStr) else one
        if isinstance(text, str):
            yield text


def _secrets_folder() -> Path:
    return Path(os.environ.get(SECRETS_VARIABLE) or DEFAULT_SECRETS_DIR)


def _is_inherited(path: tuple[str, ...], merged: Mapping[str, Any]) -> bool:
    """Say whether an account has a city from the settings: what is wrong with it is told there, once."""
    if len(path) < 2 or path[-1] != "jurisdiction":
        return False
    account: Any = functools.reduce(lambda table, key: table.get(key, {}), path[:-1], merged)
    return "jurisdiction" in merged and account.get("jurisdiction") == merged["jurisdiction"]


def _needs_a_secret_of_an_account(details: ErrorDetails) -> bool:
    """Say whether it is missing, or may be: what a rule over several keys of an account wants can be a secret."""
    path = path_to(details)
    kind = kind_at(Settings, path)
    missing = details["type"] == "missing" and is_secret(kind)
    rule = details["type"] == "value_error" and (is_model(kind) or path == ("answers",))
    return bool(path) and path[0] in OF_ACCOUNTS and (missing or rule)


def _broken(settings: Settings, file: Path) -> Iterator[str]:
    """Yield the rules over several keys that what could be read breaks; pydantic stops before it looks at them."""
    for path, said in partial.broken(settings):
        yield unusable(path, said, file)
    try:
        with suppress(AttributeError):  # it asks for what could not be read
            check(settings.answers, settings.connectors.sections)
    except ValueError as error:
        yield unusable(("answers",), str(error), file)
