"""The bundle: one sealed file that holds everything an assessment rests on, so that its score can be rebuilt from it alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import TO_FILL_IN
from factory_kit.assess.memory import collection_paused
from factory_kit.assess.scored import Scored, read_scored
from factory_kit.assess.stands import STANDS, Stand, ladder_parts, stands, stands_bytes
from factory_kit.errors import AssessmentError
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_json
from factory_kit.load.files import MemoryFiles
from factory_kit.model.assessment import Assessment
from factory_kit.model.credit_code import fault
from factory_kit.seal.container import Limits, files_below
from factory_kit.seal.keys import Signer
from factory_kit.seal.manifest import Manifest
from factory_kit.seal.ring import KeyRing
from factory_kit.seal.sealing import seal_files
from factory_kit.seal.verify import Sealed, open_sealed

__all__ = [
    "BUNDLE",
    "LIMITS",
    "Leaving",
    "Purpose",
    "Rescored",
    "about_whom",
    "leaving",
    "open_bundle",
    "parts",
    "rescore",
    "rescored",
    "roles",
    "seal_assessment",
]

BUNDLE = "assessment-bundle"
"""The kind of a bundle in its manifest."""
LIMITS = Limits(files=5_000, total_bytes=256 << 20, manifest_bytes=4 << 20)
"""What a bundle may be: records, texts and reports, never samples or photos."""
MOST_DIFFERENCES = 20


class Purpose(StrEnum):
    """What a file of a bundle is for."""

    ASSESSMENT = "assessment"
    ANSWERS = "answers"
    DECISIONS = "decisions"
    EVIDENCE = "evidence"
    INDICATOR = "indicator"
    MODEL = "model"
    SCORE = "score"
    REPORT = "report"
    LEAVING = "leaving"


PLACES = {
    "assessment.json": Purpose.ASSESSMENT,
    "answers.json": Purpose.ANSWERS,
    "decisions.jsonl": Purpose.DECISIONS,
    "score.json": Purpose.SCORE,
    "ladders.json": Purpose.SCORE,
    "ladders/": Purpose.ANSWERS,
    "evidence/": Purpose.EVIDENCE,
    "indicators/": Purpose.INDICATOR,
    "models/": Purpose.MODEL,
    "report/": Purpose.REPORT,
    "leaving/": Purpose.LEAVING,
}
PERSONAL = {Purpose.ASSESSMENT, Purpose.ANSWERS, Purpose.DECISIONS, Purpose.REPORT}
"""These may name people: who assessed, who was asked, who decided."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """One file that leaves the plant."""

    path: str
    size: int
    sha256: str
    purpose: Purpose
    personal: bool
    """Whether it may name people."""


@dataclass(frozen=True, slots=True)
class Rescored:
    """The score rebuilt from a bundle beside the one in it."""

    sealed: Sealed
    scored: Scored
    same: bool
    differences: tuple[str, ...]
    """Where the two differ: ``score.level: 3 in the bundle, 2 rebuilt``, at most twenty."""
    stands: tuple[Stand, ...] = ()
    """Where the plant stands on the ladders in the bundle, rebuilt."""


def parts(scored: Scored) -> dict[str, Path | bytes]:
    """The files of the bundle of *scored*, without pages: name inside → content or file."""
    folder = scored.folder
    found: dict[str, Path | bytes] = {
        **scored.read,
        "score.json": scored.canonical(),
    }
    if folder.decisions_file.is_file():
        found["decisions.jsonl"] = folder.decisions_file
    for path in sorted(folder.evidence_folder.glob("*.json")):
        found[f"evidence/{path.name}"] = path
    for below in (folder.path / "models", folder.indicators_folder):
        if below.is_dir():
            found.update({f"{below.name}/{name}": path for name, path in files_below(below, LIMITS).items()})
    found.update(ladder_parts(scored))
    return found


def leaving(files: Mapping[str, Path | bytes]) -> tuple[Leaving, ...]:
    """What each of *files* is for, how large it is, its hash, and whether it may name people; sorted by name."""
    return tuple(_leaving(name, files[name]) for name in sorted(files))


def seal_assessment(
    scored: Scored, out: Path, pages: Mapping[str, bytes], software: str, signers: Sequence[Signer] = ()
) -> Manifest:
    """Seal *scored* with *pages* (``report/…``, ``leaving/…``) into *out*, signed by *signers*, and give the manifest.

    The enterprise's signature is expected whoever seals. ``AssessmentError`` while a name is still to be filled in or the
    credit code is none.
    """
    _check_finished(scored)
    return seal_files(
        {**parts(scored), **pages}, out, BUNDLE, _about(scored, software), signers, roles(scored), _shared
    )


def roles(scored: Scored) -> tuple[str, ...]:
    """Who is to sign: the enterprise, and the provider where there is one."""
    return ("enterprise", "provider") if scored.assessment.provider else ("enterprise",)


def open_bundle(path: Path, trusted: KeyRing | None = None, *, received: int | None = None) -> Sealed:
    """The bundle at *path*, all of it verified; ``Altered`` or ``UnsafeArchive`` otherwise, ``AssessmentError`` for another thing.

    *trusted* judges the signatures and *received* says when it arrived, as for ``seal.verify``; the verdict is in ``report``.
    What the score rests on is kept in memory.
    """
    sealed = open_sealed(path, trusted, limits=LIMITS, received=received, keep=_weighs, shared=_shared)
    if sealed.manifest.kind != BUNDLE:
        raise AssessmentError(
            "{file}: is a sealed {kind}, not a bundle of an assessment", file=path.name, kind=sealed.manifest.kind
        )
    for name in sealed.names:
        if _purpose(name) is None:
            raise AssessmentError(
                "{file}: holds {name!r}, which belongs to no bundle; do not use it", file=path.name, name=name
            )
    return sealed


def about_whom(sealed: Sealed) -> Assessment:
    """What the bundle *sealed* is about; ``DefinitionError`` when its ``assessment.json`` is none."""
    text = sealed.read("assessment.json").decode("utf-8", errors="replace")
    return checked(parse_json(text, "assessment.json"), Assessment)


def rescore(path: Path) -> Rescored:
    """The score of the bundle at *path*, rebuilt from the bundle alone and compared byte for byte with the one in it."""
    with collection_paused():
        return rescored(open_bundle(path))


def rescored(sealed: Sealed) -> Rescored:
    """The score of the opened bundle *sealed*, rebuilt from it alone and compared byte for byte with the one in it.

    Nothing is written. Models and indicators of the same bytes are read once in a process, so that thousands of bundles that
    share them cost little each.
    """
    with collection_paused():
        return _rescored(sealed)


def _rescored(sealed: Sealed) -> Rescored:
    contents = {name: sealed.kept.get(name) or sealed.read(name) for name in sealed.names if _weighs(name)}
    hashes = {file.path: file.sha256 for file in sealed.manifest.files}
    scored = read_scored(AssessmentFolder(Path("bundle"), MemoryFiles(contents, hashes=hashes)))
    sent = sealed.read("score.json")
    found = [] if scored.is_in(sent) else list(_differences_of("score.json", sent, scored.canonical(), ""))
    climbed = stands(scored)
    if climbed or STANDS in contents:
        found += _differences_of(STANDS, contents.get(STANDS, b""), stands_bytes(climbed) if climbed else b"", STANDS)
    return Rescored(sealed, scored, not found, tuple(found[:MOST_DIFFERENCES]), climbed)


def _differences_of(name: str, sent: bytes, rebuilt: bytes, place: str) -> Iterator[str]:
    """Where the file *name* differs from what was *rebuilt*; nothing where every byte is the same."""
    if sent != rebuilt:
        yield from list(_differences(_loaded(sent), _loaded(rebuilt), place)) or [
            f"{name}: other bytes, the same content"
        ]


def _weighs(name: str) -> bool:
    """Whether the score rests on the file *name*; pages for people do not count."""
    return _purpose(name) not in {None, Purpose.REPORT, Purpose.LEAVING}


def _shared(name: str) -> bool:
    """Whether the file *name* is the same in many bundles."""
    return _purpose(name) in {Purpose.MODEL, Purpose.INDICATOR}


def _leaving(name: str, source: Path | bytes) -> Leaving:
    data = source if isinstance(source, bytes) else source.read_bytes()
    purpose = _purpose(name)
    if purpose is None:
        raise AssessmentError("{name!r} belongs to no bundle; leave it out", name=name)
    return Leaving(name, len(data), hashlib.sha256(data).hexdigest(), purpose, purpose in PERSONAL)


def _purpose(name: str) -> Purpose | None:
    folder, slash, _ = name.partition("/")
    return PLACES.get(folder + slash)


def _check_finished(scored: Scored) -> None:
    assessment = scored.assessment
    names = [scored.answers.assessor, *(person.name for person in assessment.people)]
    names += [assessment.provider.name] if assessment.provider else []
    if any(TO_FILL_IN in name for name in names):
        raise AssessmentError(
            "{name}: a name still reads {placeholder!r}; fill it in, in assessment.yaml and answers.yaml",
            name=scored.folder.path.name,
            placeholder=TO_FILL_IN,
        )
    if fault(assessment.plant.credit_code) is not None:
        raise AssessmentError(
            "{name}: {code} is no unified social credit code (GB 32100-2015); correct it in site.yaml and assessment.yaml",
            name=scored.folder.path.name,
            code=assessment.plant.credit_code,
        )


def _about(scored: Scored, software: str) -> dict[str, object]:
    assessment, plant = scored.assessment, scored.assessment.plant
    return {
        "assessment": assessment.id,
        "kind": assessment.kind,
        "type": assessment.type,
        "plant": {"credit_code": plant.credit_code, "site_no": plant.site_no, "zh": plant.name.zh, "en": plant.name.en},
        "model": assessment.model.model_dump(),
        "level": scored.score.level,
        "provisional": scored.score.provisional,
        **({"trial": True} if scored.trial else {}),
        "software": software,
    }


def _loaded(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _differences(sent: object, rebuilt: object, place: str) -> Iterator[str]:
    """Where *sent* and *rebuilt* differ, by path."""
    if isinstance(sent, dict) and isinstance(rebuilt, dict):
        for key in sorted(sent.keys() | rebuilt.keys()):
            yield from _differences(sent.get(key), rebuilt.get(key), f"{place}.{key}" if place else key)
    elif isinstance(sent, list) and isinstance(rebuilt, list) and len(sent) == len(rebuilt):
        for index, (left, right) in enumerate(zip(sent, rebuilt, strict=True)):
            yield from _differences(left, right, f"{place}[{index}]")
    elif sent != rebuilt:
        yield f"{place or 'score.json'}: {_short(sent)} in the bundle, {_short(rebuilt)} rebuilt"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
