"""Where the plant stands on other ladders, what the next level of each still needs, and the certificates it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from factory_kit.assess.model_rules import condition_in_words
from factory_kit.assess.stands import Stand
from factory_kit.i18n import speaking
from factory_kit.render.document import Bullets, Callout, Cell, Column, Item, Part, Row, Section, Table
from factory_kit.render.theme import Tone
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.shown import DASH, day, short
from factory_kit.reports.wording import Wording, wording
from factory_kit.score.ladder import Span
from factory_kit.score.numbers import exact_text

__all__ = ["ladders"]

TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "unknown": "warn"}


def ladders(brief: Brief) -> Iterator[Section]:
    """The section on other gradings; none where there is nothing to say."""
    t = wording("ladders", brief.language)
    with speaking(brief.language):
        parts = [part for stand in brief.material.stands for part in _parts(brief, t, stand)]
    if brief.assessment.certificates:
        parts.append(_certificates(brief, t))
    if parts:
        yield Section("ladders", t("title"), tuple(parts), lead=t("lead"))


def _parts(brief: Brief, t: Wording, stand: Stand) -> Iterator[Part]:
    content = stand.ladder.content
    yield _conditions(brief, t, stand) if content.rungs else _profile(brief, t, stand)
    if content.rungs:
        yield _missing(brief, t, stand)
    if stand.contradicted:
        labels = t.listed(stand.ladder.items[name].label.in_(brief.language) for name in stand.contradicted)
        yield Callout(f"ladder-contradicted-{content.ladder}", t("servers.above"), labels, "bad")
    if content.status == "unverified":
        yield Callout(f"ladder-unverified-{content.ladder}", content.title.in_(brief.language), t("unverified"))


def _conditions(brief: Brief, t: Wording, stand: Stand) -> Table:
    """Every condition of every level, with what was found and whether it holds."""
    climbed, content = stand.climbed, stand.ladder.content
    marks = {0: t("none"), **{rung.level: rung.mark.in_(brief.language) for rung in content.rungs}}
    rows = tuple(
        Row(
            (
                Cell(marks[rung.level]),
                Cell(condition_in_words(stand.ladder, held.condition)),
                Cell(_span(held.found)),
                Cell(t(f"state.{held.state}"), TONES[held.state]),
            )
        )
        for rung in climbed.rungs
        for held in rung.held
    )
    columns = (
        Column("level", t("column.level"), share=14),
        Column("needs", t("column.needs"), share=56),
        Column("found", t("column.found"), "center", 14),
        Column("state", t("column.state"), "center", 16),
    )
    caption = t(
        "table", title=content.title.in_(brief.language), level=marks[climbed.level], proven=marks[climbed.proven],
        best=marks[climbed.at_best],
    )  # fmt: skip
    return Table(f"table-ladder-{content.ladder}", caption, columns, rows)


def _missing(brief: Brief, t: Wording, stand: Stand) -> Bullets:
    """What the next level still needs."""
    climbed, content = stand.climbed, stand.ladder.content
    title = content.title.in_(brief.language)
    ahead = next((rung for rung in content.rungs if rung.level > climbed.level), None)
    items = tuple(
        Item(
            condition_in_words(stand.ladder, held.condition),
            t(f"state.{held.state}"),
            t("found", found=_span(held.found)),
        )
        for held in climbed.holds_back
    )
    caption = t("missing", title=title, level=ahead.mark.in_(brief.language)) if ahead else title
    return Bullets(f"ladder-missing-{content.ladder}", items, caption=caption, empty=t("nothing_missing"))


def _profile(brief: Brief, t: Wording, stand: Stand) -> Table:
    """The values of a ladder without levels."""
    content = stand.ladder.content
    rows = []
    for item in content.items:
        value = stand.values.get(item.id)
        labels = {option.value: option.label.in_(brief.language) for option in content.options[item.options]}
        text = DASH if value is None else labels.get(exact_text(value), exact_text(value))
        cells = (Cell(item.label.in_(brief.language)), Cell(text))
        rows.append(Row((*cells, _servers(t, stand, item.id, labels)) if stand.stated else cells))
    columns: tuple[Column, ...] = (
        Column("item", t("column.item"), share=50),
        Column("value", t("column.value"), share=50),
    )
    if stand.stated:
        columns = (
            Column("item", t("column.item"), share=36),
            Column("value", t("column.value"), share=18),
            Column("servers", t("servers.column"), share=46),
        )
    caption = t("profile", title=content.title.in_(brief.language), count=len(stand.values), whole=len(content.items))
    return Table(f"table-ladder-{content.ladder}", caption, columns, tuple(rows))


def _servers(t: Wording, stand: Stand, item: str, labels: Mapping[str, str]) -> Cell:
    """What discovered servers state about *item*: what it comes to, the weaknesses behind it, and the records."""
    stated = stand.stated.get(item)
    if stated is None:
        return Cell("")
    kinds = {reason for _record, statement in stated.by for reason in statement.because}
    weak = t.listed(t.texts.get(f"servers.weakness.{kind}", kind) for kind in sorted(kinds))
    comes_to = labels.get(exact_text(stated.score), exact_text(stated.score))
    records = t.listed(short(record.id) for record, _statement in stated.by)
    said = t("servers.weak", value=comes_to, weak=weak) if weak else t("servers.sound", value=comes_to)
    return Cell(f"{said} {t('servers.records', records=records)}", "bad" if item in stand.contradicted else "")


def _certificates(brief: Brief, t: Wording) -> Table:
    last = brief.assessment.period.end
    rows = []
    for held in brief.assessment.certificates:
        until = held.valid_until
        state = "open" if until is None else "expired" if until < last else "valid"
        tone: Tone = {"open": "warn", "expired": "bad", "valid": "good"}[state]  # type: ignore[assignment] # one of Tone
        cells = (
            Cell(t(f"certificate.kind.{held.kind}")),
            Cell(held.grade),
            Cell(held.number or DASH, code=True),
            Cell(held.issuer or DASH),
            Cell(day(until, brief.language) if until else DASH),
            Cell(t(f"certificate.{state}"), tone),
        )
        rows.append(Row(cells))
    keys = ("kind", "grade", "number", "issuer", "until", "state")
    columns = tuple(Column(key, t(f"certificate.column.{key}"), share=16) for key in keys)
    return Table("table-certificates", t("certificate.table"), columns, tuple(rows))


def _span(found: Span) -> str:
    """``6``, or ``3–6`` where something is not known."""
    low, high = (exact_text(end) for end in found)
    return low if low == high else f"{low}–{high}"
