"""Tables that betray nobody: rows are merged, small cells hidden, partners hidden with them, and a proof is made or nothing is given out.

A public table counts plants by row (street, division, size) and level. Row and column totals are always shown, so tables that
share their columns are linked by known numbers only: each can be proven for itself. Two-way tables with totals have only whole
corners (their matrix is totally unimodular), so the range a linear program gives for a hidden cell is the range of whole numbers.
With earlier releases the program knows them too, and that plants which did not change are the same in both.

Pure: no files, no clock. A cell is hidden when it is smaller than the threshold, or when all plants of a row stand in it (it
would say the level of each). Every hidden cell must keep a range as wide as the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from factory_kit.errors import FactoryKitError

__all__ = [
    "OTHER",
    "Fact",
    "Plants",
    "Range",
    "Rules",
    "Safe",
    "Withheld",
    "audit",
    "dominated",
    "narrowest",
    "protect",
]

OTHER = "+"
"""Stands between the names of merged rows."""
TOLERANCE = 1e-6
MOST_ROUNDS = 400

Plants = Mapping[str, tuple[str, int]]
"""By plant its row and its column, the column as a whole number (the level)."""


class Withheld(FactoryKitError):
    """No way was found to publish the table so that every hidden cell is safe."""


@dataclass(frozen=True)
class Rules:
    """The thresholds of the campaign."""

    counts: int = 3
    scores: int = 5
    shares: int = 10
    one: Fraction = Fraction(7, 10)
    two: Fraction = Fraction(85, 100)


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


@dataclass
class _Table:
    """A table in the making: whole numbers, and which of them are hidden."""

    rows: list[tuple[str, ...]]
    columns: list[tuple[int, ...]]
    counts: list[list[int]]
    hidden: set[tuple[int, int]] = field(default_factory=set)
    fixed: set[int] = field(default_factory=set)
    """Rows that stay as they were in the earlier release: shown cells stay shown."""


def protect(plants: Plants, rules: Rules, earlier: Sequence[Safe] = ()) -> Safe:
    """The table of *plants* as it may be published after the releases *earlier*; ``Withheld`` when there is no safe way."""
    if not plants:
        raise Withheld("there is nothing to publish: no plant was counted")
    last = earlier[-1] if earlier else None
    columns = list(last.columns) if last else _merged_columns(plants, rules)
    rows = _first_rows(plants, rules, last)
    if last is not None:
        _check_levels(plants, columns)
        rows = _merged_for_changes(rows, plants, last, rules)
    for _ in range(MOST_ROUNDS):
        table = _counted(plants, rows, columns)
        _hide_primary(table, rules)
        _keep_as_before(table, plants, last)
        found = _proven(table, plants, rules, earlier)
        if found is not None:
            return found
        rows = _two_merged(rows, plants, last, rules)
    raise Withheld("no safe table was found; publish later, or with fewer rows")


def audit(table: Safe, earlier: Sequence[Safe] = ()) -> Mapping[tuple[int, int, int], Range]:
    """By release, row and column the range of each hidden cell: two linear programs each, over all releases together.

    The programs know what everybody sees, and that rows whose plants did not change are equal in consecutive releases.
    """
    return _Programs([*earlier, table]).ranges()


def narrowest(table: Safe, width: int, earlier: Sequence[Safe] = ()) -> tuple[int, int, int] | None:
    """The first hidden cell of any release (release, row, column) whose range is narrower than *width*; None when all hold."""
    return _Programs([*earlier, table]).narrow(width)


def dominated(contributions: Sequence[Fraction], rules: Rules) -> bool:
    """Whether one firm, or the two largest, make up more of a sum than may be; a sum of fewer than three firms always is."""
    total = sum(contributions, Fraction())
    largest = sorted(contributions, reverse=True)
    if len(contributions) < rules.counts or total <= 0:
        return True
    return largest[0] > rules.one * total or sum(largest[:2], Fraction()) > rules.two * total


def _merged_columns(plants: Plants, rules: Rules) -> list[tuple[int, ...]]:
    """Levels, neighbours merged from the top until every column has enough plants; totals of columns are always shown."""
    levels = range(max(column for _, column in plants.values()) + 1)
    merged: list[tuple[int, ...]] = [(level,) for level in levels]
    sizes = [sum(column == level for _, column in plants.values()) for level in levels]
    while len(merged) > 1:
        small = [at for at, size in enumerate(sizes) if size < rules.counts]
        if not small:
            break
        at = small[-1]
        to = at - 1 if at else 1
        first, second = sorted((at, to))
        merged[first : second + 1] = [merged[first] + merged[second]]
        sizes[first : second + 1] = [sizes[first] + sizes[second]]
    return merged


def _check_levels(plants: Plants, columns: Sequence[tuple[int, ...]]) -> None:
    known = {level for column in columns for level in column}
    if not {column for _, column in plants.values()} <= known:
        raise Withheld("a level is new since the last release; begin a new series of releases for the new campaign")


def _first_rows(plants: Plants, rules: Rules, last: Safe | None) -> list[tuple[str, ...]]:
    """Rows as they are, or as they were merged before; too small ones joined, smallest first."""
    names = sorted({row for row, _ in plants.values()})
    known = [tuple(row) for row in last.rows] if last else []
    rows = known + [(name,) for name in names if not any(name in row for row in known)]
    while len(rows) > 1:
        sizes = _sizes(rows, plants)
        order = sorted(range(len(rows)), key=lambda at: (sizes[at], rows[at]))
        if sizes[order[0]] >= rules.scores:
            break
        rows = _joined(rows, order[0], order[1])
    return rows


def _sizes(rows: Sequence[tuple[str, ...]], plants: Plants) -> list[int]:
    at = {name: place for place, row in enumerate(rows) for name in row}
    sizes = [0] * len(rows)
    for name, _ in plants.values():
        sizes[at[name]] += 1
    return sizes


def _joined(rows: Sequence[tuple[str, ...]], first: int, second: int) -> list[tuple[str, ...]]:
    rest = [row for at, row in enumerate(rows) if at not in {first, second}]
    return sorted([*rest, tuple(sorted(rows[first] + rows[second]))])


def _counted(plants: Plants, rows: Sequence[tuple[str, ...]], columns: Sequence[tuple[int, ...]]) -> _Table:
    row_at = {name: at for at, row in enumerate(rows) for name in row}
    column_at = {level: at for at, column in enumerate(columns) for level in column}
    counts = [[0] * len(columns) for _ in rows]
    for name, level in plants.values():
        counts[row_at[name]][column_at[level]] += 1
    return _Table(list(rows), list(columns), counts)


def _hide_primary(table: _Table, rules: Rules) -> None:
    if len(table.columns) == 1 or len(table.rows) == 1:
        return  # only totals are shown
    for at, row in enumerate(table.counts):
        for column, count in enumerate(row):
            if 0 < count < rules.counts or (count and count == sum(row)):
                table.hidden.add((at, column))


def _keep_as_before(table: _Table, plants: Plants, last: Safe | None) -> None:
    """Rows without any change are published as they were, cell by cell."""
    if last is None:
        return
    for at, row in enumerate(table.rows):
        if row in last.rows and not _changes(row, plants, last.secret):
            before = last.cells[last.rows.index(row)]
            table.hidden = {cell for cell in table.hidden if cell[0] != at}
            table.hidden |= {(at, column) for column, cell in enumerate(before) if cell is None}
            table.fixed.add(at)


def _changes(row: Sequence[str], plants: Plants, before: Plants) -> list[tuple[str, int | None]]:
    """Plants of *row* that came, went or moved, with the column they are in now."""
    names = set(row)
    now = {plant: place for plant, place in plants.items() if place[0] in names}
    then = {plant: place for plant, place in before.items() if place[0] in names}
    return [
        (plant, now[plant][1] if plant in now else None)
        for plant in sorted(now.keys() | then.keys())
        if now.get(plant) != then.get(plant)
    ]


def _merged_for_changes(rows: list[tuple[str, ...]], plants: Plants, last: Safe, rules: Rules) -> list[tuple[str, ...]]:
    """Rows joined until the change since *last* of every group that both releases show is none, or enough to hide in."""
    while True:
        groups = _shown_in_both(rows, last.rows)
        risky = [group for group in groups if _tells(_changes(group, plants, last.secret), rules)]
        if not risky:
            return rows
        if len(groups) == 1:
            raise Withheld(
                "only {count} plants changed since the last release, or all of them to one level; publishing now would show who they are",
                count=len(_changes(groups[0], plants, last.secret)),
            )
        group = risky[0]
        others = [each for each in groups if each != group]
        other = max(
            others, key=lambda each: (len(_changes(each, plants, last.secret)) > 0, -_total(each, plants), each)
        )
        rows = _joined(rows, _within(rows, group), _within(rows, other))


def _tells(changes: Sequence[tuple[str, int | None]], rules: Rules) -> bool:
    """Whether a difference of two releases says something about single plants."""
    if not changes:
        return False
    return len(changes) < rules.counts or len({column for _, column in changes}) == 1


def _shown_in_both(rows: Sequence[tuple[str, ...]], before: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The smallest unions of names that are unions of rows in both releases."""
    groups = [set(row) for row in rows]
    for row in before:
        touched = [group for group in groups if group & set(row)]
        groups = [group for group in groups if group not in touched] + [set(row).union(*touched)]
    return sorted(tuple(sorted(group)) for group in groups)


