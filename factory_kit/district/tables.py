"""The documents of a district from its statistics: everything for inside use, and what may be given out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

from factory_kit.district.cases import day_of
from factory_kit.district.clusters import Cluster
from factory_kit.district.disclosure import Rules
from factory_kit.district.given import MEASURES, Given
from factory_kit.district.groups import Among, node_name
from factory_kit.district.office import Office
from factory_kit.district.proof import Safe
from factory_kit.district.register import industries
from factory_kit.district.sheets import kinds_sheet, ladder_sheets, peers_sheet, records_sheet
from factory_kit.district.target_figures import figure, is_share, wanted
from factory_kit.district.trial import is_trial, model_name
from factory_kit.district.wording import say
from factory_kit.i18n import Language
from factory_kit.model.definition import exact
from factory_kit.render.charts import Bar, Bars
from factory_kit.render.document import Callout, Cell, Column, Document, Figure, Part, Prose, Row, Section, Table
from factory_kit.render.theme import Tone

__all__ = [
    "HIDDEN",
    "Groups",
    "in_order",
    "internal_document",
    "level_name",
    "plants_chart",
    "public_document",
    "row_name",
    "row_names",
    "stamped",
]

HIDDEN = "·"
BY = ("street", "division", "size", "type", "provider")
PER_MU = ("output_10k", "energy_tce")
WHOLE_FROM = 100
T = TypeVar("T")
SIZES = ("large", "medium", "small", "micro", "")
"""The order of sizes; what has an order of its own is not put in order by its letters."""


@dataclass(frozen=True)
class Groups:
    """Plants of one model beside their like."""

    kinds: Sequence[Cluster]
    peers: Sequence[Among]


def internal_document(
    office: Office, found: Mapping[str, Any], groups: Mapping[str, Groups], language: Language
) -> Document:
    """Everything that *found* (of ``statistics``) and *groups* (by model) say, with nothing hidden."""
    sections = [
        _method(office, found, language, "internal"),
        _coverage(office, found, language),
        _missing(office, found, language),
    ]
    for model, figures in found["models"].items():
        stamp = stamped(office, found, language, "internal", model)
        sections += [_levels(office, figures, by, language, stamp) for by in BY]
        sections += [
            _near(figures, language, stamp),
            _weakest(office, model, figures, language, stamp),
            _per_mu(office, figures, language, stamp),
            kinds_sheet(model, groups[model].kinds, language, stamp),
            peers_sheet(groups[model].peers, language, stamp),
        ]
    sections += [_movement(each, language) for each in found["movement"]]
    stamp = stamped(office, found, language, "internal")
    sections += ladder_sheets(found["ladders"], partial(_named, office, language), language, stamp)
    sections.append(records_sheet(found, language, stamp))
    sections.append(_targets(office, found, language))
    return _document(office, tuple(sections), language, "internal")


def public_document(
    office: Office, found: Mapping[str, Any], parts: Mapping[str, Given], language: Language
) -> Document:
    """The *parts* that were proven: plants by level with shares and medians, and sums."""
    model = next(iter(found["models"]), "")
    asked = office.campaign().disclosure
    rules = Rules(asked.counts, asked.scores, asked.shares, exact(asked.one), exact(asked.two))
    more = say("method.hidden", language, width=rules.counts), say("method.sums", language, **_percents(rules))
    sections = [_method(office, found, language, "public", *more, say("method.shares", language, least=rules.shares))]
    stamp = stamped(office, found, language, "public", model)
    sections += [_public_table(office, by, part, rules, language, stamp) for by, part in parts.items()]
    return _document(office, tuple(sections), language, "public")


def _percents(rules: Rules) -> dict[str, str]:
    return {"one": f"{float(rules.one):.0%}", "two": f"{float(rules.two):.0%}"}


def row_names(office: Office, by: str, rows: Sequence[tuple[str, ...]], language: Language) -> list[str]:
    """What merged rows are called."""
    between = "、" if language == "zh" else ", "
    return [between.join(row_name(office, by, name, language) for name in row) for row in rows]


def in_order(by: str, rows: Iterable[T], key: Callable[[T], str]) -> list[T]:
    """*rows* as given, but sizes from large to micro, by the *key* of each."""
    if by != "size":
        return list(rows)
    return sorted(rows, key=lambda row: SIZES.index(key(row)) if key(row) in SIZES else len(SIZES))


def row_name(office: Office, by: str, name: str, language: Language) -> str:
    """What a row is called: a street, a division, a size."""
    if not name:
        return say("unknown", language)
    if by in {"street", "unit"}:
        return {unit.id: unit.name.in_(language) for unit in office.units().units}.get(name, name)
    if by == "division":
        known = industries().divisions.get(name)
        return f"{name} {known.in_(language)}" if known else name
    if by == "type":
        return say(f"type.{name}", language)
    return say(name, language) if by == "size" else name


def _named(office: Office, language: Language, by: str, name: str) -> str:
    return row_name(office, by, name, language)


def _document(office: Office, sections: tuple[Section, ...], language: Language, use: str) -> Document:
    units, campaign = office.units(), office.campaign()
    footer = say(
        "footer",
        language,
        district=units.district.in_(language),
        campaign=campaign.name.in_(language),
        use=say(use, language),
    )
    return Document(
        language=language, title=say(f"title.{use}", language), subject=units.district.in_(language), sections=sections,
        contents_title=say("contents", language), footer=footer,
    )  # fmt: skip


def stamped(office: Office, found: Mapping[str, Any], language: Language, use: str, model: str = "") -> str:
    """What stands under every heading: for whom, until when, by which model."""
    cut = found["cutoff"]
    return say(
        "stamp" if model else "stamp.short",
        language,
        use=say(use, language),
        cutoff=day_of(cut["received"], office.campaign().timezone) if cut["received"] else "-",
        receipt=cut["receipt"],
        model=model_name(model, language) or "-",
    )


def _method(office: Office, found: Mapping[str, Any], language: Language, use: str, *more: str) -> Section:
    parts: list[Part] = [Prose("method", (say("method.text", language), *more))]
    if found.get("kind") == "demo":
        parts.insert(0, Callout("demo", say("demo.title", language), say("demo.text", language)))
    if any(is_trial(model) for model in found["models"]):
        parts.insert(0, Callout("trial", say("trial.title", language), say("trial.text", language), "warn"))
    models = ", ".join(model_name(model, language) for model in found["models"])
    return Section("method", say("method", language), tuple(parts), lead=stamped(office, found, language, use, models))


def _coverage(office: Office, found: Mapping[str, Any], language: Language) -> Section:
    keys = ("in_scope", "assessed", "firms_in_scope", "firms_assessed", "late", "trial")
    rows = []
    for each in found["coverage"]:
        name = say("all", language) if each["unit"] == "*" else row_name(office, "unit", each["unit"], language)
        share = Fraction(each["assessed"], each["in_scope"]) if each["in_scope"] else Fraction()
        rows.append(Row((Cell(name), *(_whole(each[key]) for key in keys), _percent(share))))
    columns = _columns(language, "unit", *keys, "share")
    bars = [Bar(row.cells[0].text, float(row.cells[-1].number or 0) * 100, row.cells[-1].text) for row in rows]
    parts: list[Part] = [
        Table("coverage", say("coverage", language), columns, tuple(rows), empty=say("nothing", language))
    ]
    if bars:
        alt = "; ".join(f"{bar.label} {bar.text}" for bar in bars)
        parts.append(Figure("coverage-chart", say("coverage", language), alt, Bars(tuple(bars), top=100.0)))
    return Section(
        "coverage", say("coverage", language), tuple(parts), lead=stamped(office, found, language, "internal")
    )


def _missing(office: Office, found: Mapping[str, Any], language: Language) -> Section:
    rows = tuple(
        Row(
            (
                Cell(row_name(office, "street", each["street"], language)),
                Cell(each["credit_code"], code=True),
                Cell(each["site_no"]),
                Cell(each["name"]),
                Cell(say("trial", language) if each["trial"] else ""),
            )
        )
        for each in found["not_assessed"]
    )
    table = Table(
        "missing",
        say("not_assessed", language),
        _columns(language, "street", "credit_code", "site_no", "name", "trial"),
        rows,
        empty=say("nothing", language),
    )
    return Section(
        "missing", say("not_assessed", language), (table,), lead=stamped(office, found, language, "internal")
    )


def _levels(office: Office, figures: Mapping[str, Any], by: str, language: Language, stamp: str) -> Section:
    rows = in_order(by, figures[f"by_{by}"], lambda row: row["key"][0])
    levels = sorted({int(level) for row in figures["all"] for level in row["levels"]})
    shown = [
        Row(
            (
                Cell(row_name(office, by, row["key"][0], language)), _whole(row["n"]), _whole(row["late"]),
                *(_whole(row["levels"].get(str(level), 0)) for level in levels), *(_number(row[key]) for key in ("q1", "median", "q3")),
            )
        )
        for row in rows
    ]  # fmt: skip
    named = [Column(f"l{level}", say("level", language, level=level), "end") for level in levels]
    columns = (*_columns(language, by, "n", "late"), *named, *_columns(language, "q1", "median", "q3"))
    title = say("levels", language, by=say(by, language).lower())
    return Section(
        f"by-{by}",
        title,
        (Table(f"by-{by}", title, columns, tuple(shown)), _chart(office, figures, by, language)),
        lead=stamp,
    )


def _chart(office: Office, figures: Mapping[str, Any], by: str, language: Language) -> Figure:
    bars = tuple(
        Bar(row_name(office, by, row["key"][0], language), float(row["n"]), str(row["n"]))
        for row in in_order(by, figures[f"by_{by}"], lambda row: row["key"][0])
    )
    alt = "; ".join(f"{bar.label} {bar.text}" for bar in bars)
    return Figure(f"chart-{by}", say("plants_by", language, by=say(by, language).lower()), alt, plants_chart(bars))


def _near(figures: Mapping[str, Any], language: Language, stamp: str) -> Section:
    rows = tuple(
        Row(
            (
                Cell(each["credit_code"], code=True),
                Cell(each["site_no"]),
                Cell(each["name"]),
                _whole(each["level"]),
                _number(each["total"]),
                _number(each["next_at"]),
            )
        )
        for each in figures["near_next"]
    )
    columns = _columns(language, "credit_code", "site_no", "name", "now", "total", "next_at")
    table = Table("near", say("near", language), columns, rows, empty=say("nothing", language))
    return Section("near", say("near", language), (table,), lead=stamp)


def _weakest(office: Office, model: str, figures: Mapping[str, Any], language: Language, stamp: str) -> Section:
    rows = tuple(
        Row(
            (
                Cell(row_name(office, "division", division, language)),
                Cell(node_name(model, each["node"], language)),
                _whole(each["n"]),
                _number(each["median"]),
            )
        )
        for division, some in figures["weakest"].items()
        for each in some
    )
    table = Table(
        "weakest",
        say("weakest", language),
        _columns(language, "division", "node", "n", "median"),
        rows,
        empty=say("nothing", language),
    )
    return Section("weakest", say("weakest", language), (table,), lead=stamp)


def _per_mu(office: Office, figures: Mapping[str, Any], language: Language, stamp: str) -> Section:
    rows = tuple(
        Row(
            (
                Cell(row_name(office, "street", each["key"], language)),
                _whole(each["n"]),
                *(_number(each[key]) for key in ("output_10k", "energy_tce", "mu")),
            )
        )
        for each in figures["per_mu"]["street"]
    )
    table = Table(
        "per-mu",
        say("per_mu", language),
        _columns(language, "street", "n", "output_10k", "energy_tce", "mu"),
        rows,
        empty=say("nothing", language),
    )
    return Section("per-mu", say("per_mu", language), (table,), lead=stamp)


def _movement(each: Mapping[str, Any], language: Language) -> Section:
    rows = tuple(
        Row((_whole(cell["before"]), _whole(cell["after"]), _whole(cell["plants"]))) for cell in each["matrix"]
    )
    title = say("movement", language, before=each["from"])
    return Section(
        "movement",
        title,
        (Table("movement", title, _columns(language, "before", "after", "n"), rows),),
        lead=model_name(each["model"], language),
    )


def _targets(office: Office, found: Mapping[str, Any], language: Language) -> Section:
    targets = {target.id: target for target in office.targets().targets}
    rows = []
    for each in found["targets"]:
        target = targets[each["id"]]
        plain = each["actual"] is None or not exact(target.at_least)
        tone: Tone = "" if plain else "good" if each["reached"] else "warn"
        rows.append(
            Row(
                (
                    Cell(target.name.in_(language)),
                    Cell(each["due"]),
                    Cell(wanted(target)),
                    Cell(figure(each["actual"], share=is_share(target)), tone),
                    Cell(each["source"]),
                    Cell(say(f"confidence.{each['confidence']}", language)),
                )
            )
        )
    table = Table(
        "targets",
        say("targets", language),
        _columns(language, "target", "due", "at_least", "actual", "source", "confidence"),
        tuple(rows),
    )
    return Section("targets", say("targets", language), (table,), lead=stamped(office, found, language, "internal"))


def _public_table(office: Office, by: str, part: Given, rules: Rules, language: Language, stamp: str) -> Section:
    table = part.table
    turned = partial(_turned, in_order(by, range(len(table.rows)), lambda at: table.rows[at][0]))
    names = row_names(office, by, [tuple(in_order(by, row, str)) for row in table.rows], language)
    levels = [Column(f"c{at}", level_name(column, language), "end") for at, column in enumerate(table.columns)]
    title = say("levels", language, by=say(by, language).lower())
    counts = Table(
        f"by-{by}", title, (*_columns(language, by, "n"), *levels, *_columns(language, "median")),
        (*turned(_counts(part, names)), _all_counts(table, language)),
    )  # fmt: skip
    percents = Table(
        f"shares-{by}", say("shares", language, by=say(by, language).lower()), (*_columns(language, by, "n"), *levels),
        turned(
            Row((Cell(name), _whole(total), *(_shown(share, _percent) for share in row)))
            for name, total, row in zip(names, table.row_totals, part.shares(rules), strict=True)
        ),
    )  # fmt: skip
    bars = turned(Bar(name, float(total), str(total)) for name, total in zip(names, table.row_totals, strict=True))
    chart = Figure(
        f"chart-{by}", say("plants_by", language, by=say(by, language).lower()), "; ".join(f"{bar.label} {bar.text}" for bar in bars),
        plants_chart(bars),
    )  # fmt: skip
    parts = (counts, chart, percents, _sums(part, by, names, turned, language))
    return Section(f"by-{by}", title, parts, lead=stamp, new_page=True)


def _turned(order: Sequence[int], rows: Iterable[T]) -> tuple[T, ...]:
    """*rows* in *order*."""
    found = list(rows)
    return tuple(found[at] for at in order)


def plants_chart(bars: tuple[Bar, ...]) -> Bars:
    """Bars of whole numbers, up to a number that five parts of an axis divide evenly."""
    most = max((bar.value or 0.0 for bar in bars), default=0.0)
    return Bars(bars, top=max(5.0, -(-most // 5) * 5))


def level_name(column: tuple[int, ...], language: Language) -> str:
    """What a column of merged levels is called."""
    ends = sorted({min(column), max(column)})
    return say("level", language, level="–".join(map(str, ends)))


def _counts(part: Given, names: Sequence[str]) -> Iterator[Row]:
    table = part.table
    for at, name in enumerate(names):
        cells = (Cell(HIDDEN, "muted") if cell is None else _whole(cell) for cell in table.cells[at])
        median = part.medians.get("+".join(table.rows[at]))
        last = Cell(HIDDEN, "muted") if median is None else _number(median)
        yield Row((Cell(name), _whole(table.row_totals[at]), *cells, last))


def _all_counts(table: Safe, language: Language) -> Row:
    totals = (_whole(total) for total in table.column_totals)
    return Row((Cell(say("all", language)), _whole(sum(table.row_totals)), *totals, Cell("")), "total")


def _sums(
    part: Given, by: str, names: Sequence[str], turned: Callable[[Iterable[Row]], tuple[Row, ...]], language: Language
) -> Table:
    """Sums of plants with data, and what they come to per mu where both sums are shown."""
    rows = turned(_sum_row(part, at, Cell(name)) for at, name in enumerate(names))
    total = _sum_row(part, None, Cell(say("all", language)))
    title = say("sums", language, by=say(by, language).lower())
    columns = (
        *_columns(language, by, *MEASURES), *(Column(f"{key}_per_mu", say(f"{key}_per_mu", language), "end") for key in PER_MU),
    )  # fmt: skip
    return Table(f"sums-{by}", title, columns, (*rows, Row(total.cells, "total")))


def _sum_row(part: Given, at: int | None, head: Cell) -> Row:
    sums = (_shown(part.sum_of(measure, at), _amount) for measure in MEASURES)
    quotients = (_shown(part.per_mu(measure, at), _amount) for measure in PER_MU)
    return Row((head, *sums, *quotients))


def _shown(value: Fraction | None, cell: Callable[[Fraction], Cell]) -> Cell:
    return Cell(HIDDEN, "muted") if value is None else cell(value)


def _amount(value: Fraction) -> Cell:
    """*value* to whole units from a hundred up, else to two places."""
    places = 0 if value >= WHOLE_FROM else 2
    number = round(Decimal(value.numerator) / Decimal(value.denominator), places)
    return Cell(f"{number:,}", number=number)


def _columns(language: Language, *keys: str) -> tuple[Column, ...]:
    texts = {
        "street",
        "division",
        "size",
        "type",
        "provider",
        "unit",
        "name",
        "node",
        "target",
        "source",
        "credit_code",
        "confidence",
    }
    return tuple(
        Column(key, say(key, language), "start" if key in texts else "end", 20 if key in texts else 8) for key in keys
    )


def _whole(number: int) -> Cell:
    return Cell(str(number), number=number)


def _number(text: str | None) -> Cell:
    return Cell("-") if text is None else Cell(f"{Decimal(text):.2f}", number=Decimal(text))


def _percent(share: Fraction) -> Cell:
    value = Decimal(share.numerator) / Decimal(share.denominator)
    return Cell(f"{value * 100:.1f}%", number=value)
