"""Sign-in by a provider of identities: OpenID Connect, authorization code with PKCE, by Authlib.

What the provider must send back (state, nonce, verifier) stands in a signed cookie of ten minutes, not in the process.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from console.session import Person, set_cookie
from console.settings import OidcSettings
from console.users import NAME
from schemas.errors import MisconfiguredError, UnreachableError
from schemas.ids import is_adcode

STATE_COOKIE = "__Host-sign-in"
STATE_SECONDS = 600
TIMEOUT_SECONDS = 10.0


class RefusedSignInError(Exception):
    """The provider's answer proves nobody who may come in; `why` is a code for the log."""

    def __init__(self, why: str, name: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.name = name


class Provider:
    """One provider. Raises UnreachableError if it does not answer, MisconfiguredError if it refuses us."""

    def __init__(
        self,
        settings: OidcSettings,
        public_url: str,
        groups: Mapping[str, Sequence[str]],
        keys: Sequence[bytes],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._groups = groups
        self._back = f"{public_url}/login/callback"
        self._signer = URLSafeTimedSerializer(
            list(keys),
            salt="console sign-in",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._client = OAuth().register(
            "provider",
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.scope,
                "code_challenge_method": "S256",
                "timeout": TIMEOUT_SECONDS,
                **({"transport": transport} if transport else {}),
            },
        )

    async def begin(self, request: Request, there: str) -> Response:
        """Send a person to the provider; `there` is the page to come back to."""
        request.scope["session"] = {}
        try:
            response: Response = await self._client.authorize_redirect(request, self._back)
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{self._settings.issuer} does not answer") from error
        except (AuthlibBaseError, RuntimeError, ValueError) as error:
            raise MisconfiguredError(f"{self._settings.issuer} is no provider of OpenID Connect") from error
        state = self._signer.dumps({"session": request.scope["session"], "there": there})
        set_cookie(response, STATE_COOKIE, str(state), STATE_SECONDS, strict=False)  # the provider's page leads back
        return response

    async def end(self, request: Request) -> tuple[Person, str]:
        """Return who came back from the provider, and the page to go to. Raises RefusedSignInError."""
        try:
            kept = self._signer.loads(request.cookies.get(STATE_COOKIE, ""), max_age=STATE_SECONDS)
        except BadSignature as error:
            raise RefusedSignInError("state") from error
        request.scope["session"] = kept["session"]
        try:
            token = await self._client.authorize_access_token(request)
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{self._settings.issuer} does not answer") from error
        except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:  # a foreign state, code, signature, nonce
            raise RefusedSignInError("answer") from error
        return self._person(token.get("userinfo") or {}), str(kept["there"])

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name = claims.get(self._settings.name_claim)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise RefusedSignInError("name")
        groups, cities = (_texts(claims.get(claim)) for claim in self._claims)
        roles = tuple(dict.fromkeys(role for group in groups for role in self._groups.get(group, ())))
        known = tuple(city for city in cities if is_adcode(city))
        if not roles or not known:
            raise RefusedSignInError("role" if not roles else "city", name)
        return Person(name=name, roles=roles, cities=known, is_local=False)

    @property
    def _claims(self) -> tuple[str, str]:
        return self._settings.groups_claim, self._settings.cities_claim


def _texts(claim: object) -> list[str]:
    """Return a claim that is one text or a list of them."""
    found = claim if isinstance(claim, list) else [claim]
    return [one for one in found if isinstance(one, str)]
