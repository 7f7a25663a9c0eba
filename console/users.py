"""Local users: name, argon2id hash, roles and cities, in a file that only our user reads.

The file is read again when it changes, so a new role, a new password and an end of sessions need no restart. It also
holds when the sessions of people of a provider were ended.
"""

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from console.rights import ROLES
from schemas.errors import MisconfiguredError
from schemas.ids import is_adcode
from storage.private_files import for_us_alone, make_private

NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)
LEAST_PASSWORD = 12
"""Characters of a password; GB/T 22239 asks for complexity, length does more."""
LONGEST_PASSWORD = 200
"""A longer one is refused before it is hashed."""

_hasher = PasswordHasher()  # argon2id, 64 MiB, 3 rounds: RFC 9106
_NOBODY = _hasher.hash("compared with all the same, so that the time of an answer tells nothing of a user")
_hashing = threading.Semaphore(2)
"""Each hash takes 64 MiB and a processor."""


class User(Struct, frozen=True, kw_only=True):
    """A person; without a password one of a provider, whose sessions were ended at `ended_at` (Unix time)."""

    password: str | None = None
    roles: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    ended_at: float = 0.0


class Users:
    """The users of a file. Raises MisconfiguredError if others may read it, or if it cannot be read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._known: Mapping[str, User] = {}

    def all(self) -> Mapping[str, User]:
        """Return the users by name; none without a file."""
        try:
            now = self._file.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise MisconfiguredError(f"{self._file} cannot be read ({error.strerror}): see its rights.") from error
        if now.st_mode & 0o077:
            raise MisconfiguredError(f"Others may read {self._file}: run chmod 600 on it.")
        stamp = (now.st_ino, now.st_mtime_ns, now.st_size)
        if stamp != self._stamp:
            self._known, self._stamp = self._read(), stamp
        return self._known

    def checked(self, name: str, password: str) -> User | None:
        """Return the user of a name and a password, else None after the same time."""
        user = self.all().get(name)
        stored = user.password if user else None
        with _hashing:
            is_right = _fits(stored or _NOBODY, password[:LONGEST_PASSWORD])
        is_whole = len(password) <= LONGEST_PASSWORD
        return user if is_right and is_whole and stored is not None else None

    def add(self, name: str, password: str, roles: tuple[str, ...], cities: tuple[str, ...], now: float) -> None:
        """Add a user, or replace one, whose sessions end. Raises MisconfiguredError for what cannot be used."""
        _check(name, password, roles, cities)
        user = User(password=_hasher.hash(password), roles=roles, cities=cities, ended_at=now)
        with self._changing() as users:
            users[name] = user

    def end(self, name: str, now: float) -> None:
        """End all sessions of a user, also of one who signs in at a provider."""
        _refuse_name(name)
        with self._changing() as users:
            users[name] = msgspec.structs.replace(users.get(name, User()), ended_at=now)

    def remove(self, name: str, now: float) -> None:
        """Take a user's password and roles away and end all sessions. Raises MisconfiguredError if there is none."""
        with self._changing() as users:
            if users.get(name, User()).password is None:
                raise MisconfiguredError(f"There is no local user {name}: see `hotline console user list`.")
            users[name] = User(ended_at=now)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """Let one process at a time change the users, and write them beside before they take the file's place."""
        make_private(self._file.parent)
        with open(f"{self._file}.lock", "w", opener=for_us_alone) as lock:
            flock(lock, LOCK_EX)
            users = dict(self.all())
            yield users
            beside = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
            with open(beside, "wb", opener=for_us_alone) as file:
                file.write(msgspec.json.format(msgspec.json.encode(users)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._file)

    def _read(self) -> Mapping[str, User]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, User])
        except (OSError, msgspec.DecodeError) as error:
            raise MisconfiguredError(
                f"{self._file} is not a file of users: restore it, or add the users again."
            ) from error


def _fits(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _check(name: str, password: str, roles: tuple[str, ...], cities: tuple[str, ...]) -> None:
    _refuse_name(name)
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise MisconfiguredError(f"A password has {LEAST_PASSWORD} to {LONGEST_PASSWORD} characters: take another.")
    if not roles or set(roles) - ROLES.keys():
        raise MisconfiguredError(f"The roles are {', '.join(ROLES)}: give at least one of them.")
    if not cities or not all(is_adcode(city) for city in cities):
        raise MisconfiguredError("A city is a 行政区划代码 of six digits, such as 210100: give at least one.")


def _refuse_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise MisconfiguredError("A user's name has up to 40 of A-Z a-z 0-9 _ . -: take another.")
