"""A look-alike of NetEase's IMAP server on hoodiecrow-imap: `with NetEase() as server:`."""

import os
import subprocess
from pathlib import Path

from tests.peers import npm
from tests.peers.dovecot import free_ports

FOLDER = Path(__file__).parent / "hoodiecrow"


class NetEase:
    """A running server with three mails for `hotline@163.com`, whose password is `authcode`."""

    def __enter__(self) -> "NetEase":
        modules = npm.modules(FOLDER)
        self.port = free_ports(1, start=16143)
        self._process = subprocess.Popen(
            ["node", FOLDER / "netease.js", str(self.port)],
            stdout=subprocess.PIPE,
            env={**os.environ, "NODE_PATH": str(modules)},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"listening\n"
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()
