"""What a callback only announces is fetched afterwards: files by their media id, the messages behind an event."""

from typing import TYPE_CHECKING

from connectors.fetcher.settings import FetcherSettings
from connectors.lazy import lazily

if TYPE_CHECKING:
    from connectors.fetcher.errand import Errand, GivenUp, Plan, Publish, TooEarlyError
    from connectors.fetcher.fetcher import Fetcher
    from connectors.fetcher.run import run_fetcher
else:
    __getattr__ = lazily(
        __name__,
        Errand="errand",
        GivenUp="errand",
        Plan="errand",
        Publish="errand",
        TooEarlyError="errand",
        Fetcher="fetcher",
        run_fetcher="run",
    )

__all__ = ["Errand", "Fetcher", "FetcherSettings", "GivenUp", "Plan", "Publish", "TooEarlyError", "run_fetcher"]
