"""The way to a server: its name, its port, its TLS. Whatever is wrong with them is one sentence."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from broker.tls import certificate_fault, present
from schemas.errors import MisconfiguredError, PipelineError, UnreachableError
from schemas.host_port import join_host_port

SECONDS = 5.0


class Address(Struct, frozen=True, kw_only=True):
    """Address of a service, its setting, and the setting of the trusted authorities.

    `port_setting` is set if the port has its own.
    """

    service: str
    host: str
    port: int
    setting: str
    authorities: str
    port_setting: str | None = None

    def __str__(self) -> str:
        return f"{self.service} at {join_host_port(self.host, self.port)}"


def of_account(service: str, where: str, account: Any, port: int | None = None) -> Address:
    """Return the address of an account's service, by the settings below `where`."""
    return Address(
        service=service,
        host=account.host,
        port=port or account.port,
        setting=f"{where}.host",
        port_setting=f"{where}.port",
        authorities=f"{where}.ssl_cafile",
    )


class NoTlsError(MisconfiguredError):
    """The server closed the connection, or answered in another protocol, when TLS began."""


class Ours(NamedTuple):
    """A client certificate with its key, and its setting."""

    certificate: Path | str | None
    key: Path | str | None
    setting: str


def trusting(authorities: Path | str | None, setting: str, ours: Ours | None = None) -> ssl.SSLContext:
    """Return a context that trusts these certificates, the system's without any, and shows ours if there is one.

    Raises MisconfiguredError.
    """
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:  # an SSLError is one
        raise MisconfiguredError(
            f"`{setting}` names {authorities}, which contains no PEM certificates: correct it."
        ) from error
    if ours is not None and ours.certificate:
        present(context, ours.certificate, ours.key, ours.setting)
    return context


def reach(address: Address, context: ssl.SSLContext | None) -> datetime | None:
    """Connect, with TLS if there is a context; return the end of the certificate.

    Raises an error with the next action.
    """
    try:
        connection = socket.create_connection((address.host, address.port), SECONDS)
    except OSError as error:
        raise _unreachable(address, error) from error
    with connection:
        return _secured(address, connection, context) if context else None


def speaks_tls(address: Address) -> bool:
    """Return whether the server speaks TLS, with any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        reach(address, context)
    except PipelineError:
        return False
    return True


def _secured(address: Address, connection: socket.socket, context: ssl.SSLContext) -> datetime | None:
    try:
        with context.wrap_socket(connection, server_hostname=address.host) as secured:
            until = (secured.getpeercert() or {}).get("notAfter")
    except ssl.SSLCertVerificationError as error:
        raise MisconfiguredError(
            f"{address} cannot be trusted, its certificate {certificate_fault(error, address.authorities)}."
        ) from error
    except TimeoutError as error:
        raise UnreachableError(
            f"{address} does not answer when TLS begins: check whether it uses TLS there."
        ) from error
    except OSError as error:
        raise NoTlsError(f"{address} does not use TLS there: correct `{address.setting}`.") from error
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None


def _unreachable(address: Address, error: OSError) -> PipelineError:
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return UnreachableError(f"The name service does not answer for {address.host}: check DNS.")
        return MisconfiguredError(
            f"The host {address.host} is unknown: correct `{address.setting}`, or add the name to DNS."
        )
    names = [f"`{name}`" for name in (address.setting, address.port_setting) if name]
    right = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} right"
    why = "in time" if isinstance(error, TimeoutError) else f"({error.strerror or type(error).__name__})"
    return UnreachableError(f"{address} does not answer {why}: check that it runs, that {right}, and the firewall.")
