"""How far the result can be trusted: grades of evidence, what is left out, contradictions, limits."""

from __future__ import annotations

from collections.abc import Iterator

from factory_kit.model.answers import NoValueKind
from factory_kit.model.definition import exact
from factory_kit.render.document import Bullets, Cell, Column, Item, Prose, Row, Section, Signatures, Table
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.shown import DASH, day, percent
from factory_kit.score.answer import NoValue, Value
from factory_kit.score.numbers import exact_text

__all__ = ["contradictions", "grades", "limits", "signing", "trimming"]


def grades(brief: Brief) -> Section:
    """How many answers rest on which grade of evidence, and which have no value."""
    score, t = brief.score, brief.t
    rows = [
        Row(
            (
                Cell(t(f"grade.{g.grade.lower()}"), strong=True),
                Cell(t(f"grade_means.{g.grade.lower()}")),
                Cell(str(g.count), number=g.count),
                Cell(percent(g.share)),
            )
        )
        for g in score.grades
    ]
    whole = sum(g.count for g in score.grades)
    for kind, ids in score.no_values.items():
        name = kind.name.lower()
        rows.append(
            Row(
                (
                    Cell(t(f"no_value.{name}")),
                    Cell(t(f"no_value_means.{name}")),
                    Cell(str(len(ids)), number=len(ids)),
                    Cell(DASH, "muted"),
                )
            )
        )
    columns = (
        Column("grade", t("grades.column.grade"), share=20),
        Column("meaning", t("grades.column.meaning"), share=52),
        Column("count", t("grades.column.count"), "end", 12),
        Column("share", t("grades.column.share"), "end", 14),
    )
    details = {
        "floor": brief.level_name(score.floor.level),
        "floor_total": brief.points(score.floor.total),
        "count": whole,
    }
    ceiling = {"ceiling": brief.level_name(score.ceiling.level), "ceiling_total": brief.points(score.ceiling.total)}
    table = Table("table-grades", t("grades.table"), columns, tuple(rows))
    expired = Bullets("expired", tuple(_expired(brief)), caption=t("grades.expired"), empty=t("grades.none_expired"))
    return Section("grades", t("grades.title"), (table, expired), lead=t("grades.lead", **details, **ceiling))


def _expired(brief: Brief) -> Iterator[Item]:
    """Evidence that was out of date at the end of the period, so that it did not count."""
    last = brief.assessment.period.end
    for criterion, answer in brief.material.scored.answers.answers.items():
        for item in answer.evidence:
            if item.expires is not None and item.expires < last and criterion in brief.counted:
                text = brief.t("grades.expired_on", date=day(item.expires, brief.language))
                yield Item(f"{criterion} {brief.label(criterion)}", item.note, text)


def trimming(brief: Brief) -> Section:
    """Activities and single requirements that were left out, with reason."""
    t = brief.t
    trims = tuple(
        Item(brief.label(trim.node), trim.reason, t("trimming.agreed_by", name=trim.agreed_by))
        for trim in brief.score.trimming
    )
    single = []
    for criterion in brief.score.no_values[NoValueKind.NOT_APPLICABLE]:
        decided = brief.decided(criterion)
        reason = decided.reason if isinstance(decided, NoValue) else ""
        single.append(Item(f"{criterion} {brief.label(criterion)}", reason))
    parts = (
        Bullets("trims", trims, caption=t("trimming.nodes"), empty=t("trimming.no_nodes")),
        Bullets("not-applicable", tuple(single), caption=t("trimming.single"), empty=t("trimming.no_single")),
    )
    return Section("trimming", t("trimming.title"), parts, lead=t("trimming.lead"))


def contradictions(brief: Brief) -> Section:
    """Where the machine evidence and the answer differ, and who decided what."""
    t = brief.t
    rows = []
    for criterion, proposal in brief.proposals.items():
        decided, proposed = brief.decided(criterion), proposal.score
        if proposed is None or criterion not in brief.counted:
            continue
        if isinstance(decided, Value) and decided.value == proposed:
            continue
        standing = brief.material.scored.standings[criterion]
        reason = standing.judgement.why if standing.judgement else standing.answer.reason if standing.answer else ""
        cells = (
            Cell(criterion, code=True),
            Cell(brief.label(criterion)),
            Cell(exact_text(proposed), brief.tone(proposed)),
            brief.answer_cell(criterion),
            Cell(reason or t("contradictions.no_reason"), "" if reason else "bad"),
        )
        rows.append(Row(cells))
    columns = (
        Column("id", t("contradictions.column.id"), share=10),
        Column("requirement", t("contradictions.column.requirement"), share=34),
        Column("machine", t("contradictions.column.machine"), "center", 10),
        Column("decided", t("contradictions.column.decided"), share=16),
        Column("reason", t("contradictions.column.reason"), share=30),
    )
    table = Table(
        "table-contradictions", t("contradictions.table"), columns, tuple(rows), empty=t("contradictions.empty")
    )
    parts = (table, _judgements(brief))
    return Section("contradictions", t("contradictions.title"), parts, lead=t("contradictions.lead"))


def _judgements(brief: Brief) -> Table:
    t = brief.t
    rows = tuple(
        Row(
            (
                Cell(each.at.replace("T", " ").replace("Z", " UTC")),
                Cell(each.criterion, code=True),
                Cell(t(f"verdict.{each.verdict.replace('-', '_')}")),
                Cell(f"{each.old or DASH} → {exact_text(exact(each.new))}"),
                Cell(each.by),
                Cell(each.why),
            )
        )
        for each in brief.material.scored.judgements
    )
    columns = (
        Column("at", t("decisions.column.at"), share=18),
        Column("id", t("decisions.column.id"), share=10),
        Column("verdict", t("decisions.column.verdict"), share=16),
        Column("change", t("decisions.column.change"), share=12),
        Column("by", t("decisions.column.by"), share=14),
        Column("why", t("decisions.column.why"), share=30),
    )
    return Table("table-decisions", t("decisions.table"), columns, rows, empty=t("decisions.empty"))


def limits(brief: Brief) -> Section:
    """What the report does not say."""
    t = brief.t
    keys = ("model", "weights", "evidence", "machine", "coverage", "time", "signature", "certificate")
    names = {"standard": brief.texts.standard, "note": brief.texts.licence_note}
    items = tuple(Item(t(f"limits.{key}.title"), t(f"limits.{key}.text", **names)) for key in keys)
    return Section("limits", t("limits.title"), (Bullets("limits-list", items),))


def signing(brief: Brief) -> Section:
    """Lines to sign on, for the provider and the enterprise."""
    t, assessment = brief.t, brief.assessment
    provider = assessment.provider.name if assessment.provider else t("signing.assessor")
    plant = assessment.plant.name.in_(brief.language)
    lines = (t("signing.name"), t("signing.signature"), t("signing.date"))
    blocks = (
        (f"{t('signing.provider')}{t('word.colon')}{provider}", lines),
        (f"{t('signing.enterprise')}{t('word.colon')}{plant}", (*lines, t("signing.objections"))),
    )
    parts = (Prose("acknowledgement", (t("signing.text"),)), Signatures("signatures", blocks))
    return Section("signing", t("signing.title"), parts)
