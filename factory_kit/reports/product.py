"""The manual of a data product (数据产品说明书), and the sealed package with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from factory_kit.errors import SealError, UsageError
from factory_kit.i18n import Language
from factory_kit.load.product import ProductTemplate
from factory_kit.model.product import ProductField
from factory_kit.model.site import Site
from factory_kit.pack.bag import write_bag
from factory_kit.pack.build import Built, Span, build_rows
from factory_kit.pack.describe import write_papers
from factory_kit.pack.leaks import require_no_leak
from factory_kit.pack.outside import Verdict, outside_verdicts
from factory_kit.pack.pseudonyms import plant_key
from factory_kit.pack.quality import QualityRow
from factory_kit.pack.release import REGISTER, RISK_PAPER, Recipient, mark_package, write_recipient
from factory_kit.pack.verify import PACKAGE_KIND
from factory_kit.render.document import Bullets, Callout, Cell, Column, Document, Facts, Item, Part, Row, Section, Table
from factory_kit.render.word import write_word
from factory_kit.reports.shown import DASH, day, percent
from factory_kit.reports.wording import Wording, wording
from factory_kit.seal.digest import digest_file
from factory_kit.seal.keys import Signer
from factory_kit.seal.paths import MANIFEST, SIGNATURES
from factory_kit.seal.sealing import seal_folder, unpack
from factory_kit.seal.verify import open_sealed
from factory_kit.store import Store

__all__ = ["Package", "build_package", "manual", "release_package"]

MANUALS: dict[Language, str] = {"zh": "papers/数据产品说明书.docx", "en": "papers/manual.docx"}


@dataclass(frozen=True)
class Package:
    """A sealed package: its file, its rows, and what the field's own validators said before it was sealed."""

    file: Path
    rows: int
    verdicts: tuple[Verdict, ...]
    built: Built


def build_package(  # noqa: PLR0913 - what is built, from where, to where, and under whose name
    template: ProductTemplate,
    site: Site,
    store: Store,
    out: Path,
    *,
    span: Span,
    key_file: Path,
    graded_by: str,
    signers: Sequence[Signer],
    clock: Callable[[], int],
    labels: Path | None = None,
) -> Package:
    """The data product of *template* over *span*, sealed in the zip file *out*, whole or not at all; *labels*: the folder of what it joins."""
    store.seal()
    with tempfile.TemporaryDirectory(prefix="factory-kit-", dir=out.parent) as aside:
        folder = Path(aside)
        built = build_rows(
            template, site, store, folder, span=span, key=plant_key(key_file), decided_by=graded_by, clock=clock, labels=labels
        )  # fmt: skip
        write_papers(built)
        return _finished(built, out, signers)


def release_package(  # noqa: PLR0913 - what is released, to whom, and under whose name
    package: Path,
    template: ProductTemplate,
    site: Site,
    out: Path,
    *,
    recipient: str,
    key_file: Path,
    signers: Sequence[Signer],
    clock: Callable[[], int],
) -> Package:
    """The sealed *package* marked for *recipient*, sealed in *out*, whole or not at all; the register beside *key_file* knows it."""
    if not recipient.strip():
        raise UsageError("nobody is named; add --to NAME")
    sealed = open_sealed(package)
    if sealed.manifest.kind != PACKAGE_KIND:
        raise SealError("{file}: is a sealed {kind}, not a data package", file=package.name, kind=sealed.manifest.kind)
    with tempfile.TemporaryDirectory(prefix="factory-kit-", dir=out.parent) as aside:
        folder = Path(aside) / "package"
        unpack(package, folder)
        for name in (MANIFEST, SIGNATURES.rstrip("/")):
            _remove(folder / name)
        built = mark_package(folder, template, site, plant_key(key_file), recipient)
        write_papers(built, keep=(RISK_PAPER,))
        when = datetime.fromtimestamp(clock() / 1e6, UTC).isoformat(timespec="seconds")
        product = template.product
        line = Recipient(recipient, product.product, product.version, digest_file(package).sha256, when)
        write_recipient(key_file.parent / REGISTER, line)
        return _finished(built, out, signers)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _finished(built: Built, out: Path, signers: Sequence[Signer]) -> Package:
    """The manuals, the last look for names, the verdicts of others, and the seal."""
    folder, product, plant = built.folder, built.template.product, built.site.plant
    for language, name in MANUALS.items():
        write_word(manual(built, language), folder / name)
    require_no_leak(folder, built.secrets, (plant.name.zh, plant.name.en, plant.credit_code))
    write_bag(built)
    verdicts = outside_verdicts(folder)
    about = {"product": product.product, "version": product.version, "kind": built.site.kind, "rows": str(built.rows)}
    seal_folder(folder, out, PACKAGE_KIND, about, signers)
    return Package(out, built.rows, tuple(verdicts), built)


