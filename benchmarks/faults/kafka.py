"""A real Kafka with two doors: one of them leads to a proxy, where connections are cut."""

from pathlib import Path

from hotline.dev.stack.kafka import Kafka

_DOORS = """
listeners=PLAINTEXT://127.0.0.1:{direct},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{direct},PROXIED://127.0.0.1:{proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""
"""Whoever asks behind the proxy is sent to the proxy again, so that every connection of the pipeline can be cut."""


class ProxiedKafka(Kafka):
    """The local stack's Kafka with a second door, which sends its clients to a proxy."""

    def __init__(self, data_dir: Path, direct: int, behind: int, controller: int, proxy: int) -> None:
        super().__init__(data_dir, (direct, controller))
        self._doors = _DOORS.format(direct=direct, behind=behind, controller=controller, proxy=proxy)

    def _write_config(self) -> None:
        super()._write_config()
        with self._config.open("a", encoding="utf-8") as file:  # later lines beat earlier ones
            file.write(self._doors)
