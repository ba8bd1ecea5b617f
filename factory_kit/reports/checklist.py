"""The field checklist (现场检查表): what a provider does before, on and after a visit, and who switches it off."""

from __future__ import annotations

from factory_kit.i18n import Language
from factory_kit.render.document import (
    Callout,
    Cell,
    Column,
    Document,
    Facts,
    Part,
    Row,
    Section,
    Signatures,
    Table,
)
from factory_kit.reports.field import BLANK, ROOM, Visit, address_table, demo_note
from factory_kit.reports.shown import day
from factory_kit.reports.wording import Wording, wording

__all__ = ["checklist"]

STEPS = {
    "before": ("permission", "window", "person", "doctor", "clean", "parts", "plan"),
    "arrival": ("safety", "show", "fragile", "readonly", "normal"),
    "connect": ("stop", "own", "port", "serial", "dry", "one"),
    "during": ("first", "trouble", "watch", "locked", "photos"),
    "leave": ("stop", "unplug", "remove", "log", "data", "next"),
}
"""What is done in which order; the texts stand under the same names."""
BOX = "□"


def checklist(visit: Visit | None, provider: str, software: str, language: Language) -> Document:
    """The checklist for *visit*, or a blank one, in *language*."""
    say = wording("checklist", language)
    sections = (_facts(visit, provider, say), _stop(say), _addresses(visit, say), *_steps(say), _notes(say))
    return Document(
        language=language,
        title=say("title"),
        subject=visit.site.plant.name.in_(language) if visit else say("nobody"),
        sections=sections,
        contents_title="",
        footer=say("footer", software=software),
    )


def _facts(visit: Visit | None, provider: str, say: Wording) -> Section:
    plant, granted = (visit.site.plant, visit.site.authorisation) if visit else (None, None)
    valid = ROOM
    if granted:
        first, last = day(granted.granted_on, say.language), day(granted.valid_until, say.language)
        valid = say("facts.granted_text", by=granted.granted_by, first=first, last=last)
    facts = Facts(
        "facts",
        (
            (say("facts.plant"), Cell(plant.name.in_(say.language) if plant else ROOM)),
            (say("facts.credit_code"), Cell(plant.credit_code if plant else ROOM, code=True)),
            (say("facts.reference"), Cell(granted.reference if granted else ROOM)),
            (say("facts.granted"), Cell(valid)),
            (say("facts.provider"), Cell(provider or ROOM)),
            (say("facts.day"), Cell(ROOM)),
        ),
    )
    lacking = (Callout("unauthorised", say("facts.missing"), "", "bad"),) if visit and not granted else ()
    return Section("visit", say("facts.title"), (*demo_note(visit, say), *lacking, facts))


def _stop(say: Wording) -> Section:
    facts = Facts(
        "stop",
        (
            (say("stop.who"), Cell(ROOM)),
            (say("stop.where"), Cell(ROOM)),
            (say("stop.how"), Cell(say("stop.how_text"), strong=True)),
            (say("stop.other"), Cell(ROOM)),
        ),
    )
    return Section("stop", say("stop.title"), (facts,), lead=say("stop.lead"))


def _addresses(visit: Visit | None, say: Wording) -> Section:
    note: tuple[Part, ...] = (Callout("load", "", say("addresses.note"), "muted"),)
    table = address_table(visit, say, "addresses", authorised=True)
    return Section("addresses", say("addresses.title"), (table, *note), lead=say("addresses.lead"))


def _steps(say: Wording) -> tuple[Section, ...]:
    columns = (
        Column("box", say("steps.box"), "center", 7),
        Column("step", say("steps.step"), share=45),
        Column("why", say("steps.why"), share=32),
        Column("sign", say("steps.sign"), share=16),
    )
    return tuple(
        Section(
            name,
            say(f"{name}.title"),
            (
                Table(
                    f"steps-{name}",
                    "",
                    columns,
                    tuple(
                        Row(
                            (Cell(BOX), Cell(say(f"{name}.{step}.step")), Cell(say(f"{name}.{step}.why"), "muted"), Cell(BLANK))
                        )
                        for step in steps
                    ),
                    small_screen="keep",
                ),
            ),
        )
        for name, steps in STEPS.items()
    )  # fmt: skip


def _notes(say: Wording) -> Section:
    lines = (say("notes.name"), say("notes.date"), say("notes.sign"))
    room = Facts("incidents", tuple((say("notes.incidents") if n == 0 else BLANK, Cell(ROOM)) for n in range(3)))
    signs = Signatures("signatures", tuple((say(f"notes.{who}"), lines) for who in ("provider", "enterprise")))
    return Section("notes", say("notes.title"), (room, signs))
