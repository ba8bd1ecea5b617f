"""The page "what leaves the plant" (离厂清单): every file of a bundle, what it is for, and what never leaves."""

from __future__ import annotations

from collections.abc import Sequence

from factory_kit.assess.bundle import Leaving, leaving, parts
from factory_kit.assess.scored import Scored
from factory_kit.i18n import LANGUAGES, Language
from factory_kit.render.document import (
    Bullets,
    Callout,
    Cell,
    Column,
    Document,
    Facts,
    Item,
    Part,
    Row,
    Section,
    Signatures,
    Table,
)
from factory_kit.reports.assessment import Material, view
from factory_kit.reports.files import html
from factory_kit.reports.wording import Wording, wording

__all__ = ["bundle_pages", "leaving_page"]

NEVER = ("samples", "documents", "secrets")


def bundle_pages(material: Material) -> dict[str, bytes]:
    """The pages that are sealed with an assessment, zh and en: its report, and the list of what leaves the plant."""
    pages = {f"report/report.{each}.html": html(view(material, each)).encode() for each in LANGUAGES}
    files = leaving({**parts(material.scored), **pages})
    for each in LANGUAGES:
        listed = leaving_page(material.scored, files, material.software, each)
        pages[f"leaving/leaving.{each}.html"] = html(listed).encode()
    return pages


def leaving_page(scored: Scored, files: Sequence[Leaving], software: str, language: Language) -> Document:
    """The page about the bundle of *scored*, which holds *files*, in *language*."""
    say = wording("leaving", language)
    assessment = scored.assessment
    sections = (_intro(scored, files, say, language), _included(files, say), _signature(scored, say))
    return Document(
        language=language,
        title=say("title"),
        subject=assessment.plant.name.in_(language),
        sections=sections,
        contents_title=say("contents"),
        footer=say("footer", software=software, id=assessment.id),
    )


def _intro(scored: Scored, files: Sequence[Leaving], say: Wording, language: Language) -> Section:
    plant, model = scored.assessment.plant, scored.assessment.model
    facts = Facts(
        "facts",
        (
            (say("intro.plant"), Cell(plant.name.in_(language))),
            (say("intro.credit_code"), Cell(plant.credit_code, code=True)),
            (say("intro.model"), Cell(f"{model.id} {model.edition} ({model.sha256[:12]})", code=True)),
            (say("intro.id"), Cell(scored.assessment.id, code=True)),
            (say("intro.files"), Cell(str(len(files)), number=len(files))),
            (say("intro.size"), _bytes(sum(file.size for file in files))),
        ),
        caption=say("intro.facts"),
    )
    never = Bullets(
        "never",
        tuple(Item(say(f"never.{name}.title"), say(f"never.{name}.text")) for name in NEVER),
        caption=say("never.title"),
    )
    demo = (Callout("demo", say("demo.title"), say("demo.text")),) if scored.assessment.kind == "demo" else ()
    parts: tuple[Part, ...] = (*demo, facts, never, Callout("personal", say("personal.title"), say("personal.text")))
    return Section("intro", say("intro.title"), parts, lead=say("intro.lead"))


def _included(files: Sequence[Leaving], say: Wording) -> Section:
    columns = (
        Column("path", say("included.path"), share=25),
        Column("purpose", say("included.purpose"), share=26),
        Column("raw", say("included.raw"), "center", 8),
        Column("personal", say("included.personal"), "center", 8),
        Column("size", say("included.size"), "end", 11),
        Column("sha256", say("included.sha256"), share=22),
    )
    rows = tuple(_row(file, say) for file in files)
    table = Table("files", say("included.caption"), columns, rows)
    return Section("included", say("included.title"), (table,), lead=say("included.lead", count=len(files)))


def _row(file: Leaving, say: Wording) -> Row:
    return Row(
        (
            Cell(file.path, code=True),
            Cell(say(f"purpose.{file.purpose.value}")),
            Cell(say("no")),  # nothing that holds samples can be put into a bundle
            Cell(say("yes"), "warn") if file.personal else Cell(say("no")),
            _bytes(file.size),
            Cell(file.sha256, code=True),
        )
    )


def _signature(scored: Scored, say: Wording) -> Section:
    lines = (say("signature.name"), say("signature.date"), say("signature.sign"))
    roles = ("enterprise", "provider") if scored.assessment.provider else ("enterprise",)
    blocks = tuple((say(f"signature.{role}"), lines) for role in roles)
    return Section("signature", say("signature.title"), (Signatures("signatures", blocks),))


def _bytes(size: int) -> Cell:
    return Cell(f"{size:,}", number=size)
