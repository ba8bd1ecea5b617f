"""What goes wrong in the simulated plant on purpose, and when: the answers a diagnosis should find."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from factory_kit.i18n import N_
from factory_kit.testing.shifts import HOUR, first_night, shift_start

__all__ = ["PlantedFault", "plan_faults"]

FaultKind = Literal["no answer", "counter reset", "stuck sensor", "idle at half load"]


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """One fault: what happens, at which equipment and point, from when to when (plant time, microseconds, half open)."""

    what: FaultKind
    equipment: str
    point: str
    """Empty: all points of the equipment."""
    start: int
    end: int
    says: str

    def holds(self, time: int) -> bool:
        """Whether the fault is present at *time*."""
        return self.start <= time < self.end

    def as_dict(self) -> dict[str, object]:
        """The fault as JSON carries it."""
        return asdict(self)


def plan_faults(start: int) -> tuple[PlantedFault, ...]:
    """The five faults of a plant that begins at *start*; all but the idle night lie in its first 17 hours.

    The idle night is the night shift running at *start* where at least six hours of it are left, else the next one.
    """
    night = first_night(start, at_least=6 * HOUR)
    night_start, night_end = shift_start(night), shift_start(night + 1)
    return (
        PlantedFault(
            "idle at half load", "meter-03", "active_power", night_start, night_end,
            N_("cnc-07 and cnc-08 have no orders through the night shift, yet their meter shows half of full load"),
        ),
        PlantedFault(
            "no answer", "cnc-03", "", start + 9 * HOUR + HOUR // 2, start + 11 * HOUR,
            N_("the OPC UA server loses cnc-03: all its values go BadNoCommunication; the machine works on"),
        ),
        PlantedFault(
            "stuck sensor", "cnc-06", "motor_temperature", start + 10 * HOUR, start + 16 * HOUR,
            N_("the motor temperature of cnc-06 stands still while the machine works"),
        ),
        PlantedFault(
            "counter reset", "cnc-05", "total_count", start + 13 * HOUR, start + 13 * HOUR + 1,
            N_("the total counter of cnc-05 is set back to 0; the good counter is not"),
        ),
        PlantedFault(
            "no answer", "compressor-01", "", start + 14 * HOUR + HOUR // 2, start + 16 * HOUR + HOUR // 2,
            N_("the compressor gives no answer over Modbus: the gateway stays silent"),
        ),
    )  # fmt: skip
