"""OAuth access tokens of a mailbox, read from a file that is renewed externally, or from a command's output."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from connectors.mailbox.settings import MailboxSettings
from schemas.codec import UNREADABLE, built
from schemas.errors import MisconfiguredError, UnreachableError

COMMAND_SECONDS = 30.0

EARLY_SECONDS = 60.0
"""Seconds before its expiry at which a token is renewed."""

_LIMIT = 16 * 1024


@built
class _Answer(msgspec.Struct):
    """Response of a token endpoint (RFC 6749, 5.1); only the fields that are used."""

    access_token: str
    expires_in: float | None = None


class Tokens:
    """Token of one account; kept across connections, so that not every login asks the provider."""

    def __init__(self, settings: MailboxSettings, account: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._account = account
        self._clock = clock
        self._token: str | None = None
        self._until: float | None = None

    def current(self) -> str:
        """Return a token that is not known to be refused or expired; raises errors of `schemas.errors`."""
        expired = self._until is not None and self._clock() > self._until
        if self._token is None or expired or self._settings.token_file:
            self._renew()
        return self._token or ""

    def renewed(self) -> bool:
        """Get a new token after a refusal; False for the same one, because a second try could lock the account."""
        refused = self._token
        self._renew()
        return self._token != refused

    def _renew(self) -> None:
        path = self._settings.token_file
        said = self._from_file(path) if path else self._from_command()
        self._token, lifetime = self._read(said)
        self._until = None if lifetime is None else self._clock() + lifetime - EARLY_SECONDS

    def _read(self, said: bytes) -> tuple[str, float | None]:
        try:
            if said.lstrip().startswith(b"{"):
                answer = msgspec.json.decode(said, type=_Answer)
                token, lifetime = answer.access_token, answer.expires_in
            else:
                token, lifetime = said.decode("ascii").strip(), None
        except UNREADABLE as error:
            raise self._unreadable() from error
        if not token or len(token) > _LIMIT or not token.isascii() or any(map(str.isspace, token)):
            raise self._unreadable()
        return token, lifetime

    def _from_file(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(_LIMIT)
        except OSError as error:
            raise UnreachableError(
                f"mailbox {self._account}: token_file cannot be read ({error.strerror}); check the program "
                "that renews it"
            ) from error

    def _from_command(self) -> bytes:
        command = self._settings.token_command
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own command, without a shell
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UnreachableError(
                f"mailbox {self._account}: token_command took longer than {COMMAND_SECONDS:.0f} s; run it by hand"
            ) from error
        except OSError as error:
            raise MisconfiguredError(
                f"mailbox {self._account}: token_command cannot be started ({error.strerror}); correct it"
            ) from error
        if done.returncode:  # the command's output may hold secrets
            raise UnreachableError(
                f"mailbox {self._account}: token_command exited with {done.returncode}; run it by hand to see why"
            )
        return done.stdout[:_LIMIT]

    def _unreadable(self) -> UnreachableError:
        return UnreachableError(
            f"mailbox {self._account}: no access token found; token_file or token_command must contain only "
            'the token, or JSON with "access_token"'
        )
