"""Companion specifications recognised by the namespaces and names of their types. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Companion", "companion_of"]

UA = "http://opcfoundation.org/UA/"


@dataclass(frozen=True, slots=True)
class Companion:
    """What a type says its object is. *machine*: a whole machine; *connector*: the shipped one that reads such objects."""

    title: str
    type: str
    machine: bool
    connector: str = ""
    source: Mapping[str, str] = field(default_factory=dict)


SPECIFICATIONS: Mapping[str, tuple[str, str, str]] = {
    f"{UA}MachineTool/": ("OPC 40501-1 Machine Tools", "MachineToolType", "opc-machine-tool"),
    f"{UA}PackML/": ("OPC 30050 PackML", "PackMLBaseObjectType", "opc-packml"),
    f"{UA}PlasticsRubber/IMM2MES/": ("OPC 40077 EUROMAP 77", "IMM_MES_InterfaceType", "opc-euromap77"),
    f"{UA}PlasticsRubber/GeneralTypes/": ("OPC 40083 EUROMAP 83", "", ""),
    f"{UA}Machinery/": ("OPC 40001-1 Machinery", "", ""),
    f"{UA}DI/": ("OPC 10000-100 Devices", "", ""),
    f"{UA}Robotics/": ("OPC 40010-1 Robotics", "MotionDeviceSystemType", ""),
    f"{UA}CNC": ("OPC 40502 CNC Systems", "CncInterfaceType", ""),
}
"""Namespace URI → title, the type that stands for a whole machine, and our connector for it."""


def companion_of(chain: Sequence[tuple[str, str]]) -> Companion | None:
    """What an object is whose type and supertypes are *chain*; None where no companion specification defines any of them."""
    for space, name in chain:
        known = SPECIFICATIONS.get(space)
        if known is not None:
            title, machine, connector = known
            return Companion(
                title, name, bool(machine) and name == machine, connector, {"title": title, "confidence": "secondary"}
            )
    return None
