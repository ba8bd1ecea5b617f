"""Work that is ended before its time: by Ctrl-C, or because something else is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from factory_kit.i18n import N_

__all__ = ["INTERRUPTED", "ended", "until_interrupted"]

INTERRUPTED = N_("interrupted with Ctrl-C; what was found so far is only a part")

INSIST_S = 0.5
HANGING_UP_S = 5.0
"""Work that was interrupted has so long to say good-bye before it is told again."""


async def ended(tasks: Iterable[asyncio.Task[Any]], insist_s: float = INSIST_S) -> None:
    """All of *tasks* are cancelled. One request may not be enough: before Python 3.12 ``wait_for`` can swallow it."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _done, pending = await asyncio.wait(pending, timeout=insist_s)


async def until_interrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Whether Ctrl-C ended *work*, which has cleaned up behind itself then; its own errors are raised where nobody interrupted.

    To be run by ``asyncio.run``, which turns the first Ctrl-C into a request to end.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        await ended((task,), HANGING_UP_S)
        if not task.cancelled():
            task.exception()  # what came while it was being ended interests nobody any more
        return True
    task.result()
    return False
