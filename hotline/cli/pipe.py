"""`hotline pipe`: a mail on standard input goes to the LMTP server; the exit code is what mail servers understand."""

import os
import re
import smtplib
import sys
from typing import Annotated

import typer

from hotline.cli.common import say, settings_of
from schemas.errors import PipelineError
from schemas.host_port import join_host_port, split_host_port

_PATIENCE_SECONDS = 90.0
"""Over the longest that the server waits for Kafka."""

_LINE_END = re.compile(rb"\r?\n")
"""Most mail servers give a program lines as the system ends them; SMTP knows one end alone, and so does its dot."""

_NO_USER, _TEMPORARY, _REFUSED = os.EX_NOUSER, os.EX_TEMPFAIL, os.EX_UNAVAILABLE


def pipe(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="Recipient: one of `lmtp.mailboxes.<id>.recipients`.")],
    sender: Annotated[str, typer.Option(help="Envelope sender; empty for a bounce.")] = "",
    server: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="The LMTP server. By default it is read from the settings, which takes a second."
        ),
    ] = None,
) -> None:
    """Pass the mail on standard input to `hotline run lmtp`, for mail servers that start a program per mail.

    Exit code 0: stored. 75: try again later. 67: unknown address. 69: rejected permanently.
    """
    try:
        host, port = _place(ctx, server)
        _hand_over(host, port, sender, to)
    except PipelineError as error:
        _end(_TEMPORARY, str(error))
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as error:  # noqa: BLE001 - of any other code a mail server would make a bounce
        _end(_TEMPORARY, f"internal error ({type(error).__name__})")


def _hand_over(host: str, port: int, sender: str, to: str) -> None:
    raw = _LINE_END.sub(b"\r\n", sys.stdin.buffer.read())
    if not raw.strip():  # every mail has a header: it was lost on the way to us, and the mail server still has it
        _end(_TEMPORARY, "standard input is empty")
    options = [f"SIZE={len(raw)}"]
    if not (sender.isascii() and to.isascii()):
        options.append("SMTPUTF8")
    try:
        with smtplib.LMTP(host, port, timeout=_PATIENCE_SECONDS) as peer:
            peer.sendmail(_text(sender), [_text(to)], raw, options)
    except smtplib.SMTPRecipientsRefused as error:
        ((code, _),) = error.recipients.values()
        _end(_NO_USER if code // 100 == 5 else _TEMPORARY, "unknown address")
    except smtplib.SMTPResponseException as error:
        _end(_REFUSED if error.smtp_code // 100 == 5 else _TEMPORARY, f"the LMTP server answers {error.smtp_code}")
    except (smtplib.SMTPException, OSError) as error:
        _end(
            _TEMPORARY,
            f"no LMTP server at {join_host_port(host, port)} ({type(error).__name__}): check `hotline run lmtp`",
        )


def _text(address: str) -> str:
    """Return an address of the command line, whose bytes may be no UTF-8, as it can be sent."""
    return os.fsencode(address).decode("utf-8", "replace")


def _place(ctx: typer.Context, server: str | None) -> tuple[str, int]:
    if server is None:
        chosen = settings_of(ctx).lmtp
        return chosen.host, chosen.port
    try:
        return split_host_port(server)
    except ValueError as error:
        raise typer.BadParameter("must be HOST:PORT, such as 127.0.0.1:19111", param_hint="--server") from error


def _end(code: int, why: str) -> None:
    say(f"The mail was not accepted: {why}.", err=True)
    raise typer.Exit(code)
