"""Threads of one's own for what blocks: the loop's few are everybody's, and may all wait for a service that hangs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """So many, made when they are needed; they end with this, or with the process."""

    def __init__(self, name: str, most: int = 1) -> None:
        self._pool = ThreadPoolExecutor(most, name)

    async def do(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Do the work in one of them, as soon as one is free."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*arguments, **options))

    def close(self) -> None:
        """Begin no other work, and leave what is under way to its end. Safe twice."""
        self._pool.shutdown(wait=False)
