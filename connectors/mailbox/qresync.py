"""QRESYNC (RFC 7162), if offered: reports mails that were deleted unread while this connector was not connected."""

from typing import Any


def enabled(client: Any) -> bool:
    """Enable QRESYNC after the login, before any folder is opened; return whether the server supports it."""
    if not (client.has_capability("ENABLE") and client.has_capability("QRESYNC")):
        return False
    return b"QRESYNC" in client.enable("QRESYNC")


def missed(client: Any, folder: str, uidvalidity: int, modseq: int, last: int) -> int:
    """Return the number of mails over UID `last` that were deleted since `modseq`; no folder is open afterwards.

    IMAPClient has no call for it. CONDSTORE alone reports only flags, which are not read.
    """
    imap = client._imap
    name = client._normalise_folder(folder)
    imap.untagged_responses = {}
    answer, _ = imap._simple_command("EXAMINE", name, b"(QRESYNC (%d %d))" % (uidvalidity, modseq))
    lines = imap.untagged_responses.pop("VANISHED", None) or []
    return sum(_over(last, line) for line in lines) if answer == "OK" else 0


def _over(last: int, line: bytes) -> int:
    """Count the UIDs over `last` in `(EARLIER) 41,43:116`."""
    said = line.rpartition(b" ")[2].decode("ascii", "replace")
    ends = [run.partition(":") for run in said.split(",")]
    runs = [(int(first), int(end or first)) for first, _, end in ends if first.isdigit() and (end or "0").isdigit()]
    return sum(max(0, max(run) - max(min(run), last + 1) + 1) for run in runs)
