"""The command line: one file for each group of verbs; heavy imports wait inside the commands."""

import signal
import sys
import traceback
from io import TextIOWrapper


def main() -> None:
    """Run `hotline`. While its parts are loaded, Ctrl-C ends it at once; from then on each verb decides."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else whoever started us shields us from it
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from hotline.cli.app import app

    _show_what_the_terminal_can()
    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except KeyboardInterrupt:  # before its verb has begun, or behind its end
        sys.exit(130)
    except Exception:  # noqa: BLE001 - what Python showed it would keep, and a client of Kafka in it never ends
        traceback.print_exc()
        sys.exit(1)


def _show_what_the_terminal_can() -> None:
    """Let a question mark stand for what a terminal of GBK cannot show, such as a citizen's emoji."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
