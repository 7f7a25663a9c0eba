"""A small HTTP server of the answers that the peers of a test are to read, and of what they sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Served(NamedTuple):
    """Where the server is, and the JSON that was posted to it, with its path."""

    url: str
    posted: list[tuple[str, Any]]


@contextmanager
def serving(answers: dict[str, bytes]) -> Iterator[Served]:
    """Serve each path's bytes; a POST is kept and answered with itself and an id."""
    posted: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(urlsplit(self.path).path)
            self.answer(404 if found is None else 200, found or b"")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            posted.append((urlsplit(self.path).path, body))
            self.answer(201, json.dumps(body | {"id": len(posted)}).encode())

        def answer(self, status: int, body: bytes) -> None:
            kind = "text/xml" if body.startswith(b"<") else "application/json"
            self.send_response(status)
            self.send_header("content-type", f"{kind}; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}", posted)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
