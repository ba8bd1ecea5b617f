"""What an assessment report is made from; all of it comes out of files, so the report can be made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factory_kit.assess.scored import Scored
from factory_kit.assess.stands import Stand
from factory_kit.diagnose.run import Diagnosis
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.site import Site

__all__ = ["Day", "MachineDay", "Material"]


@dataclass(frozen=True, slots=True)
class MachineDay:
    """The states of one piece of equipment over a day, from end to end."""

    equipment: str
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class Day:
    """The day the report shows as a timeline."""

    window: Stretch
    machines: Sequence[MachineDay]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything the report draws on; *made_at* is microseconds since 1970-01-01 UTC."""

    scored: Scored
    site: Site
    made_at: int
    software: str
    """``factory-kit 0.4.1``."""
    day: Day | None = None
    diagnosis: Diagnosis | None = None
    """What the machines say over the days of the evidence; None where their data are not at hand."""
    stands: Sequence[Stand] = ()
    """Where the plant stands on the ladders it answered."""