def _within(rows: Sequence[tuple[str, ...]], group: Sequence[str]) -> int:
    return next(at for at, row in enumerate(rows) if set(row) & set(group))


def _total(group: Sequence[str], plants: Plants) -> int:
    return sum(row in set(group) for row, _ in plants.values())


def _two_merged(rows: list[tuple[str, ...]], plants: Plants, last: Safe | None, rules: Rules) -> list[tuple[str, ...]]:
    """The two smallest rows joined; those that did not change stay out of it while others are left."""
    if len(rows) == 1:
        raise Withheld("no safe table was found; publish later, or with fewer rows")
    sizes = _sizes(rows, plants)
    still = (
        [bool(last) and row in last.rows and not _changes(row, plants, last.secret) for row in rows]
        if last
        else [False] * len(rows)
    )
    order = sorted(range(len(rows)), key=lambda at: (still[at], sizes[at], rows[at]))
    merged = _joined(rows, order[0], order[1])
    return _merged_for_changes(merged, plants, last, rules) if last else merged


def _proven(table: _Table, plants: Plants, rules: Rules, earlier: Sequence[Safe]) -> Safe | None:
    """*table* with partners hidden until every hidden cell of every release keeps its range; None when that cannot be."""
    for _ in range(MOST_ROUNDS):
        safe = _published(table, plants)
        narrow = _Programs([*earlier, safe]).narrow(rules.counts)
        if narrow is None:
            return _checked(safe, rules, earlier)
        release, row, column = narrow
        if release < len(earlier) or not _hide_partner(table, (row, column), rules):
            return None
    return None


