"""An asyncio loop in a thread, so that plain tests can use servers written for asyncio."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

__all__ = ["Background", "BackgroundServer"]

T = TypeVar("T")

_PATIENCE_S = 10.0


class Background:
    """A loop that runs in a thread from the first call until ``close``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of *work*, run in the thread; ``TimeoutError`` after ten seconds."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        self.call(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()


class BackgroundServer(ABC):
    """A server with a loop of its own; it listens while a context lasts."""

    def __init__(self) -> None:
        self._background = Background()

    @abstractmethod
    async def _listen(self) -> None: ...

    @abstractmethod
    async def _stop(self) -> None: ...

    def __enter__(self) -> Self:
        """Listen."""
        self._background.call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Break every connection and stop listening."""
        self._background.call(self._stop())
        self._background.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # closed transports report their end in the next round
