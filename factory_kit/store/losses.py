"""What a run delivered and what it lost, from its loss ledger and its gaps: by server, and by reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory_kit.errors import UsageError

if TYPE_CHECKING:
    from factory_kit.store.store import Store

__all__ = ["GapReason", "Losses", "ServerLosses", "losses"]

SERVERS = """
SELECT p.server, count(*), sum(l.delivered), sum(l.bad), sum(l.overflows), sum(l.sequence_gaps), sum(l.dropped), sum(l.outages)
FROM loss_ledger l JOIN points p USING (point) WHERE l.run = '{run}' GROUP BY p.server ORDER BY p.server
"""
GAPS = """
SELECT reason, count(DISTINCT point), count(*), max(epoch_us("end") - epoch_us(start)), sum(epoch_us("end") - epoch_us(start))
FROM gaps WHERE run = '{run}' GROUP BY reason ORDER BY 3 DESC, reason
"""


@dataclass(frozen=True, slots=True)
class ServerLosses:
    """What the points of one server delivered in the run, and what is known to be lost; ``bad`` is a part of ``delivered``."""

    server: str
    points: int
    delivered: int
    bad: int
    overflows: int
    sequence_gaps: int
    dropped: int
    outages: int

    @property
    def lost(self) -> int:
        """Losses that somebody counted: overflows at the server, gaps in its numbering, and what was given up here."""
        return self.overflows + self.sequence_gaps + self.dropped


@dataclass(frozen=True, slots=True)
class GapReason:
    """Stretches without values for one reason; times in µs, summed over the points."""

    reason: str
    points: int
    gaps: int
    longest_us: int
    together_us: int


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss ledger of one run."""

    run: str
    servers: tuple[ServerLosses, ...]
    gaps: tuple[GapReason, ...]

    @property
    def together(self) -> ServerLosses:
        """The sums over all servers."""
        sums = [
            sum(getattr(each, name) for each in self.servers)
            for name in ("points", "delivered", "bad", "overflows", "sequence_gaps", "dropped", "outages")
        ]
        return ServerLosses("", *sums)


def losses(store: Store, run: str = "") -> Losses:
    """The loss ledger of *run*, by default of the last one that has any; ``UsageError`` when there is none, or no such run."""
    known = [
        row["run"]
        for row in store.query(
            "SELECT run FROM runs WHERE run IN (SELECT run FROM loss_ledger) ORDER BY started, run"
        ).to_pylist()
    ]
    if run and run not in known:
        raise UsageError(
            "{run}: no run of this store with a loss ledger; there are {known}",
            run=run,
            known=", ".join(known[-5:]) or "-",
        )
    if not known:
        raise UsageError("no run of this store has a loss ledger; factory-kit collect keeps one")
    chosen = (run or known[-1]).replace("'", "''")
    found = [tuple(row.values()) for row in store.query(SERVERS.format(run=chosen)).to_pylist()]
    gaps = [tuple(row.values()) for row in store.query(GAPS.format(run=chosen)).to_pylist()]
    return Losses(
        run or known[-1],
        tuple(ServerLosses(str(server), *map(int, counts)) for server, *counts in found),
        tuple(GapReason(str(reason), *map(int, counts)) for reason, *counts in gaps),
    )
