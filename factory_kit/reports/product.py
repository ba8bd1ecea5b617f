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
from factory_kit.pack.charts import main_chart, spread
from factory_kit.pack.describe import write_papers
from factory_kit.pack.leaks import require_no_leak
from factory_kit.pack.outside import Verdict, outside_verdicts
from factory_kit.pack.pseudonyms import plant_key
from factory_kit.pack.quality import QualityRow, Scope
from factory_kit.pack.quality_more import Score, db31, series_checks, tc609, tc609_groups
from factory_kit.pack.release import (
    REGISTER,
    RISK_PAPER,
    Recipient,
    keep_original,
    mark_package,
    recipient_name,
    write_recipient,
)
from factory_kit.pack.summary import summary_of
from factory_kit.pack.verify import PACKAGE_KIND
from factory_kit.render.charts import Timeline
from factory_kit.render.document import (
    Bullets,
    Callout,
    Cell,
    Column,
    Document,
    Facts,
    Figure,
    Item,
    Part,
    Row,
    Section,
    Table,
)
from factory_kit.render.theme import Tone
from factory_kit.render.word import require_template, write_word
from factory_kit.reports.shown import DASH, day, percent
from factory_kit.reports.wording import Wording, wording
from factory_kit.seal.digest import digest_file
from factory_kit.seal.keys import Signer
from factory_kit.seal.paths import MANIFEST, SIGNATURES
from factory_kit.seal.sealing import seal_folder, unpack
from factory_kit.seal.verify import open_sealed
from factory_kit.store import Store

__all__ = ["Package", "build_package", "manual", "release_package"]

MOST_SPREADS = 3
VOCABULARY = {
    "一般": "general", "重要": "important", "核心": "core", "一级": "level 1", "二级": "level 2", "三级": "level 3", "研发数据域": "research and development",
    "生产数据域": "production", "运维数据域": "operation and maintenance", "管理数据域": "management", "外部数据域": "external", "无": "none", "严重": "serious",
    "特别严重": "especially serious", "国家安全": "national security", "经济运行": "the economy", "社会秩序": "public order", "公共利益": "public interest",
    "组织权益": "organisations", "个人权益": "individuals",
}  # fmt: skip
"""Words of GB/T 43697-2024 and of the industrial guide, in our own English; 一般 as a harm is ordinary harm."""
ATTACHED = {
    "manual": "", "self_check": "papers/quality.json", "sample": "sample/sample.csv", "dictionary": "papers/data-dictionary.csv",
    "form": "papers/上传表单.xlsx", "risk": "papers/residual-risk.json", "checklist": "papers/checklist.json",
}  # fmt: skip
TONES: dict[str, Tone] = {"passed": "good", "failed": "bad", "open": "warn"}
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
    """The data product of *template* over *span*, sealed in the zip file *out*, whole or not at all; *labels*: the folder of what it joins.

    ``UsageError`` where *out* holds a package of which copies were released.
    """
    keep_original(out, key_file.parent / REGISTER)
    for file in template.manuals.values():
        require_template(file)
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
    recipient = recipient_name(recipient, key_file.parent / REGISTER)
    if out.resolve() == package.resolve():
        raise UsageError("{file}: is there already; nothing was changed", file=out)
    keep_original(out, key_file.parent / REGISTER)
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
        write_word(manual(built, language), folder / name, built.template.manuals.get(language))
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
        Section("grading", say("grading.title"), _grading(built, say)),
        Section("deid", say("deid.title"), _deidentified(built, say)),
        Section("source", say("source.title"), (_source(built, say),)),
        Section("content", say("content.title"), _content(built, say)),
        Section("quality", say("quality.title"), _qualities(built, say)),
        Section("attachments", say("attachments.title"), (_attachments(built, say),)),
        Section("method", say("method.title"), (_method(built, say),)),
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
    items = tuple((say(f"{name}.{key}"), Cell(text or DASH)) for key, text in pairs)
    return Facts(name, items, keys=tuple(key for key, _text in pairs))


def _basic(built: Built, say: Wording) -> Facts:
    product, plant = built.template.product, built.site.plant
    listing = product.listing
    return _facts(
        "basic", say, ("name", listing.name), ("name_en", listing.name_en), ("code", say("basic.code_value")), ("identifier", product.identifier or say("none")), ("description", _description(built, say)), ("keywords", ",".join(listing.keywords)),
        ("type", listing.product_type), ("theme", listing.theme), ("scene", listing.scene), ("industry", f"{listing.source_industry} ({plant.industry.edition} {plant.industry.code})"),
        ("supplier", plant.name.in_(say.language)), ("credit_code", plant.credit_code), ("version", product.version), ("built_on", day(built.built_on, say.language)),
    )  # fmt: skip


