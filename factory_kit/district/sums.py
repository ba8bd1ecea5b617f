"""Sums that betray no firm: what one or two firms make up is hidden, with others beside it, and nothing is given out that differencing undoes.

A table of sums has one row per street (division, size) and a total. What anybody knows of one release are the sums of its
*blocks*: each shown row, and all hidden rows together (total minus what is shown). No block may be dominated. A later release
only has blocks that are unions of earlier ones, so whatever its difference to an earlier release tells is the sum over blocks
that changed; neither those nor the changes themselves may be dominated either. Where no rows can be shown in this way the
total stands alone, and where that tells too much the sum is not given out.

Pure: no files, no clock, exact numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from factory_kit.district.disclosure import Rules, dominated
from factory_kit.district.proof import Withheld

__all__ = ["Amounts", "SafeSums", "Span", "needed", "protect_sums", "spans"]

Amounts = Mapping[str, tuple[str, str, Fraction]]
"""By plant its row, its firm and its amount, zero or more."""
Block = frozenset[str]


@dataclass(frozen=True)
class Span:
    """What anybody can work out about the sum of one row: it lies between these."""

    lowest: Fraction
    highest: Fraction


@dataclass(frozen=True)
class SafeSums:
    """Sums that may be given out; ``secret`` stays inside. None is a sum that is not shown."""

    rows: tuple[tuple[str, ...], ...]
    values: tuple[Fraction | None, ...]
    total: Fraction | None
    """None: nothing of this sum is given out, since even the total would tell too much beside earlier releases."""
    secret: Amounts = field(repr=False)

    @property
    def hidden(self) -> int:
        """How many rows are not shown."""
        return sum(value is None for value in self.values)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Names whose sum is known to everybody: each shown row, and the hidden ones together."""
        if self.total is None:
            return ()
        shown = [frozenset(row) for row, value in zip(self.rows, self.values, strict=True) if value is not None]
        rest = frozenset(name for row in self.rows for name in row).difference(*shown)
        return (*shown, rest) if rest else tuple(shown)


def protect_sums(
    amounts: Amounts, rows: Sequence[tuple[str, ...]], rules: Rules, earlier: Sequence[SafeSums] = ()
) -> SafeSums:
    """The sums of *amounts* over *rows* as they may be published after the releases *earlier*, all or some or none of them."""
    given = [each for each in earlier if each.total is not None]
    split = {name for each in given for row in each.rows for name in row if not _whole(row, rows)}
    hidden = {at for at, row in enumerate(rows) if any(_was_hidden(name, given) or name in split for name in row)}
    while True:
        worst = _first_that_tells(_blocks(rows, hidden), amounts, rules, given)
        if worst is None:
            break
        more = [at for at, row in enumerate(rows) if at not in hidden and set(row) == worst] or _next(
            rows, hidden, amounts
        )
        if not more:
            return SafeSums(tuple(rows), (None,) * len(rows), None, dict(amounts))
        hidden.update(more)
    sums = [_sum(_of(row, amounts)) for row in rows]
    values = tuple(None if at in hidden else each for at, each in enumerate(sums))
    return _checked(SafeSums(tuple(rows), values, sum(sums, Fraction()), dict(amounts)), rules, given)


def spans(releases: Sequence[SafeSums]) -> Mapping[tuple[int, str], Span]:
    """By release and name what linear programs over all *releases* say about its sum; names that did not change are equal in both.

    A name within a merged row counts as well: nobody may work it out either.
    """
    return _Programs(releases).spans()


def needed(contributions: Iterable[Fraction], rules: Rules) -> Fraction:
    """How large a dominated sum would have to be to be none: what anybody else must be able to believe it is."""
    largest = sorted(contributions, reverse=True)
    return max(largest[0] / rules.one, sum(largest[:2], Fraction()) / rules.two) if largest else Fraction()


def _blocks(rows: Sequence[tuple[str, ...]], hidden: Iterable[int]) -> list[Block]:
    together = frozenset(name for at in hidden for name in rows[at])
    shown = [frozenset(row) for at, row in enumerate(rows) if at not in set(hidden)]
    return [*([together] if together else []), *shown]


def _first_that_tells(
    blocks: Sequence[Block], amounts: Amounts, rules: Rules, earlier: Sequence[SafeSums]
) -> Block | None:
    """The first block that is dominated, or whose difference to an earlier release is; shown rows before the hidden ones."""
    for block in reversed(blocks):
        if dominated(_firms(amounts, block), rules) or any(
            _tells(block, amounts, release, rules) for release in earlier
        ):
            return block
    return None


def _tells(block: Block, amounts: Amounts, before: SafeSums, rules: Rules) -> bool:
    """Whether the sum of *block* beside the earlier release tells about one or two firms."""
    changed = _changed(amounts, before.secret)
    known = {name for each in before.blocks for name in each}
    dirty = [each for each in before.blocks if each <= block and any(name in changed for name in each)]
    names = frozenset().union(*dirty) | (block - known)
    moved = _differences(amounts, before.secret, block)
    clean = any(each <= block and each not in dirty for each in before.blocks)
    within = bool(names) and clean and dominated(_firms(amounts, names), rules)
    return within or (bool(moved) and dominated(moved, rules))


