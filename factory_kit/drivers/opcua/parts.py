"""Single values out of arrays and structures: which item means which place, and what is there in each answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from factory_kit.drivers.opcua.datatypes import Types
from factory_kit.drivers.opcua.structures import Malformed, Taken, taken_apart, variant_of
from factory_kit.drivers.status import Status, qualities
from factory_kit.model.sample import SampleBatch

__all__ = ["NO_DATA", "Absent", "Parts"]

Places = tuple[int | str, ...]
NO_DATA = 0x80370000
"""BadIndexRangeNoData: the array is shorter, the union holds another field, or the value is no array and no structure."""


class Absent(Exception):
    """The value has no such element or field."""


class Parts:
    """The places that items mean, by handle, and the types to find them by. Without any place it costs nothing."""

    def __init__(self) -> None:
        self.types = Types()
        self._places: dict[int, Places] = {}
        self._shared: dict[int, tuple[int, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    @property
    def handles(self) -> Iterable[int]:
        """The items that mean a part."""
        return self._places

    def want(self, handle: int, places: Places) -> None:
        """The item *handle* means the value at *places*."""
        self._places[handle] = places

    def share(self, leader: int, handles: Sequence[int]) -> None:
        """A value of item *leader* is news of all *handles*: they mean parts of the same node."""
        if len(handles) > 1:
            self._shared[leader] = tuple(handles)
        else:
            self._shared.pop(leader, None)

    def forget(self) -> None:
        """No item means a part any more."""
        self._places.clear()
        self._shared.clear()
        self.types = Types()

    def value(self, handle: int, value: Any) -> Taken:
        """The single value that *handle* means in *value* as asyncua gives it. ``Malformed`` or ``Absent``."""
        return _single(taken_apart(value, self.types), self._places[handle])

    def means(self, handle: int) -> bool:
        """Whether *handle* means a part."""
        return handle in self._places

    def filled(self, batch: SampleBatch, others: Mapping[int, bytes]) -> SampleBatch:
        """*batch* with the parts of *others*, the encoded Variants that are no single values, by row."""
        if not self._places:
            return batch
        if self._shared:
            batch, others = self._spread(batch, others)
        texts: list[str | None] = [None] * len(batch) if batch.text is None else list(batch.text)
        status, value = np.asarray(batch.status, np.int64), batch.value
        has_value = np.ones(len(batch), np.bool_) if batch.has_value is None else batch.has_value
        for row in np.flatnonzero(np.isin(batch.point, list(self._places))).tolist():
            code, found = self._found(int(batch.point[row]), int(status[row]), others.get(row))
            text = found if isinstance(found, str) else None
            status[row], has_value[row], texts[row] = code, found is not None, text
            value[row] = float("nan") if found is None or isinstance(found, str) else float(found)
        known = texts if any(text is not None for text in texts) else None
        return replace(batch, text=known, has_value=has_value, status=status, quality=qualities(status))

    def _spread(self, batch: SampleBatch, others: Mapping[int, bytes]) -> tuple[SampleBatch, Mapping[int, bytes]]:
        """*batch* and *others* with a row for each item that shares a monitored one, in the order of the values."""
        if not np.isin(batch.point, list(self._shared)).any():
            return batch, others
        handles = [self._shared.get(handle, (handle,)) for handle in batch.point.tolist()]
        rows = np.repeat(np.arange(len(batch)), [len(each) for each in handles])
        spread = batch.rows(rows)
        point = np.array([handle for each in handles for handle in each], dtype=np.int32)
        found = {new: others[old] for new, old in enumerate(rows.tolist()) if old in others}
        return replace(spread, point=point), found

    def _found(self, handle: int, status: int, raw: bytes | None) -> tuple[int, int | float | str | None]:
        """Status and value of one part; *raw* is None where the server sent nothing, or a single value."""
        if raw is None:
            return (NO_DATA if status == Status.GOOD else status), None
        try:
            found = _single(variant_of(raw, self.types), self._places[handle])
        except Absent:
            return NO_DATA, None
        except Malformed:
            return Status.BAD_DECODING_ERROR, None
        return (Status.GOOD if status == Status.BAD_NOT_SUPPORTED else status), found


def _single(value: Taken, places: Places) -> int | float | str | None:
    for place in places:
        value = _inside(value, place)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        raise Absent
    return value  # type: ignore[no-any-return] # a number, a text or nothing is left


def _inside(value: Taken, place: int | str) -> Taken:
    if isinstance(place, int):
        if isinstance(value, list) and place < len(value):
            return value[place]
    elif isinstance(value, dict) and place in value:
        return value[place]
    raise Absent
