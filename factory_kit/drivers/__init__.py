"""Protocols: what reads a machine, and nothing that could write to one. Only these modules import protocol libraries."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from factory_kit.drivers.base import Driver
from factory_kit.errors import MissingExtra
from factory_kit.model.driver import OWN_DRIVERS

__all__ = ["driver"]


def driver(name: str) -> Driver:
    """The driver called *name*: one of our own, or one that an installed package offers (``factory_kit.drivers``).

    ``MissingExtra`` when no installed package offers it.
    """
    if name in OWN_DRIVERS:
        return cast("Driver", import_module(f"factory_kit.drivers.{name}"))
    for entry in entry_points(group="factory_kit.drivers", name=name):
        return cast("Driver", entry.load())
    raise MissingExtra("driver {name} is not installed; own drivers are {own}", name=name, own=", ".join(OWN_DRIVERS))
