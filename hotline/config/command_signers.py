"""Who gives commands: the account that Kafka knows, the key that signs for it, and the keys that `assign` knows."""

import os
import pwd
from datetime import datetime
from typing import TYPE_CHECKING

from broker.tls import common_name
from schemas.command_signature import Signer
from schemas.errors import MisconfiguredError
from tickets.admission import CommandKey, CommandKeys

if TYPE_CHECKING:
    from hotline.config.command_keys import CommandKeySettings
    from hotline.config.settings import Settings


LOCAL = "local:"
"""Before the name of the machine's user, where Kafka asks nobody who they are."""


def principal(settings: "Settings") -> str:
    """Return who gives commands here: the login that Kafka checks, else the machine's user, marked as local.

    The login of a certificate (mutual TLS) is its common name.

    Raises MisconfiguredError for a login that cannot stand in the logs.
    """
    from normalizers.parse.codes import is_code

    kafka, login, setting = settings.kafka, None, "kafka.sasl_username"
    if kafka.security_protocol.startswith("SASL"):
        login = kafka.sasl_username
    elif kafka.security_protocol == "SSL" and kafka.ssl_certfile:
        setting = "kafka.ssl_certfile"
        login = common_name(kafka.ssl_certfile, setting) or ""
    if login is not None:
        if not is_code(login) or login.startswith(LOCAL):
            raise MisconfiguredError(
                f"The login of `{setting}` is the author in the logs, so it must be a code of A-Z a-z 0-9 _ "
                f". : / + - that does not begin with {LOCAL}: create another user."
            )
        return login
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name  # no variable is asked, which anybody could set
    except KeyError:
        name = f"uid-{uid}"
    return LOCAL + (name if is_code(name) else f"uid-{uid}")


def keys_of(settings: "Settings") -> CommandKeys | None:
    """Return the keys that `assign` checks by; None for the local stack without keys, where nobody is known."""
    if not settings.command_keys and settings.is_local:
        return None
    keys = {
        name: CommandKey(
            secret=key.secret.get_secret_value().encode(),
            kinds=key.kinds,
            jurisdictions=key.jurisdictions,
            author=key.author,
            systems=key.systems,
        )
        for name, key in settings.command_keys.items()
        if key.secret is not None
    }
    return CommandKeys(keys=keys, unsigned_until=settings.commands.unsigned_until)


def signer_of_person(settings: "Settings") -> Signer | None:
    """Return the key of who gives commands here, the newest of several; None for the local stack without keys.

    Raises MisconfiguredError where there is none.
    """
    author = principal(settings)
    return _newest(
        settings,
        {name: key for name, key in settings.command_keys.items() if key.author == author},
        f'{author} has no key to sign commands: add one with author = "{author}" to [command_keys]',
    )


def signer_of_door(settings: "Settings") -> Signer | None:
    """Return the key of the receiver for the commands of its back offices. Raises as `signer_of_person` does."""
    systems = {one.system for one in settings.backoffice.values()}
    return _newest(
        settings,
        {name: key for name, key in settings.command_keys.items() if systems and systems <= key.systems},
        f"The receiver has no key to sign commands: add one for the systems {', '.join(sorted(systems))} to "
        "[command_keys]",
    )


CONSOLE, DESK = "console", "desk"
"""What the console and its desk are as systems: authors console/wang.li and desk/wang.li."""


def signer_of_console(settings: "Settings") -> Signer | None:
    """Return the key of the console for the acts of its people. Raises as `signer_of_person` does."""
    keys = settings.command_keys.items()
    return _newest(
        settings,
        {name: key for name, key in keys if CONSOLE in key.systems and "record" in key.kinds},
        f'The console has no key to sign acts with: add one with systems = ["{CONSOLE}"] and kinds = ["record"] '
        "to [command_keys]",
    )


def signer_of_desk(settings: "Settings") -> Signer | None:
    """Return the key of the desk's pages, for acts and acknowledgements. Raises as `signer_of_person` does."""
    keys, wanted = settings.command_keys.items(), {"record", "acknowledge_handover"}
    return _newest(
        settings,
        {name: key for name, key in keys if DESK in key.systems and wanted <= key.kinds},
        f'The desk has no key to sign with: add one with systems = ["{DESK}"] and kinds = ["record", '
        '"acknowledge_handover"] to [command_keys]',
    )


def missing(settings: "Settings") -> list[str]:
    """Return what `assign` lacks to know the senders of commands, a sentence each."""
    if settings.is_local and not settings.command_keys:
        return []
    found = [
        (f"`command_keys.{name}` has no secret here, so `assign` refuses commands that it signs: set {variable(name)}.")
        for name, key in sorted(settings.command_keys.items())
        if key.secret is None
    ]
    if not settings.command_keys:
        found.append("`command_keys` has no key: `assign` refuses every command, and no operator can read in clear.")
    return found


def variable(name: str) -> str:
    """Return the variable of a key's secret."""
    return f"HOTLINE_COMMAND_KEYS__{name.upper()}__SECRET"


def transition(settings: "Settings", now: datetime) -> str | None:
    """Say that unsigned commands are still admitted; None once that is over."""
    until = settings.commands.unsigned_until
    if until is None or until <= now:
        return None
    return f"Unsigned commands are carried out until {until.isoformat()}: remove `commands.unsigned_until`."


def _newest(settings: "Settings", keys: "dict[str, CommandKeySettings]", nobody: str) -> Signer | None:
    if not settings.command_keys and settings.is_local:
        return None
    secrets = {name: key.secret for name, key in keys.items() if key.secret is not None}
    if secrets:
        name = max(secrets)
        return Signer(name, secrets[name].get_secret_value().encode())
    if keys:
        raise MisconfiguredError(f"The key {max(keys)} has no secret here: set {variable(max(keys))}.")
    raise MisconfiguredError(f"{nobody} (docs/how-to/secure.md).")
