"""More sheets of the internal workbook: tiers and SME levels, scenes, recognitions, data products, kinds of plants, peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from factory_kit.district.clusters import Cluster
from factory_kit.district.groups import Among, node_name
from factory_kit.district.register import forms
from factory_kit.district.trial import TRIAL, model_name
from factory_kit.district.wording import say
from factory_kit.i18n import Language
from factory_kit.load.ladder import ladder, ladder_folders
from factory_kit.model.ladder import Ladder
from factory_kit.render.charts import Bar, Bars
from factory_kit.render.document import Cell, Column, Figure, Part, Row, Section, Table
from factory_kit.shipped import search_path

__all__ = ["kinds_sheet", "ladder_sheets", "peers_sheet", "records_sheet"]

Name = Callable[[str, str], str]
"""What a row of a dimension is called: dimension, name."""
DIMENSIONS = ("street", "division", "size")


def ladder_sheets(found: Mapping[str, Any], name: Name, language: Language, stamp: str) -> Iterator[Section]:
    """A sheet per ladder: plants by level over streets, divisions and sizes, and what evidence proves."""
    for ladder_id, figures in found.items():
        marks = {"0": say("ladder.none", language)} | {
            level: text[language] for level, text in figures["marks"].items()
        }
        levels = sorted({level for row in figures["all"] for level in row["levels"]} | set(figures["marks"]) | {"0"})
        title = model_name(_title(ladder_id, language), language)
        cells = figures["all"][0]["levels"]
        bars = tuple(
            Bar(marks.get(level, level), float(cells.get(level, 0)), str(cells.get(level, 0))) for level in levels
        )
        alt = "; ".join(f"{bar.label} {bar.text}" for bar in bars)
        chart = Figure(f"chart-{ladder_id}", say("chart", language), alt, Bars(bars, top=float(max(cells.values()))))
        tables = [_by(figures, by, levels, marks, name, language) for by in DIMENSIONS]
        yield Section(f"ladder-{ladder_id.replace('@', '-')}", title, (tables[0], chart, *tables[1:]), lead=stamp)


def _by(
    figures: Mapping[str, Any], by: str, levels: Sequence[str], marks: Mapping[str, str], name: Name, language: Language
) -> Table:
    columns = (
        _text(by, language), _count("n", language), *(Column(f"l{level}", marks.get(level, level), "end") for level in levels),
        _count("ladder.proven", language), _count("ladder.higher", language),
    )  # fmt: skip
    rows = [_ladder_row(each, levels, name(by, each["key"])) for each in figures[f"by_{by}"]]
    total = _ladder_row(figures["all"][0], levels, say("all", language))
    return Table(
        f"ladder-{by}",
        say("levels", language, by=say(by, language).lower()),
        columns,
        (*rows, Row(total.cells, "total")),
    )


def _ladder_row(each: Mapping[str, Any], levels: Sequence[str], name: str) -> Row:
    counts = (_whole(each["levels"].get(level, 0)) for level in levels)
    return Row(
        (Cell(name), _whole(each["n"]), *counts, _whole(sum(each["proven"].values())), _whole(each["could_be_higher"]))
    )


def records_sheet(found: Mapping[str, Any], language: Language, stamp: str) -> Section:
    """Recognitions by document, data products by state, scenes that are built."""
    recognised = Table(
        "recognitions", say("recognitions", language),
        (_text("subject", language), _text("scene", language), _count("documents", language), _count("n", language)),
        tuple(
            Row((Cell(_subject(each["subject"], language)), Cell(each["scene"] or "-"), _whole(each["n"]), _whole(each["plants"])))
            for each in found["recognitions"]
        ),
        empty=_none("recognitions", language),
    )  # fmt: skip
    products = Table(
        "products", say("products", language), (_text("state", language), _count("products.n", language), _count("firms", language)),
        tuple(
            Row((Cell(say(f"state.{state}", language)), _whole(each["n"]), _whole(each["firms"])))
            for state, each in found["products"].items()
        ),
    )  # fmt: skip
    scenes = Table(
        "scenes", say("scenes", language), (_text("scene", language), _count("n", language)),
        tuple(Row((Cell(_scene(each["scene"], language)), _whole(each["plants"]))) for each in found["scenes"]), empty=_none("scenes", language),
    )  # fmt: skip
    return Section("records", say("records", language), (recognised, products, scenes), lead=stamp)


def _none(key: str, language: Language) -> str:
    return f"{say(key, language)}: {say('nothing', language)}"


def kinds_sheet(model: str, found: Sequence[Cluster], language: Language, stamp: str) -> Section:
    """Kinds of plants named by what they lack, and which plants they are; or that there are none that hold."""
    title = say("kinds", language)
    named = [(at, _lacks(model, each, language), each) for at, each in enumerate(found, start=1)]
    kinds = Table(
        "kinds", title, (_count("kind", language), _text("lacks", language), _count("n", language)),
        tuple(Row((_whole(at), Cell(lacks), _whole(len(each.plants)))) for at, lacks, each in named),
        note=say("kinds.note", language), empty=say("kinds.none", language),
    )  # fmt: skip
    parts: list[Part] = [kinds]
    if named:
        plants = [(plant, at) for at, _, each in named for plant in each.plants]
        rows = tuple(Row((Cell(plant, code=True), _whole(at))) for plant, at in sorted(plants))
        parts.append(
            Table("kinds-plants", say("name", language), (_text("name", language), _count("kind", language)), rows)
        )
    return Section("kinds", title, tuple(parts), lead=stamp)


def _lacks(model: str, each: Cluster, language: Language) -> str:
    names = [node_name(model, node, language) for node in each.lacks]
    return ("、" if language == "zh" else ", ").join(names) or say("kinds.nothing", language)


def peers_sheet(found: Sequence[Among], language: Language, stamp: str) -> Section:
    """Every plant beside its peers."""
    columns = (
        _text("credit_code", language, 26), _count("site_no", language), _text("name", language), _text("circle", language),
        *(_count(key, language) for key in ("peers.n", "total", "below", "q1", "median", "q3")),
    )  # fmt: skip
    rows = tuple(
        Row(
            (
                Cell(each.credit_code, code=True), Cell(each.site_no), Cell(each.name[language]),
                Cell(say(f"circle.{each.kind}", language)), _whole(each.peers), _number(each.score), _whole(each.below),
                *(_number(value) for value in each.quartiles),
            )
        )
        for each in found
    )  # fmt: skip
    title = say("peers", language)
    return Section("peers", title, (Table("peers", title, columns, rows, empty=say("nothing", language)),), lead=stamp)


@cache
def _ladder(ladder_id: str) -> Ladder | None:
    folder = ladder_folders(search_path("assessments")).get(ladder_id)
    return ladder(folder) if folder else None


def _title(ladder_id: str, language: Language) -> str:
    plain = ladder_id.removesuffix(TRIAL)
    known = _ladder(plain)
    title = f"{known.content.title.in_(language)} {known.content.edition}" if known else plain
    return title + (TRIAL if plain != ladder_id else "")


def _scene(scene: str, language: Language) -> str:
    for ladder_id in ladder_folders(search_path("assessments")):
        known = _ladder(ladder_id) if ladder_id.startswith("smart-factory@") else None
        if known and scene in known.items:
            return f"{scene} {known.items[scene].label.in_(language)}"
    return scene


def _subject(subject: str, language: Language) -> str:
    words = forms()["recognitions"].columns["subject"].choices.get(subject, (subject,))
    return words[0] if language == "zh" else words[-1]


def _text(key: str, language: Language, share: int = 20) -> Column:
    return Column(key, say(key, language), "start", share)


def _count(key: str, language: Language) -> Column:
    return Column(key, say(key, language), "end", 8)


def _whole(number: int) -> Cell:
    return Cell(str(number), number=number)


def _number(text: str) -> Cell:
    return Cell(f"{Decimal(text):.2f}", number=Decimal(text))
