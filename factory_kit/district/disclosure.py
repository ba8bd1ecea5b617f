"""Tables that betray nobody: rows are merged, small cells hidden, partners hidden with them, and a proof is made or nothing is given out.

A public table counts plants by row (street, division, size) and level. A cell is hidden when it is smaller than the threshold, or when
all plants of a row stand in it (it would say the level of each). Every hidden cell must keep a range as wide as the threshold, beside
whatever was published before: ``factory_kit.district.proof`` says how wide it is.

Pure: no files, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from factory_kit.district.proof import Plants, Safe, Withheld, audit, narrowest

__all__ = ["Rules", "dominated", "protect"]


@dataclass(frozen=True)
class Rules:
    """The thresholds of the campaign."""

    counts: int = 3
    scores: int = 5
    shares: int = 10
    one: Fraction = Fraction(7, 10)
    two: Fraction = Fraction(85, 100)


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
    while True:
        table = _counted(plants, rows, columns)
        _hide_primary(table, rules)
        _keep_as_before(table, plants, last)
        found = _proven(table, plants, rules, earlier)
        if found is not None:
            return found
        rows = _two_merged(rows, plants, last, rules)


def dominated(contributions: Sequence[Fraction], rules: Rules) -> bool:
    """Whether one firm, or the two largest, make up more of a sum than may be; a sum of fewer firms than a cell takes plants always is."""
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
            if 0 < count < rules.counts or count == sum(row):
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
    still = [last is not None and row in last.rows and not _changes(row, plants, last.secret) for row in rows]
    order = sorted(range(len(rows)), key=lambda at: (still[at], sizes[at], rows[at]))
    merged = _joined(rows, order[0], order[1])
    return _merged_for_changes(merged, plants, last, rules) if last else merged


def _proven(table: _Table, plants: Plants, rules: Rules, earlier: Sequence[Safe]) -> Safe | None:
    """*table* with partners hidden until every hidden cell of every release keeps its range; None when that cannot be."""
    while True:
        safe = _published(table, plants)
        narrow = narrowest(safe, rules.counts, earlier)
        if narrow is None:
            return _checked(safe, rules, earlier)
        release, row, column = narrow
        if release < len(earlier) or not _hide_partner(table, (row, column), rules):
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
    best: tuple[tuple[bool, int], list[tuple[int, int]]] | None = None
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
            cost = (room < rules.counts, sum(table.counts[at][col] for at, col in new) + len(new))
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