def _checked(safe: Safe, rules: Rules, earlier: Sequence[Safe]) -> Safe:
    """*safe* with the exact range of every hidden cell; ``Withheld`` should one of them be too narrow after all."""
    ranges = audit(safe, earlier)
    if any(found.highest - found.lowest < rules.counts for found in ranges.values()):
        raise Withheld("the proof failed: a hidden cell could be worked out; nothing is published")
    own = {(row, column): found for (release, row, column), found in ranges.items() if release == len(earlier)}
    return replace(safe, ranges=own)


def _hide_partner(table: _Table, cell: tuple[int, int], rules: Rules) -> bool:
    """Hide the cheapest rectangle through *cell* that gives it room; False when there is none left to hide."""
    best: tuple[int, list[tuple[int, int]]] | None = None
    row, column = cell
    for other_row in range(len(table.rows)):
        for other_column in range(len(table.columns)):
            if other_row == row or other_column == column:
                continue
            corners = [(row, other_column), (other_row, column), (other_row, other_column)]
            new = [corner for corner in corners if corner not in table.hidden]
            if not new or any(corner[0] in table.fixed for corner in new):
                continue
            size = [table.counts[at][col] for at, col in corners]
            room = min(size[0], size[1]) + min(table.counts[row][column], size[2])
            cost = (0 if room >= rules.counts else 10_000) + sum(table.counts[at][col] for at, col in new) + len(new)
            if best is None or cost < best[0]:
                best = (cost, new)
    if best is None:
        return False
    table.hidden.update(best[1])
    return True


def _published(table: _Table, plants: Plants) -> Safe:
    cells = tuple(
        tuple(None if (at, column) in table.hidden else count for column, count in enumerate(row))
        for at, row in enumerate(table.counts)
    )
    return Safe(
        tuple(table.rows), tuple(table.columns), cells, tuple(sum(row) for row in table.counts),
        tuple(sum(column) for column in zip(*table.counts, strict=True)), {}, dict(plants),
    )  # fmt: skip


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
