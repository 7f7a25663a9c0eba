"""Says hello to one broker as our clients do, and why it does not let us in: they themselves only say "no broker"."""

import asyncio
import ssl
from typing import Any

import msgspec
from aiokafka import errors as theirs
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest
from msgspec import Struct

from broker.config import KafkaConnection
from hotline.doctor.reach import SECONDS, Address, NoTlsError, Ours, reach, speaks_tls, trusting
from schemas.errors import MisconfiguredError, PipelineError, UnauthorizedError, UnreachableError
from schemas.host_port import join_host_port, split_host_port

_CERTIFICATE = "kafka.ssl_certfile"
_SETTING, _AUTHORITIES, _PROTOCOL = "kafka.bootstrap_servers", "kafka.ssl_cafile", "kafka.security_protocol"


class Greeted(Struct, frozen=True, kw_only=True):
    """Answer of a broker: the brokers of its cluster, and the end of its certificate."""

    brokers: frozenset[str]
    certificate_until: str | None = None


def greet(connection: KafkaConnection, server: str) -> Greeted:
    """Log in at ``host:port`` and ask for the cluster; raises an error with the next action.

    Not for use inside an event loop.
    """
    host, port = split_host_port(server)
    address = Address(service="Kafka", host=host, port=port, setting=_SETTING, authorities=_AUTHORITIES)
    until = _reached(connection, address)
    brokers = asyncio.run(_hello(connection, address))
    return Greeted(brokers=frozenset(brokers), certificate_until=until)


def _reached(connection: KafkaConnection, address: Address) -> str | None:
    wants_tls = connection.security_protocol in ("SSL", "SASL_SSL")
    context = _context(connection) if wants_tls else None
    try:
        until = reach(address, context)
    except NoTlsError as error:
        bare = connection.security_protocol.replace("SSL", "PLAINTEXT")
        raise MisconfiguredError(
            f"{address} does not use TLS: name its TLS port in `{_SETTING}` (without TLS, `{_PROTOCOL}` is {bare})."
        ) from error
    return until.date().isoformat() if until else None


def _context(connection: KafkaConnection) -> ssl.SSLContext:
    ours = Ours(connection.ssl_certfile, connection.ssl_keyfile, _CERTIFICATE)
    return trusting(connection.ssl_cafile, _AUTHORITIES, ours)


async def _hello(connection: KafkaConnection, address: Address) -> list[str]:
    try:
        return await _asked(connection, address)
    except theirs.SaslAuthenticationFailed as error:
        raise UnauthorizedError(
            f"{address} refuses the login of {connection.sasl_username}: correct `kafka.sasl_username` or "
            "HOTLINE_KAFKA__SASL_PASSWORD, or give the user this password with kafka-configs.sh."
        ) from error
    except theirs.UnsupportedSaslMechanismError as error:
        raise MisconfiguredError(
            f"{address} does not accept {connection.sasl_mechanism}: set `kafka.sasl_mechanism` to one of "
            "its sasl.enabled.mechanisms."
        ) from error
    except theirs.IllegalSaslStateError as error:
        raise MisconfiguredError(
            f"{address} does not expect a login: set `{_PROTOCOL}` to "
            f"{connection.security_protocol.removeprefix('SASL_')}, or name its port with SASL."
        ) from error
    except (theirs.KafkaError, OSError, EOFError) as error:
        raise await _unexplained(connection, address, error) from error


async def _asked(connection: KafkaConnection, address: Address) -> list[str]:
    options = connection.client_options()
    del options["bootstrap_servers"]
    session: Any = AIOKafkaConnection(
        address.host,
        address.port,
        client_id="hotline-doctor",
        request_timeout_ms=int(SECONDS * 1000),
        **options,
    )
    try:
        await session.connect()
        answer = await session.send(MetadataRequest([]))
        return [join_host_port(host, port) for _, host, port, *_ in answer.brokers]
    finally:
        await asyncio.wait([session.close()], timeout=1.0)  # its socket is closed a turn of the loop later


async def _unexplained(connection: KafkaConnection, address: Address, error: Exception) -> PipelineError:
    """A broker closes the connection if the protocol is wrong: try the other protocols to explain it."""
    bare = "SSL" not in connection.security_protocol
    if bare and await asyncio.to_thread(speaks_tls, address):
        return MisconfiguredError(
            f"{address} requires TLS: set `{_PROTOCOL}` to {connection.security_protocol.replace('PLAINTEXT', 'SSL')}."
        )
    if not connection.security_protocol.startswith("SASL") and await _wants_login(connection, address):
        return UnauthorizedError(
            f"{address} requires a login: set `{_PROTOCOL}` to SASL_{connection.security_protocol}, "
            "`kafka.sasl_mechanism`, `kafka.sasl_username` and HOTLINE_KAFKA__SASL_PASSWORD."
        )
    if not bare and connection.ssl_certfile is None and not connection.sasl_mechanism:
        return UnreachableError(
            f"{address} closes a TLS connection ({type(error).__name__}): if it asks clients for a "
            f"certificate, name ours in `{_CERTIFICATE}`; otherwise check that `{_SETTING}` names a broker, "
            "and read its log."
        )
    return UnreachableError(
        f"{address} accepts a connection but does not answer like Kafka ({type(error).__name__}): check "
        f"that `{_SETTING}` names a broker, and read its log."
    )


async def _wants_login(connection: KafkaConnection, address: Address) -> bool:
    """Return whether this port knows logins, by a login that no user has."""
    nobody = msgspec.structs.replace(
        connection,
        security_protocol=f"SASL_{connection.security_protocol}",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="hotline-doctor",
        sasl_password="nobody",  # noqa: S106 - no password: it is meant to be refused
    )
    try:
        await _asked(nobody, address)
    except (theirs.SaslAuthenticationFailed, theirs.UnsupportedSaslMechanismError):
        return True
    except (theirs.KafkaError, OSError, EOFError):
        return False
    return True
