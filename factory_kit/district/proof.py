"""What anybody can work out of tables that were given out: the range of every hidden cell, by linear programs over all releases.

Row and column totals are always shown, so tables that share their columns are linked by known numbers only: each can be proven for
itself. Two-way tables with totals have only whole corners (their matrix is totally unimodular), so the range a linear program gives
for a hidden cell is the range of whole numbers. With earlier releases the program knows them too, and that plants which did not
change are the same in both.

Pure: no files, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from factory_kit.errors import FactoryKitError

__all__ = ["Fact", "Plants", "Range", "Safe", "Withheld", "audit", "narrowest"]

TOLERANCE = 1e-6

Plants = Mapping[str, tuple[str, int]]
"""By plant its row and its column, the column as a whole number (the level)."""


class Withheld(FactoryKitError):
    """No way was found to publish the table so that every hidden cell is safe."""


@dataclass(frozen=True)
class Range:
    """What anybody can work out about a hidden cell."""

    lowest: int
    highest: int


@dataclass(frozen=True)
class Fact:
    """What a share or a median beside a table says: the cells of these columns of the row add up to something between these."""

    row: int
    columns: tuple[int, ...]
    lowest: int
    highest: int


@dataclass(frozen=True)
class Safe:
    """A table that may be given out; ``secret`` stays inside.

    ``cells[row][column]`` is a count or None where it is hidden; a row or column is a tuple of what was merged into it.
    """

    rows: tuple[tuple[str, ...], ...]
    columns: tuple[tuple[int, ...], ...]
    cells: tuple[tuple[int | None, ...], ...]
    row_totals: tuple[int, ...]
    column_totals: tuple[int, ...]
    ranges: Mapping[tuple[int, int], Range] = field(default_factory=dict)
    secret: Mapping[str, tuple[str, int]] = field(default_factory=dict, repr=False)
    """The plants behind it, to hold the next release against."""
    facts: tuple[Fact, ...] = ()
    """What is printed beside the table and says something about its cells."""

    @property
    def hidden(self) -> int:
        """How many cells are not shown."""
        return sum(cell is None for row in self.cells for cell in row)


def audit(table: Safe, earlier: Sequence[Safe] = ()) -> Mapping[tuple[int, int, int], Range]:
    """By release, row and column the range of each hidden cell: two linear programs each, over all releases together.

    The programs know what everybody sees, and that rows whose plants did not change are equal in consecutive releases.
    """
    return _Programs([*earlier, table]).ranges()


def narrowest(table: Safe, width: int, earlier: Sequence[Safe] = ()) -> tuple[int, int, int] | None:
    """The first hidden cell of any release (release, row, column) whose range is narrower than *width*; None when all hold."""
    return _Programs([*earlier, table]).narrow(width)


class _Programs:
    """The linear programs over the cells of all releases.

    An unknown stands for names that share their row in every release and changed between the same releases: more are not needed.
    """

    def __init__(self, releases: Sequence[Safe]) -> None:
        self.releases = releases
        self.atoms = self._atoms()
        self.at: dict[tuple[int, int, int], int] = {}
        self.equal: list[tuple[list[int], list[int], int]] = []
        """Sum of the first minus sum of the second is the number."""
        self.between: list[tuple[list[int], int, int]] = []
        """The sum of these lies between the numbers."""
        for number, release in enumerate(releases):
            for atom in sorted({atom for atom in self.atoms.values() if self._row(number, atom) is not None}):
                for column in range(len(release.columns)):
                    self.at[number, atom, column] = len(self.at)
            self._take(number, release)
        for number, (before, after) in enumerate(pairwise(releases)):
            self._unchanged(number, before, after)
        self.wanted = [
            (number, at, column)
            for number, release in enumerate(releases)
            for at, row in enumerate(release.cells)
            for column, cell in enumerate(row)
            if cell is None
        ]
        self._matrix()

    def ranges(self) -> Mapping[tuple[int, int, int], Range]:
        """By release, row and column, exactly."""
        found = {}
        for each in self.wanted:
            terms = self._terms(each)
            lowest, highest = (self._solved(terms, sign)[0] for sign in (1.0, -1.0))
            found[each] = Range(_up(lowest), -_up(highest))
        return found

    def narrow(self, width: int) -> tuple[int, int, int] | None:
        """The first cell whose range is narrower than *width*; solutions found for one cell spare the programs of others."""
        seen: dict[tuple[int, int, int], list[float]] = {each: [] for each in self.wanted}
        for each in self.wanted:
            for sign in (1.0, -1.0):
                if seen[each] and max(seen[each]) - min(seen[each]) >= width - TOLERANCE:
                    break
                _, solution = self._solved(self._terms(each), sign)
                for other, values in seen.items():
                    values.append(sum(float(solution[term]) for term in self._terms(other)))
            if max(seen[each]) - min(seen[each]) < width - TOLERANCE:
                return each
        return None

    def _atoms(self) -> Mapping[str, int]:
        """By name of a row its unknown."""
        names = sorted({name for release in self.releases for row in release.rows for name in row})
        where = [{name: at for at, row in enumerate(release.rows) for name in row} for release in self.releases]
        moved = [_changed_names(before.secret, after.secret) for before, after in pairwise(self.releases)]
        signs: dict[tuple[object, ...], int] = {}
        return {
            name: signs.setdefault(
                (*(rows.get(name) for rows in where), *(name in changed for changed in moved)), len(signs)
            )
            for name in names
        }

    def _row(self, number: int, atom: int) -> int | None:
        for at, row in enumerate(self.releases[number].rows):
            if any(self.atoms[name] == atom for name in row):
                return at
        return None

    def _take(self, number: int, release: Safe) -> None:
        for at, row in enumerate(release.rows):
            for column, cell in enumerate(release.cells[at]):
                if cell is not None:
                    self.equal.append((self._cell(number, row, column), [], cell))
            whole = [each for column in range(len(release.columns)) for each in self._cell(number, row, column)]
            self.equal.append((whole, [], release.row_totals[at]))
        for column, total in enumerate(release.column_totals):
            self.equal.append(([each for row in release.rows for each in self._cell(number, row, column)], [], total))
        for fact in release.facts:
            some = [each for column in fact.columns for each in self._cell(number, release.rows[fact.row], column)]
            self.between.append((some, fact.lowest, fact.highest))

    def _unchanged(self, number: int, before: Safe, after: Safe) -> None:
        moved = _changed_names(before.secret, after.secret)
        still = {atom for name, atom in self.atoms.items() if name not in moved}
        for atom in sorted(still):
            both = (number, atom, 0) in self.at and (number + 1, atom, 0) in self.at
            for column in range(len(after.columns)) if both and before.columns == after.columns else ():
                self.equal.append(([self.at[number, atom, column]], [self.at[number + 1, atom, column]], 0))

    def _cell(self, number: int, row: Sequence[str], column: int) -> list[int]:
        return [self.at[number, atom, column] for atom in sorted({self.atoms[name] for name in row})]

    def _terms(self, wanted: tuple[int, int, int]) -> list[int]:
        number, at, column = wanted
        return self._cell(number, self.releases[number].rows[at], column)

    def _matrix(self) -> None:
        self.matrix = self._lines([((1.0, plus), (-1.0, minus)) for plus, minus, _ in self.equal])
        self.right = [each[2] for each in self.equal]
        limits = [
            (((sign, some),), sign * limit)
            for some, low, high in self.between
            for sign, limit in ((-1.0, low), (1.0, high))
        ]
        self.limiting = self._lines([line for line, _ in limits]) if limits else None
        self.limits = [limit for _, limit in limits] if limits else None

    def _lines(self, lines: Sequence[Sequence[tuple[float, Sequence[int]]]]) -> Any:
        """One line of a matrix for each of *lines*: unknowns with their sign."""
        from scipy.sparse import csr_array  # noqa: PLC0415 - heavy, only for who publishes

        found = [(at, each, sign) for at, line in enumerate(lines) for sign, some in line for each in some]
        rows, columns, values = zip(*found, strict=True)
        return csr_array((values, (rows, columns)), shape=(len(lines), len(self.at)))

    def _solved(self, terms: Sequence[int], sign: float) -> tuple[float, Any]:
        """The least of *sign* times the sum of *terms*, and a table that has it."""
        from scipy.optimize import linprog  # noqa: PLC0415 - heavy, only for who publishes

        objective = [0.0] * len(self.at)
        for term in terms:
            objective[term] = sign
        solved = linprog(
            objective,
            A_ub=self.limiting,
            b_ub=self.limits,
            A_eq=self.matrix,
            b_eq=self.right,
            bounds=(0, None),
            method="highs",
        )
        if solved.status != 0:
            raise Withheld(
                "the proof could not be made (solver: {reason}); nothing is published", reason=solved.message
            )
        return float(solved.fun), solved.x


def _changed_names(before: Plants, after: Plants) -> set[str]:
    """Names of rows in which a plant came, went or moved."""
    places = ((before.get(plant), after.get(plant)) for plant in before.keys() | after.keys())
    return {place[0] for pair in places if pair[0] != pair[1] for place in pair if place is not None}


def _up(value: float) -> int:
    """The whole number at or above *value*, noise aside."""
    whole = round(value)
    return whole if abs(value - whole) < TOLERANCE else int(value // 1) + 1
