"""How the values of a point are laid out: as they are, or byte by byte, whichever a try shows to be smaller."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory_kit.store.collide import numbers

__all__ = ["noisy"]

SAMPLE = 512
GAIN = 0.95
"""Byte by byte only where it saves at least a twentieth: repeating values compress better as they are."""


def noisy(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Which rows of a table in the order of a sealed file belong to points whose values are noise to the last digit."""
    point = numbers(table["point"])
    starts = np.flatnonzero(np.r_[True, point[1:] != point[:-1]]) if len(point) else np.zeros(0, np.intp)
    value = table["value"].combine_chunks().fill_null(0.0).to_numpy(zero_copy_only=False)
    codec = pa.Codec("zstd", compression_level=1)
    found = [_smaller_by_bytes(codec, value[start : start + SAMPLE]) for start in starts]
    return np.repeat(found, np.diff(np.r_[starts, len(point)])) if len(starts) else np.zeros(0, np.bool_)


def _smaller_by_bytes(codec: pa.Codec, value: npt.NDArray[np.float64]) -> bool:
    """A point with too few values for a try counts as quiet."""
    if len(value) < 64:
        return False
    plain = codec.compress(value.tobytes()).size
    streams = codec.compress(value.view(np.uint8).reshape(-1, 8).T.tobytes()).size
    return bool(streams < GAIN * plain)
