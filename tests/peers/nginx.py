"""A private nginx with the file of deploy/, before a receiver: `with Nginx(folder, receiver_port, certificate): ...`.

Needs apt nginx; any user; TCP on loopback only.
"""

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.peers.certificates import Issued

FILE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
START_SECONDS = 60.0

_MAIN = """
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/main.log;
worker_processes 1;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/hotline.conf;
}}
"""


def missing() -> str | None:
    """Return what this machine lacks to run it, None when it lacks nothing."""
    return None if PROGRAM else "nginx is not installed (apt-get install nginx)"


class Nginx:
    """One nginx; `port` speaks TLS, `log` is its access log and `errors` its error log."""

    def __init__(self, folder: Path, port: int, receiver_port: int, certificate: Issued) -> None:
        self.port = port
        self.log, self.errors = folder / "access.log", folder / "errors.log"
        self._folder = folder
        self._changes = {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "listen [::]:443 ssl;": "",
            "127.0.0.1:19110": f"127.0.0.1:{receiver_port}",
            "/etc/nginx/hotline.crt": str(certificate.file),
            "/etc/nginx/hotline.key": str(certificate.file),
            "/var/log/nginx/hotline.log": str(self.log),
            "/var/log/nginx/hotline-error.log": str(self.errors),
        }

    def __enter__(self) -> "Nginx":
        text = FILE.read_text("utf-8")
        for said, meant in self._changes.items():
            assert said in text, f"{FILE.name} has no {said}"
            text = text.replace(said, meant)
        (self._folder / "hotline.conf").write_text(text, "utf-8")
        user = "user root;" if os.getuid() == 0 else ""  # its workers write into the test's folder
        main = self._folder / "main.conf"
        main.write_text(_MAIN.format(folder=self._folder, user=user), "utf-8")
        command = [PROGRAM, "-p", self._folder, "-c", main, "-e", self._folder / "start.log"]
        self._process = subprocess.Popen(command)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(60)
        self._process.kill()
        self._process.wait(60)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                logs = "".join(one.read_text() for one in self._folder.glob("*.log"))
                assert self._process.poll() is None, f"nginx ended: {logs}"
                assert time.monotonic() < deadline, f"nginx does not listen: {logs}"
                time.sleep(0.05)
