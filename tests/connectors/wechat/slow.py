"""A platform that answers byte by byte, as long as anybody listens, or does not answer at all."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hotline.dev.demo.wechat_api import Call, Fault, WeChatApi


@contextmanager
def hanging(platform: WeChatApi) -> Iterator[None]:
    """Let nobody be answered before the block ends, however late either side comes to look."""
    over = threading.Event()

    def fault(call: Call) -> bool:
        over.wait()
        return False

    platform.fault = fault
    try:
        yield
    finally:
        over.set()


def dribbling(endpoint: str) -> Fault:
    """Return a fault: the header is whole, the body never ends."""

    def fault(call: Call) -> bool:
        if call.endpoint != endpoint:
            return False
        call.handler.close_connection = True
        with suppress(OSError):
            call.handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n{")
            for _ in range(9999):
                call.handler.wfile.write(b" ")
                time.sleep(0.05)
        return True

    return fault
