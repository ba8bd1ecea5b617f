"""Receipts as they are handed back: made from the ledger alone, so a lost one is written again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory_kit.district.office import Office
from factory_kit.district.rules import Ruling
from factory_kit.i18n import LANGUAGES, speaking
from factory_kit.seal.canonical import canonical
from factory_kit.seal.chain import Link

__all__ = ["handed_back", "restore_receipts", "rulings_of"]


def handed_back(folder: Path, link: Link) -> None:
    """The receipt of *link* in *folder*; never half written, and not waited for: the ledger is the proof."""
    target = folder / f"{link.n:06d}.json"
    aside = target.with_suffix(".tmp")
    aside.write_bytes(_content(link))
    aside.replace(target)


def restore_receipts(office: Office) -> int:
    """How many receipts of the ledger had no file, and have one now."""
    found = 0
    for link in office.ledger():
        if not (office.receipts_folder / f"{link.n:06d}.json").exists():
            handed_back(office.receipts_folder, link)
            found += 1
    return found


def rulings_of(record: dict[str, Any]) -> tuple[Ruling, ...]:
    """What the rules said, from a record of the ledger."""
    return tuple(Ruling(each["rule"], each["message"], each["details"], each["weight"]) for each in record["rulings"])


def _content(link: Link) -> bytes:
    """The receipt as its receiver reads it, sentences in both languages."""
    sentences = []
    for ruling in rulings_of(link.record):
        entry: dict[str, Any] = {"rule": ruling.rule, "weight": ruling.weight}
        for language in LANGUAGES:
            with speaking(language):
                entry[language] = ruling.text()
        sentences.append(entry)
    record = {key: link.record[key] for key in ("file", "sha256", "received", "campaign", "outcome")}
    return canonical({"form": 1, "number": link.n, "hash": link.hash, **record, "rulings": sentences}) + b"\n"
