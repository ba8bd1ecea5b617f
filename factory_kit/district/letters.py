"""Return letters (退回函): per provider what came back and what to fix, rule by rule, in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from factory_kit.district.cases import Cases, day_of
from factory_kit.district.journal import cases_of
from factory_kit.district.office import Office
from factory_kit.district.receipts import rulings_of
from factory_kit.district.rules import rule_texts
from factory_kit.district.wording import say
from factory_kit.i18n import Language, speaking
from factory_kit.render.document import Callout, Cell, Column, Document, Part, Prose, Row, Section, Signatures, Table
from factory_kit.seal.chain import Link

__all__ = ["letter", "open_returns", "write_letters"]


def open_returns(office: Office) -> Mapping[str, Sequence[Link]]:
    """By provider the receipts that were returned or rejected and not made good since; self-assessments under no name."""
    found: dict[str, dict[tuple[str, ...], Link]] = {}
    cases = cases_of(office.path)
    for each in office.ledger():
        link = _sent_back(each, cases) if each.n in cases.withdrawn else each
        record = link.record
        about = record.get("plant")
        key = (about["credit_code"], about["site_no"], record["type"]) if about else (record["sha256"],)
        own = found.setdefault(record.get("provider", ""), {})
        own.pop(key, None)
        if not record["outcome"].startswith("accepted"):
            own[key] = link
    return {provider: sorted(own.values(), key=lambda link: link.n) for provider, own in sorted(found.items()) if own}


def _sent_back(link: Link, cases: Cases) -> Link:
    """*link* as the office left it: accepted by the rules, and returned by an officer with a reason."""
    reason = {
        "rule": "–",
        "message": "{reason}",
        "details": {"reason": cases.reviews[link.n].reason},
        "weight": "returns",
    }
    rulings = [*link.record["rulings"], reason]
    return replace(link, record={**link.record, "outcome": "returned", "rulings": rulings})


def letter(office: Office, provider: str, links: Sequence[Link], language: Language) -> Document:
    """The letter to *provider* about *links*."""
    campaign, units = office.campaign(), office.units()
    to, key = provider or say("letter.nobody", language), "letter.lead"
    if _unread(links):
        to, key = say("letter.unread", language), "letter.unread.lead"
    last = day_of(links[-1].record["received"], campaign.timezone)
    lead = say(key, language, campaign=campaign.name.in_(language), count=len(links), deadline=campaign.deadline)
    parts: list[Part] = [Prose("lead", (lead,)), _table(links, language), _rules(links, language)]
    if campaign.unverified_models == "trial":
        parts.append(Prose("trial", (say("trial.letter", language),)))
    if campaign.kind == "demo":
        parts.insert(0, Callout("demo", say("demo.title", language), say("demo.text", language)))
    signed = Signatures(
        "signed", ((units.district.in_(language), (say("letter.officer", language), say("letter.date", language))),)
    )
    return Document(
        language=language,
        title=say("letter.to", language, name=to),
        subject=say("letter.title", language),
        sections=(Section("returned", say("letter.section", language), (*parts, signed)),),
        contents_title="",
        footer=say("letter.footer", language, district=units.district.in_(language), last=last),
    )


def write_letters(
    office: Office, folder: Path, language: Language, suffixes: Sequence[str] = (".docx", ".xlsx")
) -> list[Path]:
    """The letters to all providers in *folder*, as Word and Excel files, numbered."""
    from factory_kit.render.excel import write_excel  # noqa: PLC0415 - each format loads its own library
    from factory_kit.render.word import write_word  # noqa: PLC0415 - see above

    folder.mkdir(parents=True, exist_ok=True)
    writers = {".docx": write_word, ".xlsx": write_excel}
    made = []
    for number, (provider, links) in enumerate(_letters(office), start=1):
        nobody = say("letter.unread" if _unread(links) else "letter.nobody", language)
        document = letter(office, provider, links, language)
        for suffix in suffixes:
            path = folder / f"{number:02d}-{_safe(provider or nobody)}{suffix}"
            writers[suffix](document, path)
            made.append(path)
    return made


def _letters(office: Office) -> Iterator[tuple[str, Sequence[Link]]]:
    """Who is written to about what; files nobody could read are a list for the office, apart from self-assessments."""
    for provider, links in open_returns(office).items():
        if provider:
            yield provider, links
            continue
        unread = [link for link in links if _unread([link])]
        for some in (unread, [link for link in links if link not in unread]):
            if some:
                yield provider, some


def _unread(links: Sequence[Link]) -> bool:
    """Whether none of *links* says who sent it."""
    return all(not link.record.get("provider") and not link.record.get("plant") for link in links)


def _table(links: Sequence[Link], language: Language) -> Table:
    columns = tuple(
        Column(key, say(f"letter.{key}", language), share=share)
        for key, share in (("receipt", 6), ("file", 18), ("plant", 20), ("outcome", 8), ("rule", 6), ("fix", 42))
    )
    rows = [row for link in links for row in _rows(link, language)]
    return Table("returned", say("letter.table", language), columns, tuple(rows))


def _rows(link: Link, language: Language) -> list[Row]:
    record = link.record
    plant = (record.get("plant") or {}).get(language, "")
    found = []
    with speaking(language):
        for ruling in rulings_of(record):
            cells = (
                Cell(str(link.n), number=link.n), Cell(record["file"]), Cell(plant), Cell(say(record["outcome"], language)),
                Cell(ruling.rule), Cell(ruling.text(), "bad" if ruling.weight != "warns" else "warn"),
            )  # fmt: skip
            found.append(Row(cells))
    return found


def _rules(links: Sequence[Link], language: Language) -> Table:
    """The rules that were quoted, in full."""
    quoted = sorted({ruling.rule for link in links for ruling in rulings_of(link.record)})
    columns = (
        Column("number", say("letter.rule", language), share=8),
        Column("text", say("letter.means", language), share=92),
    )
    texts = rule_texts()
    rows = tuple(Row((Cell(rule), Cell(texts[rule].in_(language)))) for rule in quoted if rule in texts)
    return Table("rules", say("letter.rules", language), columns, rows)


def _safe(name: str) -> str:
    """*name* as part of a file name on every system."""
    kept = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in name).strip("_")
    return kept[:60] or "_"
