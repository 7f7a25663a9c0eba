"""A subscriber that takes everything and keeps it, in a thread: for tests whose pipeline runs in other processes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.sinks.webhook.receiver import SECRET


class Hooked:
    """What came: each request as one text of headers and body."""

    def __init__(self, port: int) -> None:
        self.came: list[str] = []
        self.settings = {
            "HOTLINE_SINKS__WEBHOOK__MAP__URL": f"http://127.0.0.1:{port}/",
            "HOTLINE_SINKS__WEBHOOK__MAP__SECRETS": SECRET,
            "HOTLINE_SINKS__WEBHOOK__MAP__ALLOW_PRIVATE": "true",
        }


@contextmanager
def hooked() -> Iterator[Hooked]:
    """Take webhooks on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            made.came.append(f"{self.headers}\n{body}")
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Hooked(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
