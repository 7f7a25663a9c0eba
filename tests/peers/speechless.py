"""A proxy on loopback before a mail server: the server gets the whole mail, and its "250" never reaches the sender."""

import socket

from tests.peers.dribble import Dribble

GO_ON = b"354"
"""What the server says before the text."""


class Speechless(Dribble):
    """Forwards one port of SMTP; what the server says after a text is lost, and the connection breaks."""

    def _forward(self, source: socket.socket, target: socket.socket, cut: bool) -> None:
        if not cut:
            return super()._forward(source, target, cut)
        try:
            while data := source.recv(65536):
                target.sendall(data)
                if data.startswith(GO_ON):
                    source.recv(65536)
                    break
        except OSError:
            pass
        self._end(target)