def _changed(now: Amounts, before: Amounts) -> set[str]:
    """Names in which a plant came, went or has another amount."""
    pairs = ((now.get(plant), before.get(plant)) for plant in now.keys() | before.keys())
    return {place[0] for pair in pairs if pair[0] != pair[1] for place in pair if place is not None}


def _differences(now: Amounts, before: Amounts, block: Block) -> list[Fraction]:
    """By firm how much its amount in *block* changed, those with a change."""
    by_firm: dict[str, Fraction] = {}
    for amounts, sign in ((now, 1), (before, -1)):
        for name, firm, amount in amounts.values():
            if name in block:
                by_firm[firm] = by_firm.get(firm, Fraction()) + sign * amount
    return [abs(each) for each in by_firm.values() if each]


def _whole(row: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether an earlier row lies in one row of now."""
    return any(set(row) <= set(each) for each in rows)


def _was_hidden(name: str, earlier: Sequence[SafeSums]) -> bool:
    return any(
        value is None and name in row
        for release in earlier
        for row, value in zip(release.rows, release.values, strict=True)
    )


def _next(rows: Sequence[tuple[str, ...]], hidden: set[int], amounts: Amounts) -> list[int]:
    """The shown row with the smallest sum."""
    shown = [at for at in range(len(rows)) if at not in hidden]
    return [min(shown, key=lambda at: (_sum(_of(rows[at], amounts)), rows[at]))] if shown else []


def _of(names: Iterable[str], amounts: Amounts) -> Iterator[Fraction]:
    wanted = set(names)
    return (amount for name, _, amount in amounts.values() if name in wanted)


def _sum(amounts: Iterable[Fraction]) -> Fraction:
    return sum(amounts, Fraction())


def _firms(amounts: Amounts, names: Iterable[str]) -> list[Fraction]:
    """What each firm has in *names*; several plants of a firm are one contribution."""
    wanted, found = set(names), dict[str, Fraction]()
    for name, firm, amount in amounts.values():
        if name in wanted:
            found[firm] = found.get(firm, Fraction()) + amount
    return list(found.values())


def _checked(safe: SafeSums, rules: Rules, earlier: Sequence[SafeSums]) -> SafeSums:
    """*safe* after linear programs over all releases agree that no dominated sum comes too close; ``Withheld`` should they not."""
    releases = [*earlier, safe]
    for (number, name), span in spans(releases).items():
        own = _firms(releases[number].secret, [name])
        if dominated(own, rules) and span.highest < needed(own, rules):
            raise Withheld("the proof failed: a hidden sum could be worked out; nothing is published")
    return safe


class _Programs:
    """Linear programs over one unknown per release and name."""

    def __init__(self, releases: Sequence[SafeSums]) -> None:
        self.releases = [each for each in releases if each.total is not None]
        names = [(at, name) for at, each in enumerate(self.releases) for row in each.rows for name in row]
        self.at = {each: number for number, each in enumerate(names)}
        self.scale = max((each.total for each in self.releases if each.total), default=Fraction(1))
        self.lines: list[tuple[dict[int, float], float]] = []
        for number, release in enumerate(self.releases):
            for block in release.blocks:
                terms = {self.at[number, name]: 1.0 for name in block}
                self.lines.append((terms, float(_sum(_of(block, release.secret)) / self.scale)))
            for before in range(number):
                self._unchanged(before, number)

    def spans(self) -> Mapping[tuple[int, str], Span]:
        """The span of every unknown."""
        solve = self._solver()
        return {
            each: Span(*(sign * _fraction(solve(at, sign)) * self.scale for sign in (1, -1)))
            for each, at in self.at.items()
        }

    def _unchanged(self, before: int, after: int) -> None:
        changed = _changed(self.releases[after].secret, self.releases[before].secret)
        for (number, name), at in list(self.at.items()):
            if number == after and name not in changed and (before, name) in self.at:
                self.lines.append(({at: 1.0, self.at[before, name]: -1.0}, 0.0))

    def _solver(self) -> Callable[[int, int], float]:
        from scipy.optimize import linprog  # noqa: PLC0415 - heavy, only for who publishes
        from scipy.sparse import lil_array  # noqa: PLC0415 - see above

        matrix = lil_array((len(self.lines), len(self.at)))
        for line, (terms, _) in enumerate(self.lines):
            for at, sign in terms.items():
                matrix[line, at] = sign
        rows, right = matrix.tocsr(), [value for _, value in self.lines]

        def solve(at: int, sign: int) -> float:
            objective = [0.0] * len(self.at)
            objective[at] = sign
            solved = linprog(objective, A_eq=rows, b_eq=right, bounds=(0, None), method="highs")
            if solved.status != 0:
                raise Withheld(
                    "the proof could not be made (solver: {reason}); nothing is published", reason=solved.message
                )
            return float(solved.fun)

        return solve


def _fraction(value: float) -> Fraction:
    """*value* without the noise of the solver."""
    return Fraction(value).limit_denominator(10**9)
