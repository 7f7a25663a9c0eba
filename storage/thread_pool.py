"""Thread pools for blocking calls: the loop's default threads are few, and may all wait for a hanging service."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A fixed number of threads, started on demand; they end with the pool or the process."""

    def __init__(self, name: str, most: int = 1) -> None:
        self._pool = ThreadPoolExecutor(most, name)

    async def do(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run the work in a thread as soon as one is free."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*arguments, **options))

    def close(self) -> None:
        """Start no further work and let running work end. Idempotent."""
        self._pool.shutdown(wait=False)
