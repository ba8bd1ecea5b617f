"""The log of decisions of an assessment: lines are added, never changed, and each carries the hash of the line before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from factory_kit.errors import DefinitionError, Problem
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.load.checked import problems_of
from factory_kit.load.document import Document, read_text
from factory_kit.model.assessment import Judgement, Verdict
from factory_kit.seal.canonical import canonical

__all__ = ["Ruling", "add_judgement", "latest", "read_judgements"]


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


def read_judgements(path: Path, name: str) -> tuple[Judgement, ...]:
    """The lines of the log *path*, oldest first, none when there is no file; ``DefinitionError`` with every wrong line."""
    if not path.exists():
        return ()
    problems: list[Problem] = []
    found: list[Judgement] = []
    before = ""
    for number, line in enumerate(_lines(path, name), start=1):
        judgement = _judgement(line, name, number, problems)
        if judgement is not None:
            if judgement.previous != before:
                message = N_(
                    "does not follow the line before it: a line was changed, added or taken out; restore the log"
                )
                problems.append(Problem(name, number, "previous", message))
            found.append(judgement)
        before = _sha256(line)
    if problems:
        raise DefinitionError(problems)
    return tuple(found)


def add_judgement(path: Path, name: str, ruling: Ruling, now: int) -> Judgement:
    """*ruling* at the end of the log *path*, made at *now* (microseconds since 1970-01-01 UTC); the log is checked first."""
    read_judgements(path, name)
    lines = _lines(path, name) if path.exists() else []
    record = {
        "form": 1,
        "criterion": ruling.criterion,
        "verdict": ruling.verdict,
        "old": ruling.old,
        "machine": ruling.machine,
        "records": list(ruling.records),
        "new": ruling.new,
        "by": ruling.by,
        "at": datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "why": ruling.why,
        "previous": _sha256(lines[-1]) if lines else "",
    }
    line = canonical(record, name).decode("utf-8")
    judgement = _checked(line, name, len(lines) + 1)
    write_atomically(path, "".join(f"{each}\n" for each in (*lines, line)))
    return judgement


def latest(judgements: Sequence[Judgement]) -> Mapping[str, Judgement]:
    """The judgement that counts for each criterion: the last one."""
    return {judgement.criterion: judgement for judgement in judgements}


def _lines(path: Path, name: str) -> list[str]:
    text = read_text(path, name)
    return text.removesuffix("\n").split("\n") if text else []


def _judgement(line: str, name: str, number: int, problems: list[Problem]) -> Judgement | None:
    try:
        return _checked(line, name, number)
    except DefinitionError as error:
        problems += error.problems
        return None


def _checked(line: str, name: str, number: int) -> Judgement:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = N_("is no JSON line (cut short?); restore the log from a copy")
        raise DefinitionError([Problem(name, number, "", message)]) from error
    if isinstance(content, dict) and isinstance(content.get("records"), list):
        content["records"] = tuple(content["records"])
    try:
        return Judgement.model_validate(content)
    except ValidationError as error:
        places = Document(name, content, {})
        wrong = problems_of(error, places, Judgement)
        raise DefinitionError(
            [Problem(name, number, each.path, each.message, each.details) for each in wrong]
        ) from error


def _sha256(line: str) -> str:
    return hashlib.sha256(line.encode("utf-8")).hexdigest()
