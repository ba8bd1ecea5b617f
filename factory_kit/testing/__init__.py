"""What tests and the demonstration need: a simulated plant, a replayed recording, a line that fails, a clock.

Public: people who write connectors use it too. The simulated plant speaks for itself as simulated (OPC UA ProductUri,
Modbus device identification), so that a collector stamps ``origin: simulated``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory_kit.testing.clock import ManualClock, PlantClock
from factory_kit.testing.faults import PlantedFault
from factory_kit.testing.plantmodel import Change, MachineTruth, PlantModel, Truth, analog_step
from factory_kit.testing.proxy import FaultProxy
from factory_kit.testing.simulated import SimulatedPlant

if TYPE_CHECKING:
    from factory_kit.testing.numbered import NumberedServer, Request
    from factory_kit.testing.replay import Replay

__all__ = [
    "Change",
    "FaultProxy",
    "MachineTruth",
    "ManualClock",
    "NumberedServer",
    "PlantClock",
    "PlantModel",
    "PlantedFault",
    "Replay",
    "Request",
    "SimulatedPlant",
    "Truth",
    "analog_step",
]


def __getattr__(name: str) -> Any:
    if name in {"NumberedServer", "Request"}:
        from factory_kit.testing import numbered  # noqa: PLC0415 - pymodbus only for those who serve with it

        return getattr(numbered, name)
    if name == "Replay":
        from factory_kit.testing import replay  # noqa: PLC0415 - both protocol libraries only for those who serve with them

        return replay.Replay
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
