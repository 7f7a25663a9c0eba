"""Sessions: a signed cookie says who signed in and when; nothing is kept in the process, so a restart ends none.

::

    __Host-hotline = name . roles . cities . begun . used . token   signed by the newest key, known by all
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from console.rights import Right, ends_idle, rights_of
from console.users import Users

COOKIE = "__Host-hotline"
"""The prefix makes browsers refuse it without Secure, with a Domain or for another path."""


class Person(Struct, frozen=True, kw_only=True):
    """A person as the local users or the provider know them."""

    name: str
    roles: tuple[str, ...]
    cities: tuple[str, ...]
    is_local: bool = True

    @property
    def rights(self) -> frozenset[Right]:
        """Return what the person's roles may do."""
        return rights_of(self.roles)


class Session(Struct, frozen=True, kw_only=True):
    """A person's session; `token` proves that a form comes from one of its pages, `used` is its last use or nearly."""

    person: Person
    begun: float
    token: str
    used: float | None = None

    @property
    def id(self) -> str:
        """Return what names the session in the audit log; the token does not follow from it."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:16]


USED_SECONDS = 60.0
"""A cookie is written anew when its last use is so long ago."""


class Sessions:
    """Begins and reads sessions. `keys` sign, the newest last; they live `seconds`, unused `idle_seconds` for roles
    that see clear tickets.
    """

    def __init__(self, keys: Sequence[bytes], users: Users, seconds: float, idle_seconds: float = 1800.0) -> None:
        self._signer = URLSafeSerializer(
            list(keys),
            salt="console session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._users = users
        self._seconds = seconds
        self._idle_seconds = idle_seconds

    def begin(self, person: Person, now: float) -> Session:
        """Return a new session; its token is new, so that nobody can have fixed it before the sign-in."""
        return Session(person=person, begun=now, token=secrets.token_urlsafe(24))

    def written(self, session: Session) -> str:
        """Return the cookie's value."""
        return str(self._signer.dumps(msgspec.to_builtins(session)))

    def read(self, value: str, now: float) -> Session | None:
        """Return the session of a cookie; None if it is forged, over, ended, or of a user who is gone.

        Roles and cities of a local user are those of the file now.
        """
        try:
            session = msgspec.convert(self._signer.loads(value), Session)
        except (BadSignature, msgspec.ValidationError):
            return None
        if not 0 <= now - session.begun < self._seconds:
            return None
        user = self._users.all().get(session.person.name)
        if user is not None and session.begun <= user.ended_at:
            return None
        if session.person.is_local:
            if user is None or user.password is None:
                return None
            person = msgspec.structs.replace(session.person, roles=user.roles, cities=user.cities)
            session = msgspec.structs.replace(session, person=person)
        return None if self._is_idle(session, now) else session

    def _is_idle(self, session: Session, now: float) -> bool:
        return ends_idle(session.person.roles) and now - (session.used or session.begun) >= self._idle_seconds

    def renew(self, response: Response, session: Session, now: float) -> None:
        """Write into the browser's cookie that the session is used, if it ends without use."""
        if ends_idle(session.person.roles) and now - (session.used or session.begun) >= USED_SECONDS:
            self.set(response, msgspec.structs.replace(session, used=now))

    def set(self, response: Response, session: Session) -> None:
        """Hand the session to the browser."""
        set_cookie(response, COOKIE, self.written(session), int(self._seconds))


def set_cookie(response: Response, name: str, value: str, seconds: int, *, strict: bool = True) -> None:
    """Set a cookie that only this site's own requests carry and no script reads; 0 seconds deletes it."""
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict" if strict else "lax"
    )


SAFE_METHODS = frozenset({"GET", "HEAD"})


def is_ours(request: Request, session: Session | None, form: Mapping[str, str], origin: str | None) -> bool:
    """Return whether an unsafe request comes from a page of the console, by its headers and token.

    `origin` is the configured public URL; without one the request's own Host counts.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_same = site == "same-origin"
    else:
        own = {origin} if origin else {f"{scheme}://{request.headers.get('host', '')}" for scheme in ("http", "https")}
        is_same = request.headers.get("origin") in own
    if session is None or not is_same:
        return is_same and session is None
    given = request.headers.get("x-session-token") or form.get("token", "")
    return secrets.compare_digest(given.encode(), session.token.encode())
