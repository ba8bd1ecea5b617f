"""The keeper: seals full segments and merges files beside the writer, and tells how far behind it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from factory_kit.errors import StoreError
from factory_kit.store.checked import Checks
from factory_kit.store.compact import due, merge
from factory_kit.store.depot import Depot
from factory_kit.store.journal import Segment, open_segments, segment_paths
from factory_kit.store.lean import give_back
from factory_kit.store.seal import Placed, placed_segments, seal_parts

__all__ = ["Keeper", "compact_files", "seal_segments"]

IDLE_S = 30.0
TOGETHER = 12 << 20
"""Bytes of the journal that are sealed in one go, at least one segment."""


class Keeper:
    """A thread that does what can wait; it ends with ``stop``, after the piece of work at hand."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._wake = threading.Event()
        self._stop = threading.Event()
        self.trouble: StoreError | None = None
        self._thread = threading.Thread(target=self._run, name="store-keeper", daemon=True)
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stop.is_set()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the piece of work at hand and end."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            busy = self._wake.wait(IDLE_S)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self._work()
                self.trouble = None
            except StoreError as error:  # a full disk: the journal keeps everything until there is room
                self.trouble = error
            if not busy:  # else it is wanted again soon, and clearing it anew costs more than the work
                give_back()


def seal_segments(
    depot: Depot, checks: Checks, now: Callable[[], int], whole: Callable[[Path], bool], stopped: Callable[[], bool]
) -> None:
    """The segments of the journal become files, oldest first, up to the first that is not *whole*, or until *stopped*."""
    paths = segment_paths(depot.folder / "journal")
    depot.forget([path for path in paths if path.name in depot.manifest.segments])
    todo = []
    for path in paths:
        if path.name in depot.manifest.segments:
            continue
        if not whole(path):
            break
        todo.append(path)
    for segments, parts in _prepared(_groups(todo)):
        seal_parts(depot, segments, parts, now())
        _trust(depot, checks)
        if stopped():
            break
    checks.save()


def _groups(paths: Sequence[Path]) -> list[list[Path]]:
    """Neighbours that are sealed together: fewer files and fewer flushes when there is a backlog."""
    groups: list[list[Path]] = []
    room = 0
    for path in paths:
        size = path.stat().st_size
        if not groups or size > room:
            groups.append([])
            room = TOGETHER
        groups[-1].append(path)
        room -= size
    return groups


def _prepared(groups: Sequence[Sequence[Path]]) -> Iterator[tuple[list[Segment], list[Placed]]]:
    """The segments of each group with their samples in order; the next group is read while this one is written."""
    if len(groups) == 1:  # as always while nothing has piled up: by this thread, which has the memory for it at hand
        yield _prepare(groups[0])
        return
    with ThreadPoolExecutor(1) as pool:
        upcoming = [pool.submit(_prepare, group) for group in groups[:1]]
        for group in [*groups[1:], None]:
            if not upcoming:
                return
            ready = upcoming.pop().result()
            if group is not None:
                upcoming.append(pool.submit(_prepare, group))
            yield ready


def _prepare(paths: Sequence[Path]) -> tuple[list[Segment], list[Placed]]:
    segments = open_segments(paths)
    parts = placed_segments(segments)
    return [segment.emptied() for segment in segments], parts


def compact_files(
    depot: Depot, checks: Checks, now: Callable[[], int], stopped: Callable[[], bool], *, everything: bool = False
) -> int:
    """Merge the places worth it; how many were."""
    done = 0
    for place in due(depot.manifest.of_kind("samples"), now(), everything=everything):
        if stopped():
            break
        merge(depot, checks, place, now())
        _trust(depot, checks)
        done += 1
    depot.tidy(now())
    checks.save()
    return done


def _trust(depot: Depot, checks: Checks) -> None:
    for sealed in depot.made:
        checks.trust(sealed)
    depot.made.clear()
