"""The catalogue: points, the equipment ledger, state mappings and runs, with everything they once were.

Nothing is ever changed in place: a changed point, ledger or mapping is a new line with its date, so old samples keep the unit,
scale and meaning they were read with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from factory_kit.errors import StoreDamaged
from factory_kit.model.connector import Connector
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin
from factory_kit.model.site import Equipment, Operation
from factory_kit.store.disk import Disk, told
from factory_kit.store.lines import Entry, append_line, flat, good_length, newer, read_lines, write_log

__all__ = ["Catalogue", "PointEntry", "RunEntry", "copy_of", "mend_copy"]


@dataclass(frozen=True, slots=True)
class PointEntry:
    """What a point was from ``since`` on (µs)."""

    id: int
    since: int
    point: CataloguePoint


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run and when it ended (µs); None while it goes on, and for good when it was cut off."""

    run: Run
    ended: int | None = None


@dataclass
class Catalogue:
    """The catalogue of one store, as its file tells it."""

    path: Path
    history: list[PointEntry] = field(default_factory=list)
    newest: dict[int, PointEntry] = field(default_factory=dict)
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    ledger: list[Entry] = field(default_factory=list)
    operations: list[Entry] = field(default_factory=list)
    states: dict[tuple[str, str], Entry] = field(default_factory=dict)
    runs: dict[str, RunEntry] = field(default_factory=dict)
    last_id: int = 0
    """The highest id of a point."""
    floor: int | None = None
    """The highest id that has samples, once somebody asked."""

    @classmethod
    def read(cls, path: Path) -> Catalogue:
        """The catalogue at *path*, empty when there is none; ``StoreDamaged`` when a line is, or when its copy knows more or other."""
        known = _lines_of_copy(path)  # first: every line is in the catalogue before it is in the copy
        entries = read_lines(path)
        if len(entries) < len(known):
            raise StoreDamaged(
                "{file}: {count} of its last lines are missing, its copy has them; run store repair",
                file=path,
                count=len(known) - len(entries),
            )
        if entries[: len(known)] != known:  # no repair can know which of them tells what the samples mean
            raise StoreDamaged(
                "{file}: tells something else than its copy {copy}; take away the one that is not of this store",
                file=path,
                copy=copy_of(path).name,
            )
        catalogue = cls(path)
        try:
            for entry in entries:
                catalogue._apply(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise newer(path) from error
        return catalogue

    def register(
        self, disk: Disk, points: Sequence[CataloguePoint], now: int, used: Callable[[], int] = lambda: 0
    ) -> list[int]:
        """The id of each of *points*: the one it always had, or the next free one; what changed is noted with *now*.

        Ids up to *used*, the highest that has samples, are not free, even if the catalogue lost them.
        """
        fresh: dict[int, CataloguePoint] = {}
        ids = dict(self.ids)
        if self.floor is None and any((point.equipment, point.name) not in ids for point in points):
            self.floor = used()
        free = itertools.count(max(self.last_id, self.floor or 0) + 1)
        found = []
        for point in points:
            key = point.equipment, point.name
            number = ids[key] if key in ids else ids.setdefault(key, next(free))
            found.append(number)
            known = self.newest.get(number)
            if known is None or known.point != point:
                fresh[number] = point
        if fresh:
            entries = [{"id": number, **flat(point)} for number, point in fresh.items()]
            self._add(disk, {"kind": "points", "since": now, "points": entries})
        return found

    def describe(
        self,
        disk: Disk,
        equipment: Sequence[Equipment],
        connectors: dict[str, Connector],
        operations: Sequence[Operation],
        now: int,
    ) -> None:
        """The whole ledger and the state mappings of *connectors*; nothing is written when nothing changed."""
        ledger, done = [_ledger_entry(each) for each in equipment], [_operation_entry(each) for each in operations]
        if (ledger, done) != (self.ledger, self.operations):
            more = {"operations": done} if done else {}
            self._add(disk, {"kind": "ledger", "since": now, "equipment": ledger, **more})
        for connector in connectors.values():
            mapping = connector.state_mapping
            if mapping is None:
                continue
            entry = {
                "kind": "states",
                "connector": connector.connector,
                "version": connector.version,
                "profile": mapping.profile,
                "states": {raw: str(state) for raw, state in mapping.states.items()},
            }
            if self.states.get((connector.connector, connector.version)) != entry:
                self._add(disk, entry)

    def begin(self, disk: Disk, run: Run) -> None:
        """*run* has begun."""
        self._add(disk, {"kind": "run", **{f"run_{key}": value for key, value in asdict(run).items()}})

    def end(self, disk: Disk, run: str, now: int) -> None:
        """The run called *run* ended at *now*."""
        self._add(disk, {"kind": "run ended", "run": run, "ended": now})

    def _add(self, disk: Disk, entry: Entry) -> None:
        """The copy is for repairs: without the catalogue nobody knows what the samples mean."""
        append_line(disk, self.path, entry)
        append_line(disk, copy_of(self.path), entry)
        self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        match entry["kind"]:
            case "points":
                self._apply_points(entry)
            case "ledger":
                self.ledger, self.operations = entry["equipment"], entry.get("operations", [])
            case "states":
                self.states[entry["connector"], entry["version"]] = entry
            case "run":
                fields = {key.removeprefix("run_"): value for key, value in entry.items() if key != "kind"}
                run = Run(**{**fields, "origin": Origin(fields["origin"])})
                self.runs[run.id] = RunEntry(run)
            case "run ended":
                known = self.runs.get(entry["run"])
                if known is not None:  # else a repair could not save the line of its beginning
                    self.runs[entry["run"]] = RunEntry(known.run, entry["ended"])
            case kind:
                raise KeyError(kind)

    def _apply_points(self, entry: Entry) -> None:
        for each in entry["points"]:
            fields = dict(each)
            made = PointEntry(fields.pop("id"), entry["since"], CataloguePoint(**fields))
            self.history.append(made)
            self.newest[made.id] = made
            self.last_id = max(self.last_id, made.id)
            self.ids[made.point.equipment, made.point.name] = made.id


def mend_copy(disk: Disk, path: Path) -> None:
    """The second copy of the catalogue at *path* is as the first, which must be whole."""
    copy = copy_of(path)
    with told(path):
        data = path.read_bytes() if path.exists() else b""
    with told(copy):
        mended = copy.exists() and copy.read_bytes() == data
    if data and not mended:
        Catalogue.read(path)
        write_log(disk, copy, data[: good_length(data, path)])


def _lines_of_copy(path: Path) -> list[Entry]:
    """The lines of the copy; none when it is damaged itself: then it is no witness."""
    try:
        return read_lines(copy_of(path))
    except StoreDamaged:
        return []


def copy_of(path: Path) -> Path:
    """Where the second copy of the catalogue at *path* is."""
    return path.with_name(f"{path.stem}.copy{path.suffix}")


def _ledger_entry(equipment: Equipment) -> dict[str, Any]:
    cycle = equipment.ideal_cycle_s
    return {
        "equipment": equipment.id,
        "name_zh": equipment.name.zh,
        "name_en": equipment.name.en,
        "kind": equipment.kind,
        "key": equipment.key,
        "digital": equipment.digital,
        "connected": equipment.connected,
        "ideal_cycle_s": None if cycle is None else str(cycle),
        "feeds": list(equipment.feeds),
        # only where it is said: a ledger without it stays the line it was
        **{name: said for name in ("control", "product") if (said := getattr(equipment, name)) is not None},
    }


def _operation_entry(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "name_zh": operation.name.zh,
        "name_en": operation.name.en,
        "key": operation.key,
        "equipment": list(operation.equipment),
    }
