"""Authenticates the sender of a mapped webhook: by secrets, addresses, a client certificate, or a signature."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

import jmespath
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from jmespath.exceptions import JMESPathError
from pydantic import SecretStr

from connectors.base import Request
from connectors.http.signature import check_fresh, check_token, matching, moment
from connectors.mapped_webhook.settings import MappedWebhookSettings
from connectors.runtime.clock import Moments
from connectors.sms_http.authentication import check_address
from normalizers.mapped_webhook import document
from normalizers.mapped_webhook.profile import Profile, Signature, flat
from schemas.errors import MalformedError, MisconfiguredError, RefusedRequest

_PLACE = re.compile(r"\{([^{}]+)\}")


class Authentication:
    """The checks of one account; raises MisconfiguredError for keys that cannot be used."""

    def __init__(self, settings: MappedWebhookSettings, profile: Profile, moments: Moments) -> None:
        self._settings = settings
        self._profile = profile
        self._moments = moments
        if settings.signature_keys and profile.signature is None:
            raise MisconfiguredError(
                f"The profile {settings.profile} describes no signature: remove signature_keys, or add a [signature]."
            )
        self._signature = profile.signature if settings.signature_keys else None
        keys = _clear(settings.signature_keys)
        is_public = self._signature is not None and self._signature.algorithm == "rsa-sha256"
        self._public_keys = [_public_key(text) for text in keys] if is_public else []
        self._secrets = [_secret(text, self._signature) for text in keys if self._signature and not is_public]

    def check_head(self, request: Request) -> None:
        """Check a request without its body. Raises RefusedRequest (401, 403, 404) without details of the fault."""
        settings = self._settings
        if settings.path_secrets:
            _check(_clear(settings.path_secrets), request.path.rpartition("/")[2], "path", 404)
        if settings.header_secrets:
            given = request.headers.get(settings.secret_header.lower(), "")
            _check(_clear(settings.header_secrets), given, "token", 401)
        if settings.bearer_tokens:
            check_token(_clear(settings.bearer_tokens), request.headers)
        if settings.client_certificates:
            given = request.headers.get(settings.certificate_header.lower(), "")
            _check(settings.client_certificates, given, "certificate", 403)
        # Last: a request that is refused for its address alone comes from the sender, by an unlisted way.
        if settings.allowed_addresses:
            check_address(request.client, settings.allowed_addresses)

    def check(self, request: Request) -> None:
        """Check a whole request. Raises RefusedRequest as `check_head` does."""
        if self._signature is not None:
            self._check_signature(request, self._signature)
        self.check_head(request)

    def _check_signature(self, request: Request, scheme: Signature) -> None:
        content = Content(request, self._profile)
        given = content.place(scheme.given).decode("utf-8", "replace").split() or [""]
        candidates = [one.removeprefix(scheme.prefix) for one in given if one.startswith(scheme.prefix)]
        if not any(self._is_signed(content, scheme, one) for one in candidates):
            raise RefusedRequest("the request is not signed with a known key", status=401, reason="signature")
        if scheme.timestamp is not None:
            at = moment(content.place(scheme.timestamp).decode("utf-8", "replace"))
            check_fresh(at, self._moments, self._settings.timestamp_window_seconds, status=401)

    def _is_signed(self, content: "Content", scheme: Signature, given: str) -> bool:
        if scheme.algorithm == "rsa-sha256":
            signed = content.signed(scheme, b"")
            return any(_verifies(key, _decoded(given, scheme), signed) for key in self._public_keys)
        digest = _digest_of(scheme)
        # Hexadecimal signatures occur in both cases.
        given = given.lower() if scheme.encoding == "hex" else given

        def expected(secret: bytes) -> str:
            return _encoded(digest(secret, content.signed(scheme, secret)), scheme)

        return matching(self._secrets, expected, given) is not None


class Content:
    """The parts of a request that a signature may cover. The body is parsed only if a part asks for it."""

    def __init__(self, request: Request, profile: Profile) -> None:
        self._request = request
        self._profile = profile
        self.body = body_of(request, profile)

    def signed(self, scheme: Signature, key: bytes) -> bytes:
        """Return the signed bytes."""
        made, end = b"", 0
        for found in _PLACE.finditer(scheme.signed):
            made += scheme.signed[end : found.start()].encode() + self._part(found[1], scheme, key)
            end = found.end()
        return made + scheme.signed[end:].encode()

    def place(self, place: str) -> bytes:
        """Return the value at a place; empty if there is none."""
        kind, _, name = place.partition(":")
        if kind == "header":
            return self._request.headers.get(name.lower(), "").encode("utf-8", "surrogatepass")
        if kind == "query":
            return "".join(self._request.query.get(name, ())[:1]).encode("utf-8", "surrogatepass")
        try:
            return flat(jmespath.search(name, self._tree())).encode("utf-8", "surrogatepass")
        except (JMESPathError, MalformedError):
            return b""

    def _part(self, name: str, scheme: Signature, key: bytes) -> bytes:
        parts: Mapping[str, Callable[[], bytes]] = {
            "body": lambda: self.body,
            "key": lambda: key,
            "method": lambda: self._request.method.encode(),
            "path": lambda: self._request.path.encode("utf-8", "surrogatepass"),
            "sorted": lambda: self._sorted(scheme),
        }
        return parts[name]() if name in parts else self.place(name)

    def _sorted(self, scheme: Signature) -> bytes:
        try:
            tree = self._tree()
        except MalformedError:
            return b""
        fields = tree if isinstance(tree, Mapping) else {}
        pairs = [(name, flat(value)) for name, value in sorted(fields.items()) if name not in scheme.leave_out]
        return "&".join(f"{name}={text}" for name, text in pairs if text).encode("utf-8", "surrogatepass")

    def _tree(self) -> document.Node:
        content_type = self._request.headers.get("content-type", "")
        return document.parse(self.body, self._profile.body, content_type, self._profile.charset)


def body_of(request: Request, profile: Profile) -> bytes:
    """Return the bytes that the profile reads: the body, or the query of a GET request as a form."""
    if profile.method == "GET":
        pairs = [(name, value) for name, values in request.query.items() for value in values]
        return urlencode(pairs, errors="surrogatepass").encode()
    return request.body


def _clear(secrets: Sequence[SecretStr]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets]


def _check(known: Sequence[str], given: str, reason: str, status: int) -> None:
    if matching(known, str, given) is None:
        raise RefusedRequest("the sender is unknown", status=status, reason=reason)


def _secret(text: str, scheme: Signature) -> bytes:
    if scheme.key == "text":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MisconfiguredError("A key in signature_keys is not base64, as its profile demands.") from error


def _public_key(text: str) -> rsa.RSAPublicKey:
    """Return a public key, written as PEM, or as the base64 of its DER form as Alipay shows it."""
    try:
        key = load_pem_public_key(text.encode()) if "BEGIN" in text else load_der_public_key(base64.b64decode(text))
    except (ValueError, binascii.Error) as error:
        raise MisconfiguredError("A key in signature_keys is no public key: copy the platform's whole key.") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise MisconfiguredError("A key in signature_keys is no RSA key, as its profile demands.")
    return key


def _verifies(key: rsa.RSAPublicKey, given: bytes, signed: bytes) -> bool:
    try:
        key.verify(given, signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _digest_of(scheme: Signature) -> Callable[[bytes, bytes], bytes]:
    """Return the function of key and signed bytes."""
    name = scheme.algorithm.removeprefix("hmac-")
    if scheme.algorithm.startswith("hmac-"):
        return lambda key, signed: hmac.digest(key, signed, name)
    return lambda _, signed: hashlib.new(name, signed, usedforsecurity=False).digest()


def _encoded(digest: bytes, scheme: Signature) -> str:
    return digest.hex() if scheme.encoding == "hex" else base64.b64encode(digest).decode()


def _decoded(given: str, scheme: Signature) -> bytes:
    try:
        return bytes.fromhex(given) if scheme.encoding == "hex" else base64.b64decode(given)
    except (ValueError, binascii.Error):
        return b""
