"""Receiving bundles: every rule is held against them, what is accepted is kept unchanged, and each gets a receipt in the ledger.

Submissions are copied in, and the copy is what is looked at, so nothing can change between the look and the keeping. Looking
needs nothing but the copy and may be done by several processes; deciding goes one after the other beside the ledger.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from factory_kit.district.definitions import Campaign
from factory_kit.district.journal import cases_of
from factory_kit.district.known import Entry, Known
from factory_kit.district.office import Office
from factory_kit.district.receipts import check_end, handed_back
from factory_kit.district.rules import (
    NO_BUNDLE,
    Rebuilt,
    Ruling,
    about_campaign,
    about_code,
    about_content,
    about_file,
    about_macros,
    about_people,
    about_signatures,
    plain,
)
from factory_kit.errors import DefinitionError, FactoryKitError, SealError
from factory_kit.files import name_of, sync_folder
from factory_kit.i18n import N_
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_json
from factory_kit.model.assessment import Assessment
from factory_kit.seal.chain import ChainWriter, open_chain
from factory_kit.seal.container import Limits
from factory_kit.seal.digest import digest
from factory_kit.seal.ring import KeyRing
from factory_kit.seal.verify import Report, Sealed, open_sealed, verify

__all__ = ["LIMITS", "Rebuild", "Receipt", "receive"]

BUNDLE = "assessment-bundle"
LIMITS = Limits(files=5_000, total_bytes=256 << 20, manifest_bytes=4 << 20)
"""What is read from a stranger; larger submissions are refused before they are opened."""
LARGEST_FILE = LIMITS.total_bytes + (64 << 20)
MICRO = 1_000_000
BATCH = 64
"""Submissions that several processes look at before their receipts are written together."""
SELDOM = (50_000, 20, 50)
"""How often a process that looks at bundles collects garbage: models and indicators are kept, and hold hundreds of thousands of objects."""
ASIDE = ".incoming-"
OFFICE = (".docx", ".xlsx", ".pptx", ".doc", ".xls", ".ppt", ".odt", ".ods", ".zip")

Rebuild = Callable[[Sealed], Rebuilt]
"""Rebuilds the score of a bundle from the bundle alone; a function of a module where several processes work."""
Outcome = Literal["accepted", "accepted late", "returned", "rejected", "duplicate"]


@dataclass(frozen=True)
class Receipt:
    """The answer to one submission: its outcome, the number and hash of its record, and what the rules said."""

    file: str
    outcome: Outcome
    number: int
    hash: str
    rulings: tuple[Ruling, ...]
    assessment: Assessment | None = None
    level: int | None = None


@dataclass(frozen=True)
class _Looked:
    """A submission after the rules that need nothing else were held against its copy."""

    path: Path
    copy: Path | None
    """None when the file could not be taken at all."""
    sha256: str
    content: str
    """The sha256 of its manifest: the same for a bundle that only gained a signature."""
    rulings: tuple[Ruling, ...]
    assessment: Assessment | None = None
    rebuilt: Rebuilt | None = None


@dataclass
class _Decided:
    looked: _Looked
    entry: Entry
    outcome: Outcome
    rulings: tuple[Ruling, ...]
    fresh: bool = field(default=True)

    def receipt(self) -> Receipt:
        """The answer, once its entry is in the ledger."""
        looked, level = self.looked, None
        if self.fresh and looked.rebuilt:
            level = looked.rebuilt.level
        about = looked.assessment if self.fresh else None
        return Receipt(
            name_of(looked.path), self.outcome, self.entry.number, self.entry.hash, self.rulings, about, level
        )


def receive(
    office: Office, files: Sequence[Path], rebuild: Rebuild, now: Callable[[], int], workers: int = 1
) -> Iterator[Receipt]:
    """A receipt for each of *files* in turn; *rebuild* rebuilds scores, *now* is the clock (microseconds, UTC).

    What is accepted lies in the folder before its receipt stands in the ledger, so an interruption loses nothing and a
    repetition adds nothing. ``StoreBusy`` while another process receives.
    """
    campaign = office.campaign()
    office.keep_edition(campaign)
    with open_chain(office.ledger_file) as chain:
        check_end(office, chain.last)
        _sweep(office)
        known = Known(office.ledger(), campaign, office.registers(), chain.last, cases_of(office.path).withdrawn)
        look = partial(_look, office.bundles_folder, campaign, office.keys(), frozenset(known.kept), rebuild)
        for batch in _looked_at_each(look, files, workers):
            yield from _taken(office, campaign, chain, known, batch, now)


def _taken(
    office: Office,
    campaign: Campaign,
    chain: ChainWriter,
    known: Known,
    batch: Sequence[_Looked],
    now: Callable[[], int],
) -> list[Receipt]:
    """The receipts of *batch*, on the disk together."""
    decided = [_decide(campaign, known, looked, now()) for looked in batch]
    fresh = [each for each in decided if each.fresh]
    try:
        for each in fresh:
            if each.outcome.startswith("accepted") and each.looked.copy:
                _keep(each.looked.copy, office.bundles_folder / f"{each.looked.sha256}.zip")
        sync_folder(office.bundles_folder)
        links = chain.append_all([each.entry.record for each in fresh]) if fresh else []
    finally:
        for looked in batch:
            if looked.copy:
                looked.copy.unlink(missing_ok=True)
    for each, link in zip(fresh, links, strict=True):
        each.entry.hash = link.hash
        handed_back(office.receipts_folder, link)
    return [each.receipt() for each in decided]


def _decide(campaign: Campaign, known: Known, looked: _Looked, received: int) -> _Decided:
    """What becomes of one submission beside everything received before it."""
    earlier = known.by_file.get(looked.sha256)
    if earlier is not None and earlier.accepted:
        return _duplicate(looked, earlier)
    record = _record(campaign, looked, received)
    rulings = (*looked.rulings, *known.about(record, looked.assessment), *_late(campaign, received))
    again = known.by_content.get(looked.content) or (earlier if _as_before(earlier, rulings) else None)
    if again is not None:
        return _duplicate(looked, again)
    outcome = _outcome(rulings)
    entry = known.add({**record, "outcome": outcome, "rulings": _written(rulings)})
    return _Decided(looked, entry, outcome, rulings)


def _looked_at_each(
    look: Callable[[Path], _Looked], files: Sequence[Path], workers: int
) -> Iterator[Sequence[_Looked]]:
    """*files* in batches, looked at here or by *workers* processes; the order stays that of the files.

    The processes look at the next batch while receipts of the one before are written.
    """
    if workers <= 1:
        yield from ([look(path)] for path in files)
        return
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawned, _begin_looking, (look,)) as pool:
        ahead: deque[Iterator[_Looked]] = deque()
        for batch in _batches(files, BATCH):
            ahead.append(pool.map(_looked_aside, batch, chunksize=max(1, len(batch) // (4 * workers))))
            if len(ahead) > 1:
                yield list(ahead.popleft())
        yield from (list(each) for each in ahead)


_IN_THIS_PROCESS: list[Callable[[Path], _Looked]] = []
"""What a process of the pool was begun with: keys and known files travel to it once, not with every bundle."""


def _begin_looking(look: Callable[[Path], _Looked]) -> None:
    _IN_THIS_PROCESS[:] = [look]
    gc.set_threshold(*SELDOM)
    atexit.register(gc.unfreeze)  # extension modules count what was left over


def _looked_aside(path: Path) -> _Looked:
    """*path* looked at in a process of the pool; what the first bundles left in memory is not collected again."""
    found = _IN_THIS_PROCESS[0](path)
    if gc.get_freeze_count() == 0:
        gc.collect()
        gc.freeze()
    return found


def _batches(files: Sequence[Path], size: int) -> Iterator[list[Path]]:
    rest = iter(files)
    while batch := list(islice(rest, size)):
        yield batch


def _look(
    folder: Path, campaign: Campaign, keys: KeyRing, kept: frozenset[str], rebuild: Rebuild, path: Path
) -> _Looked:
    """*path* copied into *folder* and looked at; what was received before is not looked at again."""
    copy = folder / f"{ASIDE}{os.getpid()}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    try:
        if path.stat().st_size > LARGEST_FILE:
            return _too_large(path)
        sha256 = _copied(path, copy)
        if sha256 in kept:
            return _Looked(path, copy, sha256, "", ())
        return _looked_at(path, copy, sha256, campaign, keys, rebuild)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _copied(source: Path, target: Path) -> str:
    """The sha256 of *source*, whose bytes are under *target*; not waited for: only what is accepted must be on the disk."""
    found = hashlib.sha256()
    with source.open("rb") as file, target.open("wb") as copy:
        while piece := file.read(1 << 20):
            found.update(piece)
            copy.write(piece)
    return found.hexdigest()


def _too_large(path: Path) -> _Looked:
    size = path.stat().st_size
    name = hashlib.sha256(f"{name_of(path)}/{size}".encode()).hexdigest()
    message = N_("the file has {size} bytes, at most {limit} are taken; it was not read")
    return _Looked(path, None, name, name, (Ruling("R01", message, {"size": size, "limit": LARGEST_FILE}, "rejects"),))


def _looked_at(path: Path, copy: Path, sha256: str, campaign: Campaign, keys: KeyRing, rebuild: Rebuild) -> _Looked:
    try:
        sealed = open_sealed(copy, keys, limits=LIMITS, keep=_weighs)
    except SealError:
        return _refused(path, copy, sha256, keys)
    content = digest([sealed.manifest.to_bytes()]).sha256
    no_bundle = tuple(about_file(sealed.report, BUNDLE)) or tuple(about_macros(_programs(sealed)))
    if no_bundle:
        return _Looked(path, copy, sha256, content, no_bundle[:1])
    assessment, wrong = _assessment(sealed)
    if assessment is None:
        return _Looked(path, copy, sha256, content, (wrong,))
    about = tuple(_about(sealed.report, assessment, campaign))
    found, rebuilt = _content(sealed, path, campaign, rebuild)
    if rebuilt is None and any(each.rule == "R04" for each in about):
        found = []  # a model that nobody asked for need not be at hand
    rulings = (*about, *found)
    return _Looked(path, copy, sha256, content, rulings, assessment, rebuilt)


def _refused(path: Path, copy: Path, sha256: str, keys: KeyRing) -> _Looked:
    """What is wrong with a file that does not open as sealed: the first thing, by its rule."""
    try:
        report = verify(copy, keys, limits=LIMITS)
    except SealError as error:
        about = {**_named(error.details, copy, path), "because": error.message}
        wrong = Ruling("R01", NO_BUNDLE, about, "rejects")
        return _Looked(path, copy, sha256, sha256, (wrong,))
    rulings = tuple(_renamed(each, copy, path) for each in about_file(report, BUNDLE))
    content = digest([report.manifest.to_bytes()]).sha256 if report.manifest else sha256
    return _Looked(path, copy, sha256, content, rulings[:1])


def _weighs(name: str) -> bool:
    """What is read more than once; pages and papers need not stay in memory."""
    return not name.startswith(("report/", "leaving/"))


def _programs(sealed: Sealed) -> Iterator[tuple[str, bytes]]:
    """Files that could hold macros, with their content where the name does not say it already."""
    for name in sealed.names:
        opened = name.lower().endswith(OFFICE)
        yield name, sealed.read(name) if opened else b""


def _about(report: Report, assessment: Assessment, campaign: Campaign) -> Iterator[Ruling]:
    yield from about_signatures(report, assessment, campaign)
    yield from about_code(assessment)
    yield from about_campaign(assessment, campaign)
    yield from about_people(assessment)


def _content(sealed: Sealed, path: Path, campaign: Campaign, rebuild: Rebuild) -> tuple[list[Ruling], Rebuilt | None]:
    try:
        rebuilt = rebuild(sealed)
        return list(about_content(rebuilt, campaign)), rebuilt
    except FactoryKitError as error:
        return [_no_score(error, sealed.path, path)], None


def _no_score(error: FactoryKitError, copy: Path, path: Path) -> Ruling:
    """Why the score of a bundle cannot be rebuilt, so that it can be said in either language."""
    message, details = _because(error)
    return Ruling(
        "R06", N_("the score cannot be rebuilt: {because}"), {**_named(details, copy, path), "because": message}
    )


def _because(error: FactoryKitError) -> tuple[str, Mapping[str, object]]:
    """The first thing that is wrong, as a template and its details."""
    if isinstance(error, DefinitionError):
        first = error.problems[0]
        return first.message, {**first.details, "place": ": ".join(filter(None, (first.file, first.path)))}
    return error.message, error.details


def _assessment(sealed: Sealed) -> tuple[Assessment | None, Ruling]:
    """What the bundle is about, or why that cannot be read."""
    try:
        text = sealed.read("assessment.json").decode("utf-8", errors="replace")
        return checked(parse_json(text, "assessment.json"), Assessment), Ruling("", "")
    except FactoryKitError as error:
        message, details = _because(error)
        return None, Ruling(
            "R01", N_("the file is no assessment: {because}"), plain({**details, "because": message}), "rejects"
        )


def _named(details: Mapping[str, object], copy: Path, path: Path) -> dict[str, str | int]:
    """*details* with the name the sender knows."""
    return {
        key: value.replace(copy.name, name_of(path)) if isinstance(value, str) else value
        for key, value in plain(details).items()
    }


def _renamed(ruling: Ruling, copy: Path, path: Path) -> Ruling:
    return Ruling(ruling.rule, ruling.message, _named(ruling.details, copy, path), ruling.weight)


def _as_before(earlier: Entry | None, rulings: Sequence[Ruling]) -> bool:
    """Whether the rules say of a file what they said when *earlier* was written; a key trusted since may change that."""
    return earlier is not None and earlier.record["rulings"] == _written(rulings)


def _written(rulings: Sequence[Ruling]) -> list[dict[str, Any]]:
    return [
        {"rule": each.rule, "message": each.message, "details": dict(each.details), "weight": each.weight}
        for each in rulings
    ]


def _outcome(rulings: Sequence[Ruling]) -> Outcome:
    """Rejected when the file itself is no good, returned when the submission can be corrected, else accepted."""
    weights = {ruling.weight for ruling in rulings}
    if "rejects" in weights:
        return "rejected"
    if "returns" in weights:
        return "returned"
    return "accepted late" if any(ruling.rule == "R12" for ruling in rulings) else "accepted"


def _record(campaign: Campaign, looked: _Looked, received: int) -> dict[str, Any]:
    rebuilt, assessment = looked.rebuilt, looked.assessment
    found: dict[str, Any] = {
        "form": 1,
        "campaign": campaign.id,
        "file": name_of(looked.path),
        "sha256": looked.sha256,
        "content": looked.content,
        "received": datetime.fromtimestamp(received // MICRO, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if assessment is not None:
        found |= _subject(assessment)
    if rebuilt is not None:
        found |= {"level": rebuilt.level, "floor": rebuilt.floor, "total": rebuilt.total, "open": rebuilt.open}
        found |= {
            "next_at": rebuilt.next_at,
            "answers": rebuilt.answers,
            "documents": [sha256[:16] for sha256 in rebuilt.documents],
        }
        found |= {"domains": dict(rebuilt.domains), "verified": rebuilt.verified}
        if rebuilt.ladders:
            found |= {"ladders": [dict(each) for each in rebuilt.ladders], "scenes": list(rebuilt.scenes)}
    return found


def _subject(assessment: Assessment) -> dict[str, Any]:
    plant, model = assessment.plant, assessment.model
    return {
        "assessment": assessment.id,
        "plant": {"credit_code": plant.credit_code, "site_no": plant.site_no, "zh": plant.name.zh, "en": plant.name.en},
        "industry": {"code": plant.industry.code, "edition": plant.industry.edition},
        "units": list(assessment.units),
        "model": {"id": model.id, "edition": model.edition},
        "type": assessment.type,
        "period": {"start": str(assessment.period.start), "end": str(assessment.period.end)},
        "provider": assessment.provider.name if assessment.provider else "",
        "provider_code": assessment.provider.credit_code if assessment.provider else "",
        "supersedes": assessment.supersedes,
        "on_site": [str(day) for day in assessment.on_site],
    }


def _late(campaign: Campaign, received: int) -> Iterator[Ruling]:
    """R12: after the deadline, by the days of the campaign's zone."""
    local = datetime.fromtimestamp(received // MICRO, UTC).astimezone(ZoneInfo(campaign.timezone)).date()
    if local > campaign.deadline:
        details = {"day": str(local), "deadline": str(campaign.deadline)}
        yield Ruling("R12", N_("received on {day}, after the deadline {deadline}: accepted as late"), details, "warns")


def _duplicate(looked: _Looked, earlier: Entry) -> _Decided:
    """R10: nothing is added, the first receipt stands."""
    message = N_("this file was received before: receipt {number} stands")
    return _Decided(looked, earlier, "duplicate", (Ruling("R10", message, {"number": earlier.number}),), fresh=False)


def _keep(judged: Path, target: Path) -> None:
    """*judged* on the disk under the name of its hash, and never changed afterwards."""
    with judged.open("rb+") as file:
        os.fsync(file.fileno())
    judged.chmod(0o444)
    judged.replace(target)


def _sweep(office: Office) -> None:
    """Copies that an interrupted run left behind; the ledger's lock is held, so nobody else is writing them."""
    for path in office.bundles_folder.glob(f"{ASIDE}*"):
        path.unlink(missing_ok=True)
