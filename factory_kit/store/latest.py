"""The newest sample of each point, kept beside the samples so that nobody has to look for it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from factory_kit.store.collide import numbers

__all__ = ["newest"]


def newest(before: pa.Table, table: pa.Table) -> pa.Table:
    """The newest row of each point of both tables; *table* is in the order of a sealed file and wins a tie."""
    point = numbers(table["point"])
    last = np.flatnonzero(np.r_[point[1:] != point[:-1], True]) if len(point) else np.zeros(0, np.intp)
    both = pa.concat_tables([before, table.take(pa.array(last))]).unify_dictionaries().combine_chunks()
    point, time = numbers(both["point"]), numbers(both["time"])
    order = np.lexsort((time, point))
    keep = np.r_[point[order][1:] != point[order][:-1], True] if len(order) else np.zeros(0, np.bool_)
    return both.take(pa.array(order[keep]))
