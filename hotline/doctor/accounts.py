"""Accounts of connectors and replies: the login works, and the folders and pages to read exist."""

import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from connectors.wechat.api import RefusalError
from hotline.doctor.findings import Told
from hotline.doctor.reach import Address, NoTlsError, of_account, reach
from schemas import ids
from schemas.enums import counted
from schemas.errors import MisconfiguredError, UnreachableError

if TYPE_CHECKING:
    from connectors.wechat.api import Api
    from hotline.config.settings import Settings


def mailbox(settings: "Settings", name: str) -> Iterator[Told]:
    """Log in, and look at each folder without changing it."""
    from connectors.mailbox.connector import Mailbox

    account = settings.connectors.mailbox[name]
    where, port = f"connectors.mailbox.{name}", account.port or (993 if account.tls == "tls" else 143)
    address = of_account(f"The IMAP server of mailbox {name}", where, account, port)
    try:
        reach(address, account.tls_context() if account.tls == "tls" else None)
    except NoTlsError as error:
        raise MisconfiguredError(
            f"{address} begins without TLS: correct `{where}.port` (usually 993), or set `tls` to starttls."
        ) from error
    connector = Mailbox(account, name)
    try:
        connector.open()
        unreadable = connector.unreadable_folders()
    except UnreachableError as error:
        # The connector retries because the server may be mended; the caller of the doctor can mend it now.
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise MisconfiguredError(str(error)) from error
        raise
    finally:
        connector.close()
    for folder in unreadable:
        yield MisconfiguredError(
            f"Mailbox {name} has no folder {folder} that can be opened: correct "
            f"`connectors.mailbox.{name}.folders`, or create the folder."
        )
    if not unreadable:
        yield f"the login works, {counted(len(account.folders), 'folder is', 'folders are')} accessible"


def smtp(settings: "Settings", name: str) -> Iterator[Told]:
    """Log in to the SMTP server of an account that answers by mail; nothing is sent."""
    from connectors.mailbox.reply import MailSender

    chosen = settings.answers[name].smtp
    if chosen is not None:
        MailSender(chosen, name).log_in()
        yield f"{chosen.host} accepts {'the login' if chosen.username else 'the connection'}"


def smpp(settings: "Settings", name: str) -> Iterator[Told]:
    """Connect to the SMSC of an account, with its TLS; a login could end the bind of a running connector."""
    account = settings.connectors.sms_smpp[name]
    address = of_account(f"The SMSC of {name}", f"connectors.sms_smpp.{name}", account)
    reach(address, account.tls_context())
    yield "the SMSC answers; only the connector tries the login"


def cmpp(settings: "Settings", name: str) -> Iterator[Told]:
    """Connect to the ISMG of an account; a login could end the session of a running connector."""
    account = settings.connectors.sms_cmpp[name]
    where = f"connectors.sms_cmpp.{name}"
    address = Address(
        service=f"The ISMG of {name}",
        host=account.host,
        port=account.port,
        setting=f"{where}.host",
        authorities=f"{where}.host",
        port_setting=f"{where}.port",
    )
    reach(address, None)
    yield "the ISMG answers; only the connector tries the login"


def weibo(settings: "Settings", name: str) -> Iterator[Told]:
    """Ask the platform about the access token: when it ends, and the rest of the quota."""
    from connectors.weibo.pull import WeiboPull

    connector = WeiboPull(settings.connectors.weibo_pull[name], name)
    try:
        end, left = connector.examine()
    finally:
        connector.close()
    until = f"is valid until {end.astimezone(ids.SHANGHAI):%Y-%m-%d %H:%M}" if end is not None else "is accepted"
    yield f"the access token {until}, {left if left is not None else 'an unknown number of'} calls are left"


def wechat(api: "Api", name: str, section: str) -> Iterator[Told]:
    """Ask the platform for a token: the secret is right, and our address is on its list (IP白名单)."""
    try:
        api.check()
    except RefusalError as error:
        raise MisconfiguredError(
            f"The platform refuses {section} {name} with errcode {error.errcode}: check `connectors.{section}.{name}` "
            "and its secret."
        ) from error
    finally:
        api.close()
    yield "the platform issues a token"
