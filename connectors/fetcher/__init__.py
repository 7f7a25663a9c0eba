"""What a callback only announces is fetched afterwards: files by their media id, the messages behind an event."""

from connectors.fetcher.errand import Errand, GivenUp, Plan, Publish
from connectors.fetcher.fetcher import Fetcher, FetcherSettings
from connectors.fetcher.run import run_fetcher

__all__ = ["Errand", "Fetcher", "FetcherSettings", "GivenUp", "Plan", "Publish", "run_fetcher"]
