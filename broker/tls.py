"""TLS: one context for every protocol, the hosts that need none, and the reasons of a refused certificate."""

import ssl
from pathlib import Path

from schemas.errors import MisconfiguredError


def verifying(cafile: Path | None) -> ssl.SSLContext:
    """Return a context that verifies the server; raises MisconfiguredError if `ssl_cafile` cannot be read."""
    try:
        return ssl.create_default_context(cafile=cafile)
    except OSError as error:
        raise MisconfiguredError(f"ssl_cafile {cafile} contains no certificates: correct it") from error


def present(context: ssl.SSLContext, certfile: Path | str, keyfile: Path | str | None, setting: str) -> None:
    """Let connections of a context show our certificate to servers that ask for one.

    Without a `keyfile` the key lies in the same file. Raises MisconfiguredError, which names the `setting`.
    """
    try:
        # The empty password: without one OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(certfile, keyfile, password="")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise MisconfiguredError(
            f"`{setting}` names {certfile}, which cannot be used with its key ({why}): both must be "
            "readable PEM files that belong together, and the key must have no password."
        ) from error


def common_name(certfile: Path | str, setting: str) -> str | None:
    """Return the common name of a certificate, None for one without. Raises MisconfiguredError, with the `setting`."""
    from cryptography import x509  # takes a while, and few have a certificate
    from cryptography.x509.oid import NameOID

    try:
        subject = x509.load_pem_x509_certificate(Path(certfile).read_bytes()).subject
    except (OSError, ValueError) as error:
        raise MisconfiguredError(f"`{setting}` names {certfile}, which contains no certificate: correct it.") from error
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine: a login to it may be sent in clear."""
    return host in ("127.0.0.1", "::1", "localhost")


# Why a server's certificate is refused, in words, by OpenSSL's numbers (x509_vfy.h), the same for every protocol.

_REASONS = {
    9: "is not valid yet: see that the clocks of both machines are right",
    10: "has expired: renew it on the server, and see that the clock of this machine is right",
    23: "was revoked: issue a new one for the server",
}
_UNTRUSTED = frozenset({2, 18, 19, 20, 21})
_OTHER_HOST = frozenset({62, 64})
_NOT_BY_THE_BOOK = range(79, 95)
"""Faults against RFC 5280 that Python checks since 3.13 (VERIFY_X509_STRICT)."""


def certificate_fault(error: ssl.SSLCertVerificationError, authorities: str) -> str:
    """Return the text after "its certificate": why it is refused, and the next action.

    `authorities` is the setting that names the trusted authorities.
    """
    code: int = getattr(error, "verify_code", 0)  # only OpenSSL's own errors have one
    if code in _UNTRUSTED:
        return f"is signed by nobody whom this machine trusts: name its authority's certificate in `{authorities}`"
    if code in _OTHER_HOST:
        return "is for another host: connect to a name that it holds, or issue one for this name"
    if code in _NOT_BY_THE_BOOK:
        return (
            f"lacks what RFC 5280 asks for, as Python does from 3.13 on (OpenSSL's verify code {code}): issue it and "
            "its authority's anew, with key identifiers and key usage"
        )
    return _REASONS.get(code, f"is refused (OpenSSL's verify code {code}): issue another one for the server")
