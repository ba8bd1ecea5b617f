"""Receipts as they are handed back: made from the ledger alone, so a lost one is written again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from factory_kit.district.office import Office
from factory_kit.district.rules import Ruling
from factory_kit.errors import Altered
from factory_kit.i18n import LANGUAGES, speaking
from factory_kit.seal.canonical import canonical
from factory_kit.seal.chain import ChainReport, Link, verify_chain

__all__ = ["check_end", "check_ledger", "handed_back", "issued", "restore_receipts", "rulings_of"]


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


def issued(office: Office) -> Mapping[int, str]:
    """Number and hash of every receipt that lies in the folder: what the ledger must still have."""
    found = {}
    for path in sorted(office.receipts_folder.glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
            found[int(content["number"])] = str(content["hash"])
        except (ValueError, KeyError, TypeError):
            continue  # no receipt of ours: nothing to hold against the ledger
    return found


def check_ledger(office: Office) -> ChainReport:
    """The ledger from its first record to its last, held against the receipts that were given; names the first that is wrong."""
    if not office.ledger_file.exists() and not issued(office):
        return ChainReport(0, None, None)
    return verify_chain(office.ledger_file, issued(office))


def check_end(office: Office, last: Link | None) -> None:
    """``Altered`` when a receipt was given after the *last* record: the ledger was cut, and numbers must not be given twice."""
    numbers = (path.stem for path in office.receipts_folder.glob("*.json"))
    newest = max((int(number) for number in numbers if number.isdigit()), default=0)
    if newest > (last.n if last else 0):
        raise Altered(
            "{file}: record {number}, for which a receipt was given, is missing; bring the whole ledger back, nothing was received",
            file=office.ledger_file.name, number=(last.n if last else 0) + 1,
        )  # fmt: skip


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
