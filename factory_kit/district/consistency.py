"""Whose scores can be trusted: plants drawn again, differences with intervals, and patterns worth a look; never an accusation.

Means per provider mislead, because plants differ. What shows an inflating provider is a few of its plants assessed again by
somebody else. Pure: a seed instead of chance, no files, no clock.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from factory_kit.i18n import N_, _

__all__ = [
    "Difference", "Flag", "Scored", "Visit", "bunched", "differences", "draw", "flags", "same_answers", "same_documents",
    "short_visits",
]  # fmt: skip

BELOW, NEAR, ABOVE = "below", "near", "above"
CLOSE = 0.1
"""Nearer than this above a threshold is where a generous hand would show."""
LEAST_PAIRS = 3
HARMLESS = 0.1
"""A provider whose plants come out this much lower when assessed again is within what people differ by."""
CHANCE = 0.02
"""Probability below which bunching is worth a look, shared out over all providers."""
GENEROUS = 0.015
"""How often an honest provider may be asked about its re-assessments; half a level is then seen with four plants each."""
LEAST_SPREAD = 0.12
"""Of differences between two honest assessments: what little of it few pairs show is not believed."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One counted assessment, as far as consistency goes."""

    plant: str
    provider: str
    total: float
    next_at: float | None = None
    """Where the next level begins."""
    began: float | None = None
    """Where its own level began."""
    answers: str = ""
    documents: frozenset[str] = frozenset()
    receipt: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """First assessment minus re-assessment of a provider's plants: the mean, and where it lies with 95 %."""

    provider: str
    pairs: int
    mean: float
    lowest: float
    highest: float
    chance: float
    """Probability of a mean this high if the provider were as generous as the others."""


LEAST_SHORT = 3
"""Visits, of a provider and of others, that a word about their length needs."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to look at, in one sentence; *message* is a template."""

    kind: str
    provider: str
    message: str
    details: Mapping[str, str | int]

    def text(self) -> str:
        """The sentence in the language in force."""
        return _(self.message).format(**self.details)


