"""Ports of test peers: who looks for some does not bind them at once."""

import socket

import pytest

from tests.peers.dovecot import free_ports

pytestmark = pytest.mark.integration

WANTED = 25
"""As many as the ground of the fault suite looks for before anything listens."""


def test_ports_that_nobody_has_bound_yet_are_found_by_nobody_else() -> None:
    firsts = [free_ports(WANTED) for _ in range(20)]
    found = {port for first in firsts for port in range(first, first + WANTED)}
    assert len(found) == 20 * WANTED


def test_nobody_else_gets_a_port_that_was_found_before_its_server_listens() -> None:
    port = free_ports(1)
    with pytest.raises(OSError, match="in use"), socket.socket() as another:
        another.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port), 60):
        pass
