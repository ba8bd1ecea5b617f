"""What the result was made from: every answer, the model, the software, the files."""

from __future__ import annotations

from factory_kit.model.answers import Answer
from factory_kit.model.maturity import Criterion
from factory_kit.render.document import Cell, Column, Facts, Part, Row, Section, Table
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.shown import DASH, moment, short
from factory_kit.score.answer import Value

__all__ = ["MOST_FILES", "appendix", "provenance"]

MOST_FILES = 60
"""Files named in the report; all of them stand in the evidence records."""


def provenance(brief: Brief) -> Section:
    """Model edition, software, sources of the model, ledger, and the files that the machine evidence was computed from."""
    t = brief.t
    parts: tuple[Part, ...] = (_facts(brief), _ledger(brief), _files(brief), _sources(brief))
    return Section("provenance", t("provenance.title"), parts, lead=t("provenance.lead"), new_page=True)


def appendix(brief: Brief) -> Section:
    """Every requirement that counts, with its answer, its grade and what it rests on."""
    t, model = brief.t, brief.score.model
    rows: list[Row] = []
    node = ""
    for criterion in model.structure.criteria:
        if criterion.id not in brief.counted:
            continue
        if criterion.node != node:
            node = criterion.node
            rows.append(Row((Cell(f"{brief.label(node)} ({node})"),), "group"))
        rows.append(Row(_answer(brief, criterion)))
    columns = (
        Column("id", t("appendix.column.id"), share=9),
        Column("level", t("appendix.column.level"), share=8),
        Column("requirement", t("appendix.column.requirement"), share=35),
        Column("answer", t("appendix.column.answer"), share=15),
        Column("grade", t("appendix.column.grade"), "center", 7),
        Column("evidence", t("appendix.column.evidence"), share=28),
        Column("confidence", t("appendix.column.confidence"), "center", 8),
    )
    note = t("appendix.note", note=brief.texts.licence_note)
    table = Table("table-answers", t("appendix.table", count=len(brief.counted)), columns, tuple(rows), note=note)
    return Section("appendix", t("appendix.title"), (table,), lead=t("appendix.lead"), new_page=True)


def _answer(brief: Brief, criterion: Criterion) -> tuple[Cell, ...]:
    decided, answer = brief.decided(criterion.id), brief.answer(criterion.id)
    verified = criterion.id in brief.score.model.verified
    return (
        Cell(criterion.id, code=True),
        Cell(brief.level(criterion.level).mark),
        Cell(brief.label(criterion.id)),
        brief.answer_cell(criterion.id),
        Cell(
            decided.grade if isinstance(decided, Value) else DASH,
            "warn" if isinstance(decided, Value) and decided.grade == "D" else "",
        ),
        Cell(_rests_on(brief, criterion, answer)),
        Cell(brief.t("appendix.verified") if verified else criterion.confidence, "" if verified else "muted"),
    )


def _rests_on(brief: Brief, criterion: Criterion, answer: Answer | None) -> str:
    said = [f"{item.grade} {item.note}" for item in answer.evidence] if answer else []
    proposal = brief.proposals.get(criterion.id)
    said += [
        f"A {voice.record.indicator.id} {short(voice.record.id)}" for voice in (proposal.voices if proposal else ())
    ]
    said += [text for text in (answer.remark, answer.reason) if text] if answer else []
    return brief.t("word.semicolon").join(said) or DASH


def _facts(brief: Brief) -> Facts:
    material, t = brief.material, brief.t
    model = brief.score.model
    zone = brief.assessment.plant.timezone
    covered = [f"{start} … {end}" for start, end in sorted({(each.start, each.end) for each in brief.evidence})]
    origins = sorted({origin for record in brief.evidence for origin in record.origin})
    engines = sorted({f"factory-kit {r.engine.factory_kit}, DuckDB {r.engine.duckdb}" for r in brief.evidence})
    items = (
        (t("provenance.model"), Cell(f"{model.id} ({brief.texts.title})")),
        (t("provenance.model_hash"), Cell(model.sha256, code=True)),
        (t("provenance.status"), Cell(t(f"provenance.{model.status}"), "" if model.status == "verified" else "warn")),
        (t("provenance.interval"), Cell(t.listed(covered) or DASH)),
        (t("provenance.origin"), Cell(t.listed([t(f"origin.{origin}") for origin in origins]) or DASH)),
        (t("provenance.software"), Cell(material.software)),
        (t("provenance.engine"), Cell(t("word.semicolon").join(engines) or DASH)),
        (t("provenance.made"), Cell(moment(material.made_at, zone, brief.language))),
        (t("provenance.zone"), Cell(zone)),
    )
    return Facts("provenance-facts", items)


def _ledger(brief: Brief) -> Table:
    t = brief.t
    rows = tuple(
        Row(
            (
                Cell(each.id, code=True),
                Cell(each.name.in_(brief.language)),
                Cell(t("word.yes") if each.key else DASH),
                Cell(t("word.yes") if each.digital else DASH),
                Cell(each.connector or t("provenance.not_connected"), "" if each.connector else "muted"),
            )
        )
        for each in brief.material.site.equipment
    )
    columns = (
        Column("id", t("provenance.column.id"), share=16),
        Column("name", t("provenance.column.name"), share=34),
        Column("key", t("provenance.column.key"), "center", 12),
        Column("digital", t("provenance.column.digital"), "center", 12),
        Column("connector", t("provenance.column.connector"), share=26),
    )
    return Table(
        "table-ledger", t("provenance.ledger", count=len(rows)), columns, rows, note=t("provenance.ledger_note")
    )


def _files(brief: Brief) -> Table:
    t = brief.t
    files = sorted({file for record in brief.evidence for file in record.files})
    rows = tuple(
        Row((Cell(file.path, code=True), Cell(f"{file.rows:,}", number=file.rows), Cell(file.sha256, code=True)))
        for file in files[:MOST_FILES]
    )
    columns = (
        Column("path", t("provenance.column.path"), share=34),
        Column("rows", t("provenance.column.rows"), "end", 12),
        Column("sha256", "SHA-256", share=54),
    )
    note = t("provenance.more_files", count=len(files) - MOST_FILES) if len(files) > MOST_FILES else ""
    return Table(
        "table-files", t("provenance.files", count=len(files)), columns, rows, note=note, empty=t("provenance.no_files")
    )


def _sources(brief: Brief) -> Table:
    t = brief.t
    rows = tuple(
        Row((Cell(source.title), Cell(source.version or DASH), Cell(t(f"source.{source.confidence}"))))
        for source in brief.score.model.structure.sources
    )
    columns = (
        Column("title", t("provenance.column.source"), share=56),
        Column("version", t("provenance.column.version"), share=24),
        Column("confidence", t("provenance.column.confidence"), share=20),
    )
    return Table("table-sources", t("provenance.sources"), columns, rows)
