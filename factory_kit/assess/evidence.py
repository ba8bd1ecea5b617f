"""Records of machine evidence in an assessment, and the indicators that made them, frozen beside them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from factory_kit.assess.definitions import indicators_in
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.errors import AssessmentError, DefinitionError, Problem
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.load.indicator import indicator_folder
from factory_kit.model.assessment import Assessment
from factory_kit.model.definition import exact
from factory_kit.model.evidence import Evidence, IndicatorUsed
from factory_kit.model.indicator import Indicator
from factory_kit.model.securityrecord import SECURITY, Statement, statements

__all__ = [
    "StatedByServers",
    "freeze_indicators",
    "frozen_indicators",
    "newest",
    "read_evidence",
    "silent",
    "speaking_for",
    "stated_by_servers",
]

FILES = ("indicator.yaml", "query.sql")


def read_evidence(folder: AssessmentFolder, assessment: Assessment) -> tuple[Evidence, ...]:
    """All records of *folder*, sorted by file name; ``DefinitionError`` names every file that is none, or that cannot count.

    A real assessment takes no simulated samples: a figure of a simulation proves nothing about the plant.
    """
    records: list[Evidence] = []
    problems: list[Problem] = []
    files = folder.files.below("evidence")
    for file in (each for each in files.names() if each.endswith(".json")):
        name = folder.shown(f"evidence/{file}")
        try:
            record = Evidence.read(files.read(file), name)
            statements(record)
        except AssessmentError as error:
            problems.append(Problem(name, 0, "", N_("{reason}"), {"reason": str(error).removeprefix(f"{name}: ")}))
            continue
        except OSError as error:
            problems.append(Problem(name, 0, "", N_("cannot be read ({reason})"), {"reason": error.strerror}))
            continue
        if record.file_name != file:
            problems.append(Problem(name, 0, "", N_("must be called {name}"), {"name": record.file_name}))
        if assessment.kind == "real" and "simulated" in record.origin:
            message = N_(
                "is computed from simulated samples; a real assessment takes none: remove it, or assess with kind: demo"
            )
            problems.append(Problem(name, 0, "", message))
        records.append(record)
    if problems:
        raise DefinitionError(problems)
    return tuple(records)


def newest(records: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Of each indicator and subject the record that counts: the one whose interval ends last, then the one received last."""
    found: dict[tuple[str, str], Evidence] = {}
    for record in sorted(records, key=lambda each: (_moment(each.end), _moment(each.received), each.id)):
        found[record.indicator.id, record.subject] = record
    return tuple(found[key] for key in sorted(found))


def frozen_indicators(folder: AssessmentFolder) -> dict[str, Indicator]:
    """The indicators frozen in *folder*, by id."""
    return indicators_in(folder.files.below("indicators"))


def freeze_indicators(folder: AssessmentFolder, records: Sequence[Evidence], sources: Sequence[Path]) -> None:
    """Keep beside the *records* that count a copy of each indicator that made them, out of the first of *sources* that has it.

    An indicator whose SQL is no longer the one that made the record is not taken: its record then proposes nothing.
    """
    wanted = {record.indicator.id: record.indicator for record in newest(records)}
    frozen = frozen_indicators(folder)
    for name, used in wanted.items():
        if name in frozen and _made(frozen[name], used):
            continue
        source = _fitting(used, sources)
        if source is not None:
            _copy(source, folder.path / ".new-indicator", folder.indicators_folder / name)


def speaking_for(
    records: Sequence[Evidence], indicators: Mapping[str, Indicator]
) -> tuple[tuple[Evidence, Indicator], ...]:
    """The records that count together with the very indicator that made them; the others are left out."""
    return tuple(
        (record, indicators[record.indicator.id])
        for record in newest(records)
        if record.indicator.id in indicators and _made(indicators[record.indicator.id], record.indicator)
    )


def silent(records: Sequence[Evidence], indicators: Mapping[str, Indicator]) -> tuple[Evidence, ...]:
    """The records that count and propose nothing, because the indicator that made them is not at hand and they do not speak for themselves."""
    heard = {record.id for record, _indicator in speaking_for(records, indicators)}
    return tuple(each for each in newest(records) if each.id not in heard and each.indicator.id != SECURITY)


@dataclass(frozen=True, slots=True)
class StatedByServers:
    """What the discoveries of OPC UA servers state about one item: the lowest score of all servers, and what each of them stated."""

    score: Fraction
    by: tuple[tuple[Evidence, Statement], ...]


def stated_by_servers(records: Sequence[Evidence], model: str) -> dict[str, StatedByServers]:
    """By item of *model* (``id@edition``, a ladder or a maturity model) what the newest record of each server states.

    A plant is as safe as its weakest server. What is stated proposes; the assessor decides, as with every machine record.
    """
    found: dict[str, list[tuple[Evidence, Statement]]] = {}
    for record in newest(records):
        for statement in statements(record):
            if statement.model == model:
                found.setdefault(statement.criterion, []).append((record, statement))
    return {
        item: StatedByServers(min(exact(each.score) for _record, each in found[item]), tuple(found[item]))
        for item in sorted(found)
    }


def _made(indicator: Indicator, used: IndicatorUsed) -> bool:
    """Whether *indicator* is the very one that a record was made by."""
    return (indicator.definition.rev, indicator.sql_sha256) == (used.rev, used.sql_sha256)


@lru_cache(maxsize=4096)
def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _fitting(used: IndicatorUsed, sources: Sequence[Path]) -> Path | None:
    for source in sources:
        folder = source / used.id
        if (folder / "indicator.yaml").is_file() and _made(indicator_folder(folder), used):
            return folder
    return None


def _copy(source: Path, aside: Path, target: Path) -> None:
    """Made aside and renamed, so that an interruption leaves no half of an indicator."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in FILES:
        write_atomically(aside / name, (source / name).read_bytes())
    target.parent.mkdir(exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    aside.rename(target)
