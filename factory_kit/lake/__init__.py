"""Data that travels: the sealed files of a store on an object store, as they are or as a Delta table, and back; and figures of many plants."""

from __future__ import annotations

from factory_kit.lake.delta import push_tables
from factory_kit.lake.engines import Engine, computed
from factory_kit.lake.figures import Figure, Question, plants_at
from factory_kit.lake.pace import Pace
from factory_kit.lake.places import opened
from factory_kit.lake.pull import pull
from factory_kit.lake.push import push, settled
from factory_kit.lake.remote import Remote

__all__ = [
    "Engine", "Figure", "Pace", "Question", "Remote", "computed", "opened", "plants_at", "pull", "push", "push_tables", "settled",
]  # fmt: skip
