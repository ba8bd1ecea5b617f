"""Seeded chance that depends on nothing but its names: the same on every computer, in every order of asking."""

from __future__ import annotations

import math
import random

__all__ = ["exponential", "flicker", "lognormal", "noise", "stream"]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def stream(*names: object) -> random.Random:
    """A generator of its own for *names*; only its ``random()`` is used, which Python keeps the same for ever."""
    return random.Random("/".join(map(str, names)))


def exponential(chance: random.Random, mean: float) -> float:
    """A waiting time with *mean*."""
    return -mean * math.log(1.0 - chance.random())


def lognormal(chance: random.Random, median: float, spread: float) -> float:
    """A duration around *median*; *spread* is the standard deviation of its logarithm (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - chance.random()))
    return median * math.exp(spread * radius * math.cos(2.0 * math.pi * chance.random()))


def noise(key: int, step: int) -> float:
    """A number in [-1, 1) for *step* of the series *key* (the mixing function of SplitMix64)."""
    mixed = (key + step * _GOLDEN) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    mixed ^= mixed >> 31
    return mixed / 2.0**63 - 1.0


def flicker(*names: object) -> int:
    """The key of the noise series called *names*."""
    return stream(*names).getrandbits(64)