def draw(assessed: Sequence[Scored], each: int, seed: int) -> list[Scored]:
    """*each* plants per provider to be assessed again, spread over those just above a threshold and the others.

    The same seed and the same assessments draw the same plants, whatever their order; half of them lie close above a threshold
    where there are so many.
    """
    drawn: list[Scored] = []
    for provider in sorted({item.provider for item in assessed if item.provider}):
        own = sorted((item for item in assessed if item.provider == provider), key=lambda item: _lot(seed, item.plant))
        close = [item for item in own if _close(item)]
        others = [item for item in own if not _close(item)]
        first = close[: each // 2]
        drawn += (first + others + close[len(first) :])[:each]
    return sorted(drawn, key=lambda item: (item.provider, item.plant))


def differences(pairs: Sequence[tuple[str, float, float]]) -> tuple[Difference, ...]:
    """By provider what re-assessment took away; *pairs* are provider, first total, total of the re-assessment.

    The spread of differences is taken from all providers together, each around its own mean, since few pairs tell little of it; a provider is compared
    with the median of the others.
    """
    from scipy.stats import t  # noqa: PLC0415 - heavy, only here

    by: dict[str, list[float]] = {}
    for provider, first, again in pairs:
        by.setdefault(provider, []).append(first - again)
    spread, freedom = _spread(list(by.values()))
    found = []
    for provider, own in sorted(by.items()):
        rest = [fmean(values) for other, values in by.items() if other != provider]
        usual = median(rest) if rest else 0.0
        error = spread / math.sqrt(len(own))
        mean = fmean(own)
        reach = float(t.ppf(0.975, freedom)) * error
        chance = float(t.sf((mean - max(usual, 0.0)) / error, freedom))
        found.append(Difference(provider, len(own), mean, mean - reach, mean + reach, chance))
    return tuple(found)


def flags(found: Sequence[Difference]) -> Iterator[Flag]:
    """Providers whose plants come out clearly lower when assessed again, with how sure that is."""
    for each in found:
        if each.pairs >= LEAST_PAIRS and each.chance < GENEROUS and each.mean > HARMLESS:
            message = N_(
                "{pairs} plants came out {mean} lower when assessed again (between {lowest} and {highest}); talk about how they were rated"
            )
            yield Flag("inflation", each.provider, message, {
                "pairs": each.pairs, "mean": f"{each.mean:.2f}", "lowest": f"{each.lowest:.2f}", "highest": f"{each.highest:.2f}",
            })  # fmt: skip


def same_answers(assessed: Sequence[Scored]) -> Iterator[Flag]:
    """Plants of one provider with the very same answers to everything."""
    found: dict[tuple[str, str], list[Scored]] = {}
    for each in assessed:
        if each.answers:
            found.setdefault((each.provider, each.answers), []).append(each)
    for (provider, _answers), some in sorted(found.items()):
        if len({item.plant for item in some}) > 1:
            message = N_("{count} plants have the same answer to every requirement: receipts {receipts}")
            yield Flag("same answers", provider, message, {"count": len(some), "receipts": _listed(some)})


def same_documents(assessed: Sequence[Scored]) -> Iterator[Flag]:
    """One document behind several plants, whoever sent it."""
    found: dict[str, list[Scored]] = {}
    for each in assessed:
        for document in each.documents:
            found.setdefault(document, []).append(each)
    for document, some in sorted(found.items()):
        if len({item.plant for item in some}) > 1:
            message = N_("document {document} stands behind {count} plants: receipts {receipts}")
            details: dict[str, str | int] = {"document": document[:12], "count": len(some), "receipts": _listed(some)}
            yield Flag("same document", "、".join(sorted({item.provider for item in some})), message, details)


def bunched(assessed: Sequence[Scored]) -> Iterator[Flag]:
    """Providers with far more plants just above a threshold than just below: the two should be about as many."""
    from scipy.stats import binom  # noqa: PLC0415 - heavy, only here

    providers = sorted({each.provider for each in assessed if each.provider})
    for provider in providers:
        own = [each for each in assessed if each.provider == provider]
        above = sum(_close(each) for each in own)
        below = sum(each.next_at is not None and 0 < each.next_at - each.total <= CLOSE for each in own)
        chance = float(binom.sf(above - 1, above + below, 0.5)) if above + below else 1.0
        if chance < CHANCE / len(providers):
            message = N_(
                "{above} plants lie just above a threshold and {below} just below; look at how the last points were given"
            )
            yield Flag("bunching", provider, message, {"above": above, "below": below})


def _spread(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """The pooled standard deviation around the own means, and its degrees of freedom."""
    freedom = sum(len(own) - 1 for own in groups)
    if freedom < 1:
        return LEAST_SPREAD * 4, 1
    squares = sum((value - fmean(own)) ** 2 for own in groups for value in own)
    return max(math.sqrt(squares / freedom), LEAST_SPREAD), freedom


def _close(item: Scored) -> bool:
    return item.began is not None and 0 <= item.total - item.began <= CLOSE


def _lot(seed: int, plant: str) -> bytes:
    """A plant's place in the drawing: by its own name and the seed alone."""
    return hashlib.sha256(f"{seed}/{plant}".encode()).digest()


def _listed(some: Sequence[Scored]) -> str:
    return ", ".join(str(number) for number in sorted(item.receipt for item in some)[:5])


@dataclass(frozen=True, slots=True)
class Visit:
    """Days that a provider's people were on site at one plant, as its bundle says."""

    provider: str
    size: str
    days: int


def short_visits(visits: Sequence[Visit]) -> Iterator[Flag]:
    """Providers most of whose visits took half the days, or fewer, that others take at plants of the same size.

    Said only of three short visits or more, and where others give their days.
    """
    for provider in sorted({visit.provider for visit in visits}):
        own = [visit for visit in visits if visit.provider == provider]
        short = [visit for visit in own if 2 * visit.days <= _usual_days(visits, visit)]
        if len(short) >= LEAST_SHORT and 2 * len(short) > len(own):
            message = N_(
                "{short} of {count} visits took half the days, or fewer, that others take at plants of the same size (mostly {days} instead of {usual})"
            )
            usual = {
                "days": _text(median(v.days for v in short)),
                "usual": _text(median(_usual_days(visits, v) for v in short)),
            }
            yield Flag("short visits", provider, message, {"short": len(short), "count": len(own), **usual})


def _usual_days(visits: Sequence[Visit], own: Visit) -> float:
    others = [visit.days for visit in visits if visit.provider != own.provider and visit.size == own.size]
    return median(others) if len(others) >= LEAST_SHORT else 0.0


def _text(days: float) -> str:
    return f"{days:g}"