def manual(built: Built, language: Language) -> Document:
    """The manual of *built* in *language*: the sections of the exchange's form, made from the manifest alone."""
    say = wording("product", language)
    product = built.template.product
    sections = (
        Section("basic", say("basic.title"), (*_warnings(built, say), _basic(built, say))),
        Section("physical", say("physical.title"), (_physical(built, say),)),
        Section("fields", say("fields.title"), (_fields(built, say),)),
        Section("use", say("use.title"), (_use(built, say),)),
        Section("grading", say("grading.title"), (_grading(built, say),)),
        Section("deid", say("deid.title"), _deidentified(built, say)),
        Section("source", say("source.title"), (_source(built, say),)),
        Section("quality", say("quality.title"), (_quality(built, say),)),
        Section("attachments", say("attachments.title"), (_attachments(say),)),
    )
    return Document(
        language=language,
        title=say("title"),
        subject=product.title.in_(language),
        sections=sections,
        contents_title=say("contents"),
        footer=say("footer", product=product.title.in_(language), version=product.version),
    )


def _warnings(built: Built, say: Wording) -> tuple[Part, ...]:
    form = Callout("form", say("unverified.title"), say("unverified.text"), "warn")
    if built.site.kind == "demo":
        return (Callout("demo", say("demo.title"), say("demo.text"), "warn"), form)
    return (form,)


def _facts(name: str, say: Wording, *pairs: tuple[str, str]) -> Facts:
    return Facts(name, tuple((say(f"{name}.{key}"), Cell(text or DASH)) for key, text in pairs))


def _basic(built: Built, say: Wording) -> Facts:
    product, plant = built.template.product, built.site.plant
    listing = product.listing
    return _facts(
        "basic", say, ("name", listing.name), ("name_en", listing.name_en), ("description", listing.description), ("keywords", ",".join(listing.keywords)),
        ("type", listing.product_type), ("theme", listing.theme), ("scene", listing.scene), ("industry", f"{listing.source_industry} ({plant.industry.edition} {plant.industry.code})"),
        ("supplier", plant.name.in_(say.language)), ("credit_code", plant.credit_code), ("version", product.version), ("built_on", day(built.built_on, say.language)),
    )  # fmt: skip


def _physical(built: Built, say: Wording) -> Facts:
    listing = built.template.product.listing
    return _facts(
        "physical", say, ("size", f"{built.data_bytes / 1024:.1f} KiB"), ("rows", str(built.rows)), ("columns", str(len(built.template.product.fields))),
        ("interval", f"{built.span.begins} – {built.span.ends}"), ("update", listing.update_frequency or listing.update), ("origins", ", ".join(built.origins)),
        ("format", say("physical.format_value")),
    )  # fmt: skip


def _fields(built: Built, say: Wording) -> Table:
    columns = (
        Column("name", say("fields.name"), share=16), Column("label", say("fields.label"), share=12), Column("type", say("fields.type"), share=12),
        Column("unit", say("fields.unit"), share=8), Column("range", say("fields.range"), share=14), Column("description", say("fields.description"), share=38),
    )  # fmt: skip
    rows = tuple(_field_row(field, say) for field in built.template.product.fields)
    return Table("output", say("fields.caption"), columns, rows)


def _field_row(field: ProductField, say: Wording) -> Row:
    limits = "" if field.minimum is None and field.maximum is None else f"{field.minimum} … {field.maximum}"
    name = f"{field.name} ({say('fields.key')})" if field.key else field.name
    texts = (
        field.label.in_(say.language),
        field.type,
        field.unit or DASH,
        limits or DASH,
        field.description.in_(say.language),
    )
    return Row((Cell(name, code=True), *(Cell(text) for text in texts)))


