"""The authorisation to collect data (数据采集授权书): what is read, what is not, how long, who sees it, how it is withdrawn."""

from __future__ import annotations

from factory_kit.i18n import Language
from factory_kit.render.document import (
    Bullets,
    Callout,
    Cell,
    Column,
    Document,
    Facts,
    Item,
    Part,
    Prose,
    Row,
    Section,
    Signatures,
    Table,
)
from factory_kit.reports.field import BLANK, ROOM, Visit, address_table, demo_note
from factory_kit.reports.shown import day
from factory_kit.reports.wording import Wording, wording

__all__ = ["authorisation_form"]

NEVER = ("write", "scan", "program", "people", "execute", "cloud")
AFTER = ("data", "proof", "bundle")
WITHDRAW = ("any", "stop", "refuse", "past", "contact")
STANDARDS = (("IEC 62443-2-4:2023", "iec"), ("NIST SP 800-82 Rev. 3", "nist"), ("GB/T 22239", "gbt"))
FREE_ROWS = 3


def authorisation_form(visit: Visit | None, provider: str, software: str, language: Language) -> Document:
    """The form for *visit*, or a blank one, in *language*; it is signed on paper, then its number goes into the site file."""
    say = wording("authorisation", language)
    granted = visit.site.authorisation if visit else None
    sections = (
        _parties(visit, provider, say),
        _read(visit, say),
        _never(visit, say),
        _access(say),
        Section("after", say("after.title"), (_bullets("after", AFTER, say),)),
        Section("withdraw", say("withdraw.title"), (_bullets("withdraw", WITHDRAW, say),)),
        _standards(say),
        _signatures(say),
        _annex(visit, say),
    )
    return Document(
        language=language,
        title=say("title"),
        subject=visit.site.plant.name.in_(language) if visit else say("nobody"),
        sections=sections,
        contents_title="",
        footer=say("footer", software=software, reference=granted.reference if granted else "________"),
    )


def _parties(visit: Visit | None, provider: str, say: Wording) -> Section:
    plant, granted = (visit.site.plant, visit.site.authorisation) if visit else (None, None)
    valid = say("parties.valid_text", first="________", last="________")
    if granted:
        first, last = day(granted.granted_on, say.language), day(granted.valid_until, say.language)
        valid = say("parties.valid_text", first=first, last=last)
    facts = Facts(
        "parties",
        (
            (say("parties.plant"), Cell(plant.name.in_(say.language) if plant else ROOM)),
            (say("parties.credit_code"), Cell(plant.credit_code if plant else ROOM, code=True)),
            (say("parties.provider"), Cell(provider or ROOM)),
            (say("parties.people"), Cell(ROOM)),
            (say("parties.reference"), Cell(granted.reference if granted else ROOM)),
            (say("parties.by"), Cell(granted.granted_by if granted else ROOM)),
            (say("parties.valid"), Cell(valid)),
            (say("parties.purpose"), Cell(say("parties.purpose_text"))),
        ),
    )
    draft = Callout("draft", say("draft.title"), say("draft.text"))
    return Section("parties", say("parties.title"), (*demo_note(visit, say), draft, facts), lead=say("parties.lead"))


def _read(visit: Visit | None, say: Wording) -> Section:
    allowed = ", ".join(visit.allowed) if visit else ""
    facts = Facts(
        "allowed",
        (
            (say("read.addresses"), Cell(allowed or ROOM, code=bool(allowed))),
            (say("read.history"), Cell(say("read.history_text"))),
        ),
    )
    parts: list[Part] = [address_table(visit, say, "read", authorised=False), facts]
    if visit and visit.allowed and visit.uncovered:
        text = say("uncovered.text", addresses=", ".join(visit.uncovered))
        parts.insert(0, Callout("uncovered", say("uncovered.title"), text, "bad"))
    return Section("read", say("read.title"), tuple(parts), lead=say("read.lead"))


def _never(visit: Visit | None, say: Wording) -> Section:
    parts: list[Part] = [_bullets("never", NEVER, say)]
    left = visit.plan.left_out if visit else ()
    if left:
        parts.append(Prose("left", (say("never.left", points=", ".join(left)),)))
    return Section("never", say("never.title"), tuple(parts))


def _bullets(name: str, keys: tuple[str, ...], say: Wording) -> Bullets:
    return Bullets(f"{name}-list", tuple(Item(say(f"{name}.{key}.title"), say(f"{name}.{key}.text")) for key in keys))


def _access(say: Wording) -> Section:
    columns = (
        Column("who", say("access.who"), share=34),
        Column("what", say("access.what"), share=44),
        Column("until", say("access.until"), share=22),
    )
    filled = (
        ("access.plant", "access.plant_what", "access.always"),
        ("access.provider", "access.provider_what", "access.until_blank"),
        ("access.district", "access.district_what", "access.district_until"),
    )
    rows = [Row(tuple(Cell(say(key)) for key in keys)) for keys in filled]
    rows += [Row((Cell(ROOM), Cell(BLANK), Cell(BLANK)))] * FREE_ROWS
    table = Table("access", say("access.caption"), columns, tuple(rows))
    return Section("access", say("access.title"), (table,), lead=say("access.lead"))


def _standards(say: Wording) -> Section:
    columns = (
        Column("standard", say("rules.standard"), share=25),
        Column("about", say("rules.about"), share=55),
        Column("confidence", say("rules.confidence"), share=20),
    )
    rows = tuple(
        Row((Cell(number), Cell(say(f"rules.{key}")), Cell(say("rules.memory"), "muted"))) for number, key in STANDARDS
    )
    table = Table("standards", say("rules.caption"), columns, rows)
    return Section("rules", say("rules.title"), (table,), lead=say("rules.lead"))


def _signatures(say: Wording) -> Section:
    lines = tuple(say(f"sign.{key}") for key in ("name", "role", "date", "sign"))
    blocks = tuple((say(f"sign.{who}"), lines) for who in ("enterprise", "provider"))
    return Section("sign", say("sign.title"), (Signatures("signatures", blocks),))


def _annex(visit: Visit | None, say: Wording) -> Section:
    """Every value that would be read, machine by machine."""
    columns = (
        Column("name", say("annex.name"), share=24),
        Column("meaning", say("annex.meaning"), share=30),
        Column("unit", say("annex.unit"), share=12),
        Column("address", say("annex.address"), share=34),
    )
    rows: list[Row] = []
    machines = {each.id: each for each in visit.site.equipment} if visit else {}
    points = [point for plan in visit.plan.servers for point in plan.points] if visit else []
    before = ""
    for each in sorted(points, key=lambda point: list(machines).index(point.equipment)):
        if each.equipment != before:
            before = each.equipment
            rows.append(Row((Cell(f"{machines[before].name.in_(say.language)} ({before})"),), "group"))
        label = each.point.label.in_(say.language)
        rows.append(
            Row((Cell(each.point.name, code=True), Cell(label), Cell(each.point.unit), Cell(each.address, code=True)))
        )
    count = len({point.equipment for point in points})
    lead = say("annex.lead", count=len(points), machines=count) if points else ""
    table = Table("points", say("annex.caption"), columns, tuple(rows), empty=say("annex.blank"))
    return Section("annex", say("annex.title"), (table,), lead=lead, new_page=True)
