"""Host and port as one text, IPv6 among them."""

import pytest

from schemas.host_port import join_host_port, split_host_port
from tests.rows import each_row

ROWS = [("127.0.0.1", 9092, "127.0.0.1:9092"), ("kafka", 1, "kafka:1"), ("::1", 80, "[::1]:80"), ("::", 0, "[::]:0")]


@each_row(("host", "port", "text"), ROWS)
def test_both_ways(host: str, port: int, text: str) -> None:
    assert join_host_port(host, port) == text
    assert split_host_port(text) == (host, port)


@each_row("text", ["", ":80", "kafka", "kafka:", "kafka:x", "::1:80", "[kafka]:80", "[::1]", "[::1:80"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        split_host_port(text)
