"""What every benchmark shares: rows with a bar, and work measured side by side in fresh processes."""

from __future__ import annotations

import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

__all__ = ["Bar", "Cost", "Row", "Scale", "Work", "absent", "measured", "once", "side_by_side"]

Work = Callable[[], float]
"""Does the work once and returns how many units it did (samples, plants, bytes)."""


@dataclass(frozen=True)
class Scale:
    """How large a run is: ``full`` for committed figures, quick for a look within a minute."""

    quick: bool

    def of(self, full: int, quick: int) -> int:
        """*quick* or *full*, as the run is."""
        return quick if self.quick else full

    @property
    def runs(self) -> int:
        """How often each piece of work is measured."""
        return 3 if self.quick else 5


@dataclass(frozen=True)
class Bar:
    """A promise about ``ours`` or the ratio ours / peer, with a threshold of its own for the quick scale."""

    of: Literal["ours", "ratio"]
    sense: Literal["at least", "at most"]
    full: float
    quick: float

    def threshold(self, scale: Scale) -> float:
        """The threshold at *scale*."""
        return self.quick if scale.quick else self.full

    def met(self, row: Row, scale: Scale) -> bool:
        """Whether *row* keeps the promise."""
        figure = row.ours if self.of == "ours" else row.ratio
        if figure is None:
            return False
        return figure >= self.threshold(scale) if self.sense == "at least" else figure <= self.threshold(scale)

    def said(self, scale: Scale) -> str:
        """``ratio <= 1.3`` and the like."""
        return f"{self.of} {'>=' if self.sense == 'at least' else '<='} {self.threshold(scale):g}"


@dataclass(frozen=True)
class Row:
    """One figure: ours, the peer's measured in the same run, and the bar; *note* explains a miss or a condition."""

    what: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    bar: Bar | None = None
    note: str = ""
    absent: str = ""
    """Why there is no figure, where there is none."""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's."""
        return self.ours / self.peer if self.peer and not self.absent else None


def absent(what: str, why: str) -> Row:
    """The row of *what* could not be measured here, and *why*: a line of the table, never a crash."""
    return Row(what, "", math.nan, absent=why)


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds on the clock, seconds of processor, peak resident memory, units done."""

    wall_s: float
    cpu_s: float
    peak_mib: float | None
    units: float


def measured(work: Work, runs: int) -> Cost:
    """The median cost of *work* over *runs* fresh processes (after one warm-up that is not counted)."""
    return _median([_in_fresh_process(work) for _ in range(runs + 1)][1:])


def once(work: Work) -> Cost:
    """The cost of *work* in one fresh process, for work that is too long to repeat."""
    return _in_fresh_process(work)


def side_by_side(ours: Work, peer: Work, runs: int) -> tuple[Cost, Cost]:
    """The median costs of both, measured in turn (ours, peer, ours, …) so that a busy machine burdens both alike."""
    pairs = [(_in_fresh_process(ours), _in_fresh_process(peer)) for _ in range(runs + 1)][1:]
    return _median([pair[0] for pair in pairs]), _median([pair[1] for pair in pairs])


def _median(costs: Sequence[Cost]) -> Cost:
    peaks = [cost.peak_mib for cost in costs if cost.peak_mib is not None]
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.cpu_s for cost in costs),
        statistics.median(peaks) if peaks else None,
        statistics.median(cost.units for cost in costs),
    )


def _in_fresh_process(work: Work) -> Cost:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(work, there))
    process.start()
    there.close()
    try:
        result = here.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"the measured process ended with {process.exitcode}") from None
    process.join()
    if isinstance(result, BaseException):
        raise result
    return Cost(*result)


def _run(work: Work, pipe: Connection) -> None:
    try:
        wall, cpu = time.perf_counter(), _cpu_s()
        units = work()
        pipe.send((time.perf_counter() - wall, _cpu_s() - cpu, _peak_mib(), units))
    except Exception as error:  # noqa: BLE001 - whatever happened is raised again where the numbers are wanted
        pipe.send(error)


if sys.platform == "win32":

    def _cpu_s() -> float:
        """Processor seconds of this process."""
        return time.process_time()

    def _peak_mib() -> float | None:
        """Windows does not tell without further packages."""
        return None

else:
    import resource

    def _cpu_s() -> float:
        """Processor seconds of this process and of the children it has waited for."""
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in usage)

    def _peak_mib() -> float | None:
        """Peak resident memory of this process, MiB; on Linux without that of the process that started it."""
        status = Path("/proc/self/status")
        if status.exists():
            line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
            return int(line.split()[1]) / 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
