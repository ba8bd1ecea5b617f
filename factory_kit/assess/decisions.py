"""The log of decisions of an assessment: a hash chain to which records are added, and never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.errors import DefinitionError, Problem
from factory_kit.load.checked import problems_of
from factory_kit.load.document import Document
from factory_kit.model.assessment import Judgement, Verdict
from factory_kit.seal.chain import Link, chain_of, open_chain, read_chain

__all__ = ["Ruling", "add_judgements", "judgements_in", "latest", "read_judgements"]


@dataclass(frozen=True)
class Ruling:
    """What a person decided about one criterion: verdict and new value, who and why, and what stood there before."""

    criterion: str
    verdict: Verdict
    new: str
    by: str
    why: str
    old: str = ""
    machine: str = ""
    records: Sequence[str] = ()


def read_judgements(path: Path) -> tuple[Judgement, ...]:
    """The records of the log *path*, oldest first; none when there is no file.

    ``Altered`` when one was changed, added or taken out, ``DefinitionError`` with every one that is no judgement.
    """
    return _checked_all(read_chain(path), path.name) if path.exists() else ()


def judgements_in(folder: AssessmentFolder) -> tuple[Judgement, ...]:
    """The decisions on the assessment in *folder*; errors as ``read_judgements``."""
    name = folder.decisions_file.name
    if folder.contents is None:
        return read_judgements(folder.decisions_file)
    return _checked_all(chain_of(folder.files.read(name), name), name) if folder.files.has(name) else ()


def _checked_all(links: Iterable[Link], name: str) -> tuple[Judgement, ...]:
    found: list[Judgement] = []
    problems: list[Problem] = []
    for link in links:
        try:
            found.append(_checked(link.record, name, link.n))
        except DefinitionError as error:
            problems += error.problems
    if problems:
        raise DefinitionError(problems)
    return tuple(found)


def add_judgements(path: Path, rulings: Sequence[Ruling], now: int) -> tuple[Judgement, ...]:
    """*rulings*, made at *now* (microseconds since 1970-01-01 UTC), at the end of the log *path*: all of them or none."""
    begun = len(read_judgements(path))
    at = datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    records: list[Mapping[str, Any]] = [_record(ruling, at) for ruling in rulings]
    added = tuple(_checked(record, path.name, begun + index) for index, record in enumerate(records, start=1))
    with open_chain(path) as chain:
        chain.append_all(list(records))
    return added


def latest(judgements: Sequence[Judgement]) -> Mapping[str, Judgement]:
    """The judgement that counts for each criterion: the last one."""
    return {judgement.criterion: judgement for judgement in judgements}


def _record(ruling: Ruling, at: str) -> Mapping[str, Any]:
    return {
        "form": 1,
        "criterion": ruling.criterion,
        "verdict": ruling.verdict,
        "old": ruling.old,
        "machine": ruling.machine,
        "records": list(ruling.records),
        "new": ruling.new,
        "by": ruling.by,
        "at": at,
        "why": ruling.why,
    }


def _checked(record: Mapping[str, Any], name: str, number: int) -> Judgement:
    content = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
    try:
        return Judgement.model_validate(content)
    except ValidationError as error:
        wrong = problems_of(error, Document(name, content, {}), Judgement)
        raise DefinitionError(Problem(name, number, each.path, each.message, each.details) for each in wrong) from error