def _interval(built: Built, say: Wording) -> str:
    span = f"{built.span.begins} – {built.span.ends}"
    moved = any(step.op == "shift" for step in built.template.product.recipe.operations)
    return say("physical.moved", span=span) if moved else span


def _description(built: Built, say: Wording) -> str:
    """What the form gets, in Chinese; in the English manual the description of the product."""
    product = built.template.product
    return product.listing.description if say.language == "zh" else product.description.en


def _physical(built: Built, say: Wording) -> Facts:
    listing = built.template.product.listing
    return _facts(
        "physical", say, ("size", f"{built.data_bytes / 1024:.1f} KiB"), ("rows", str(built.rows)), ("columns", str(len(built.template.product.fields))),
        ("interval", _interval(built, say)), ("update", listing.update_frequency or listing.update), ("origins", say.listed([say(f"origins.{each}") for each in built.origins])),
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


def _grading(built: Built, say: Wording) -> tuple[Part, ...]:
    grading = built.template.product.grading
    decided = (
        f"{grading.decided_by}, {day(grading.decided_on, say.language)}" if grading.decided_on else grading.decided_by
    )
    facts = _facts(
        "grading", say, ("national", _word(grading.national, say)), ("domain", _word(grading.domain, say)), ("level", _word(grading.level, say)),
        ("because", grading.because.in_(say.language)), ("basis", say.listed(list(grading.basis))), ("decided", decided),
        ("approval", grading.approval or say("none")),
    )  # fmt: skip
    columns = (
        Column("on", say("impacts.whom"), share=16), Column("harm", say("impacts.harm"), share=14), Column("grade", say("impacts.grade"), share=14),
        Column("because", say("impacts.because"), share=56),
    )  # fmt: skip
    rows = tuple(
        Row(
            (
                Cell(_word(each.on, say)),
                Cell(_word(each.harm, say)),
                Cell(_word(each.national, say)),
                Cell(each.because),
            )
        )
        for each in grading.impacts
    )
    return (facts, Table("impacts", say("impacts.caption"), columns, rows, empty=say("impacts.empty")))


def _word(chinese: str, say: Wording) -> str:
    """A word of the standards with its English beside it in the English manual."""
    return chinese if say.language == "zh" else f"{VOCABULARY[chinese]} ({chinese})"


def _deidentified(built: Built, say: Wording) -> tuple[Part, ...]:
    recipe = built.template.product.recipe
    steps = tuple(Item(step.in_(say.language)) for step in recipe.steps)
    facts = _facts("deid", say, ("recipe", recipe.id), ("key", str(built.provenance["pseudonym_key"])))
    bullets = Bullets("steps", steps, numbered=True, caption=say("deid.steps"))
    return (facts, bullets, _risk(built, say), *_risky(built, say))


def _risky(built: Built, say: Wording) -> tuple[Part, ...]:
    """A warning where more than half of the groups can be singled out or found again: pseudonyms alone hide nobody."""
    risk = built.risk
    shares = [*(risk.unicity or {}).values(), risk.linked] if risk is not None else []
    if not any(share is not None and 2 * share > 1 for share in shares):
        return ()
    return (Callout("risky", say("risky.title"), say("risky.text"), "warn"),)


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


def _content(built: Built, say: Wording) -> tuple[Part, ...]:
    """What the rows come to, and how they look."""
    main, spreads = main_chart(built, say.language), spread(built)
    labels = {field.name: field.label.in_(say.language) for field in built.template.product.fields}
    per = ", ".join(labels.get(name, name) for name in built.template.checks.expected.per)
    figures: list[Part] = []
    if main is not None:
        name = next(
            (
                each.name
                for each in built.template.product.fields
                if each.type in ("decimal", "number") and not each.key
            ),
            "",
        )
        shown = (
            say("content.lanes", per=per)
            if isinstance(main, Timeline)
            else say("content.course", field=labels[name], per=per)
        )
        figures.append(Figure("course", shown, shown, main))
    for name, chart in list(spreads.items())[:MOST_SPREADS]:
        caption = say("content.spread", field=labels[name])
        figures.append(Figure(f"spread-{name}", caption, caption, chart))
    return (*_summary(built, say), *figures)


def _summary(built: Built, say: Wording) -> tuple[Part, ...]:
    told = built.template.product.summary
    if told is None:
        return ()
    columns = tuple(Column(name, label.in_(say.language), share=10) for name, label in told.columns.items())
    rows = tuple(Row(tuple(Cell(text or DASH) for text in line)) for line in summary_of(built.template, built.parts))
    return (
        Table("summary", told.title.in_(say.language), columns, rows, told.note.in_(say.language) if told.note else ""),
    )


def _qualities(built: Built, say: Wording) -> tuple[Part, ...]:
    assert built.scope is not None  # noqa: S101 - whoever builds judges
    readme = (built.folder / "README.md").read_text(encoding="utf-8")
    national = tc609(built.quality, readme)
    return (
        _quality(built, say),
        _scores("db31", db31(built.quality), say),
        _groups(national, say),
        _scores("tc609", national, say),
        _series(built.scope, say),
    )


def _scores(name: str, scores: Sequence[Score], say: Wording) -> Table:
    columns = (
        Column("code", say("quality.code"), share=12), Column("indicator", say("quality.indicator"), share=40),
        Column("score", say("quality.score"), "end", share=14), Column("from", say("quality.from"), share=34),
    )  # fmt: skip
    rows = tuple(
        Row((
            Cell(each.code, code=True), Cell(each.label if say.language == "zh" else each.label_en),
            Cell(say("quality.open") if each.share is None else percent(each.share, "down"), "muted" if each.share is None else ""),
            Cell(_source_of(each, say), "muted"),
        ))
        for each in scores
    )  # fmt: skip
    return Table(name, say(f"{name}.caption"), columns, rows, say(f"{name}.note"))


def _source_of(score: Score, say: Wording) -> str:
    """Where a figure comes from in a few words; the SQL stands with the figure of GB/T 36344 that it is taken from."""
    if score.share is None:
        return say("quality.person")
    if score.how.startswith("GB/T 36344"):
        return score.how.partition(":")[0]
    if score.how.startswith("documented"):
        return say("quality.documented", items=score.how.partition(": ")[2].replace(", ", "、"))
    return say("quality.mean") if score.how.startswith("mean") else say("quality.origin")


def _groups(scores: Sequence[Score], say: Wording) -> Table:
    columns = (
        Column("group", say("groups.group"), share=40),
        Column("mean", say("groups.mean"), "end", share=30),
        Column("verdict", say("groups.verdict"), share=30),
    )
    rows = tuple(
        Row((Cell(say(f"groups.g{code}")), Cell(DASH if mean is None else percent(mean, "down")), Cell(say(f"groups.{verdict}"), TONES[verdict])))
        for code, (mean, verdict) in tc609_groups(scores).items()
    )  # fmt: skip
    return Table("groups", say("groups.caption"), columns, rows, say("groups.note"))


def _series(scope: Scope, say: Wording) -> Table:
    columns = (
        Column("check", say("series.check"), share=60),
        Column("count", say("series.count"), "end", share=20),
        Column("of", say("series.of"), "end", share=20),
    )
    rows = tuple(
        Row((Cell(say(f"series.{name}")), Cell(str(count)), Cell(str(of))))
        for name, (count, of, _sql) in series_checks(scope).items()
    )
    return Table("series", say("series.caption"), columns, rows, say("series.note"))


def _method(built: Built, say: Wording) -> Table:
    """How each figure of GB/T 36344 was counted, so that somebody else can count it."""
    columns = (Column("code", say("quality.code"), share=12), Column("how", say("method.how"), share=88))
    shown = [(row.code, row.how if "SELECT" in row.how else say(f"how.c{row.code}")) for row in built.quality]
    rows = tuple(Row((Cell(code, code=True), Cell(how, code="SELECT" in how))) for code, how in shown)
    return Table("method", say("method.caption"), columns, rows, say("method.note"))


def _attachments(built: Built, say: Wording) -> Table:
    included = {name: path for name, path in ATTACHED.items() if name == "manual" or (built.folder / path).exists()}
    included["manual"] = MANUALS[say.language]
    names = (*ATTACHED, "compliance", "quality", "undertaking", "proof")
    columns = (Column("item", say("attachments.item"), share=40), Column("state", say("attachments.state"), share=60))
    rows = tuple(
        Row((
            Cell(say(f"attachments.{name}")),
            Cell(say("attachments.included", file=included[name])) if name in included else Cell(say("attachments.missing"), "warn"),
        ))
        for name in names
    )  # fmt: skip
    return Table("attachments", say("attachments.caption"), columns, rows)
