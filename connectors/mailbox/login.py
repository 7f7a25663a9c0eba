"""From nothing to a connection that is logged in: TLS, who we are (NetEase asks), password or OAuth token."""

from collections.abc import Callable
from typing import Any, TypeAlias

from imapclient import SocketTimeout

from connectors.mailbox.settings import MailboxSettings
from connectors.mailbox.tokens import Tokens

Connect: TypeAlias = Callable[..., Any]
"""Makes a `Client`."""

IDENTITY = {"name": "hotline", "version": "0.1.0", "vendor": "hotline", "support-email": "ops@localhost"}
"""What NetEase (163, 126) wants to hear before it opens a folder."""


def connected(settings: MailboxSettings, connect: Connect) -> Any:
    """Connect, encrypted from the first byte where the settings say so; raises whatever the library does."""
    tls = settings.tls == "tls"
    client = connect(
        settings.host,
        port=settings.port or (993 if tls else 143),
        ssl=tls,
        ssl_context=settings.tls_context() if tls else None,
        timeout=SocketTimeout(settings.connect_timeout_seconds, settings.read_timeout_seconds),
        greeting_seconds=settings.mail_timeout_seconds,
    )
    client.normalise_times = False  # aware times, not the local clock's
    return client


def log_in(client: Any, settings: MailboxSettings, tokens: Tokens) -> None:
    """Say who we are and log in; raises whatever the library does, and errors of ours about a token."""
    if settings.tls == "starttls":
        client.starttls(settings.tls_context())
    if client.has_capability("ID"):
        _introduce(client)
    _authenticate(client, settings, tokens)
    # Once more: NetEase (163, 126) refuses folders to a client that did not say it after the login, and some servers
    # offer ID only then.
    if client.has_capability("ID"):
        _introduce(client)


def _introduce(client: Any) -> None:
    client.id_(IDENTITY)


def _authenticate(client: Any, settings: MailboxSettings, tokens: Tokens) -> None:
    if settings.auth == "xoauth2":
        client.oauth2_login(settings.username, tokens.current())
    elif settings.auth == "oauthbearer":
        client.oauthbearer_login(settings.username, tokens.current())
    elif settings.password is not None:
        client.login(settings.username, settings.password.get_secret_value())
