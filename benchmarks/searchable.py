"""When messages become searchable: one question for all that are looked for, so that asking costs next to nothing.

A thread for each message, asking 50 times a second, takes the cores that it measures.
"""

import threading
import time
from typing import Self

from elasticsearch import Elasticsearch

from schemas.contract.index_templates import indices

EVERY_SECONDS = 0.05
"""How often is asked; times are too long by half of it."""


class Searchable:
    """Looks for messages' links in the archive, beside what is measured; times are in seconds since each was sent."""

    def __init__(self, client: Elasticsearch) -> None:
        self.times: list[float] = []
        self._client = client
        self._sent: dict[str, float] = {}
        self._lock = threading.Lock()
        self._ends = False
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends = True
        self._thread.join()

    def look_for(self, message_id: str, sent: float) -> None:
        """Look for a message that was sent at `sent` (`time.time()`)."""
        with self._lock:
            self._sent[message_id] = sent

    def wait(self) -> None:
        """Wait until all that was looked for has been found."""
        while self._sent:
            time.sleep(EVERY_SECONDS)

    def _look(self) -> None:
        while not self._ends:
            with self._lock:
                wanted = list(self._sent)
            found = self._found(wanted) if wanted else []
            now = time.time()
            with self._lock:
                self.times += [now - self._sent.pop(one) for one in found if one in self._sent]
            time.sleep(EVERY_SECONDS)

    def _found(self, wanted: list[str]) -> list[str]:
        answer = self._client.search(
            index=indices()["link"].alias,
            query={"terms": {"message_id": wanted[:10_000]}},
            docvalue_fields=[{"field": "message_id"}],
            source=False,
            size=10_000,
        )
        return [hit["fields"]["message_id"][0] for hit in answer["hits"]["hits"]]
