"""Names of drivers: our own, and those that other packages offer."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator

from factory_kit.model.definition import Identifier, mistake

__all__ = ["OWN_DRIVERS", "DriverName"]

OWN_DRIVERS = ("opcua", "modbus")
ALIKE = 0.8
"""``modbuss`` is a slip of the hand, ``modbus-gateway`` a name of its own."""


def _no_slip(name: str) -> str:
    """*name*, unless it is one of our own mistyped: nobody would find a package of that name."""
    close = [] if name in OWN_DRIVERS else get_close_matches(name, OWN_DRIVERS, n=1, cutoff=ALIKE)
    if close:
        raise mistake("{name!r} is no driver; {close} is meant?", name=name, close=close[0])
    return name


DriverName = Annotated[Identifier, AfterValidator(_no_slip)]
"""``opcua``, ``modbus``, or what another package offers in the entry point group ``factory_kit.drivers``."""
