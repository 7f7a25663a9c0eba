"""Those who wait until what they brought is safe: each hears once what became of it, however many shared the trip."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from connectors.publisher import ATTEMPTS
from schemas.errors import PipelineError, UnreachableError

Given = TypeVar("Given")
Outcome = TypeVar("Outcome")


class Waiting(NamedTuple, Generic[Given, Outcome]):
    """What somebody brought, and where the outcome is told."""

    given: Given
    done: asyncio.Future[Outcome]


async def settle(batch: Sequence[Waiting[Given, Outcome]], bring: Callable[[list[Given]], Awaitable[Outcome]]) -> None:
    """Bring a batch and tell each what became of it; what spoils the batch spoils only its own.

    That is tried again at once until the publisher puts aside what spoils it: some platforms send nothing again.
    """
    try:
        await _settle(batch, bring, 1)
    except asyncio.CancelledError:
        refuse(batch, UnreachableError("this process is stopping"))
        raise


def refuse(batch: Iterable[Waiting[Any, Any]], error: Exception) -> None:
    """Tell those who still wait that nothing of theirs is safe."""
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)


async def _settle(
    batch: Sequence[Waiting[Given, Outcome]], bring: Callable[[list[Given]], Awaitable[Outcome]], attempt: int
) -> None:
    try:
        outcome = await bring([waiting.given for waiting in batch])
    except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must learn of it
        if attempt > ATTEMPTS or isinstance(error, PipelineError):
            return refuse(batch, error)
        for waiting in batch:
            await _settle([waiting], bring, attempt + (len(batch) == 1))
    else:
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(outcome)
