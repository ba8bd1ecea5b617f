"""How far a long piece of work is, on standard error: a line that moves in a terminal, nothing in a file or pipe."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["counted", "working"]

Item = TypeVar("Item")


def counted(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """*items* as they come; meanwhile the terminal shows *what*, how many of *total* came, and how long the rest may take."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from factory_kit.cli.console import stderr

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr(), transient=True, disable=not stderr().is_terminal) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Meanwhile the terminal shows *what* and for how long it has been going on."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from factory_kit.cli.console import stderr

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=stderr(), transient=True, disable=not stderr().is_terminal) as progress:
        progress.add_task(what, total=None)
        yield