def _use(built: Built, say: Wording) -> Facts:
    listing, licence = built.template.product.listing, built.template.product.licence
    return _facts(
        "use", say, ("purpose", listing.purpose), ("users", listing.users), ("who", say("use.who_value")), ("time_limit", listing.time_limit),
        ("no_transfer", listing.no_transfer), ("other", listing.other_limits), ("licence", licence.title.in_(say.language)),
        ("delivery", say.listed([say(f"delivery.{way}") for way in listing.delivery])), ("price", listing.price),
    )  # fmt: skip


def _grading(built: Built, say: Wording) -> Facts:
    grading = built.template.product.grading
    return _facts(
        "grading", say, ("national", grading.national), ("domain", grading.domain), ("level", grading.level), ("because", grading.because.in_(say.language)),
        ("basis", say.listed(list(grading.basis))), ("decided", grading.decided_by), ("approval", grading.approval or say("none")),
    )  # fmt: skip


def _deidentified(built: Built, say: Wording) -> tuple[Part, ...]:
    recipe = built.template.product.recipe
    steps = tuple(Item(step.in_(say.language)) for step in recipe.steps)
    facts = _facts("deid", say, ("recipe", recipe.id), ("key", str(built.provenance["pseudonym_key"])))
    return (facts, Bullets("steps", steps, numbered=True, caption=say("deid.steps")), _risk(built, say))


def _risk(built: Built, say: Wording) -> Facts:
    """The figures of the risk that is left."""
    risk = built.risk
    assert risk is not None  # noqa: S101 - build_rows measures it
    unicity = "  ".join(f"p={known}: {percent(share, 'up')}" for known, share in (risk.unicity or {}).items())
    return _facts(
        "risk", say, ("groups", str(risk.groups)), ("unicity", unicity), ("k", "" if risk.k is None else str(risk.k)),
        ("linked", "" if risk.linked is None else percent(risk.linked, "up")), ("names", "0"),
    )  # fmt: skip


def _source(built: Built, say: Wording) -> Facts:
    files, software = built.provenance["source_files"], built.provenance["software"]
    assert isinstance(files, list)  # noqa: S101 - as pack.build writes it
    assert isinstance(software, dict)  # noqa: S101
    return _facts(
        "source", say, ("origin", say.listed(list(built.template.product.listing.origin))), ("files", str(len(files))),
        ("query", str(built.provenance["query_sha256"])), ("software", ", ".join(f"{name} {version}" for name, version in software.items())),
    )  # fmt: skip


def _quality(built: Built, say: Wording) -> Table:
    columns = (
        Column("code", say("quality.code"), share=10), Column("indicator", say("quality.indicator"), share=46),
        Column("counted", say("quality.counted"), "end", share=24), Column("score", say("quality.score"), "end", share=20),
    )  # fmt: skip
    return Table(
        "quality",
        say("quality.caption"),
        columns,
        tuple(_quality_row(row, say) for row in built.quality),
        say("quality.note"),
    )


def _quality_row(row: QualityRow, say: Wording) -> Row:
    counted = f"{row.numerator} / {row.denominator}" if row.assessed else DASH
    score = percent(row.score, "down") if row.assessed else say("quality.open")
    return Row(
        (
            Cell(row.code, code=True),
            Cell(row.label.in_(say.language)),
            Cell(counted),
            Cell(score, "" if row.assessed else "muted"),
        )
    )


def _attachments(say: Wording) -> Table:
    included = {"manual": MANUALS[say.language], "self_check": "papers/quality.json"}
    names = ("manual", "self_check", "sample", "compliance", "quality", "undertaking", "proof")
    columns = (Column("item", say("attachments.item"), share=40), Column("state", say("attachments.state"), share=60))
    rows = tuple(
        Row(
            (
                Cell(say(f"attachments.{name}")),
                Cell(
                    say("attachments.included", file=included[name]) if name in included else say("attachments.missing")
                ),
            )
        )
        for name in names
    )
    return Table("attachments", say("attachments.caption"), columns, rows)
