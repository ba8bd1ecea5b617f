"""Answers carried over to another model edition: a new draft, every answer carried, to be confirmed, or to be asked anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from factory_kit.assess.begin import Wish, begin, find_edition
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import TO_FILL_IN, answers_text
from factory_kit.assess.scored import Scored, read_scored
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.crosswalk import crosswalk, crosswalk_files
from factory_kit.load.maturity import maturity_model
from factory_kit.load.workspace import Workspace
from factory_kit.model.answers import Answer, Answers, NoValueKind
from factory_kit.model.crosswalk import Crosswalk, CrosswalkRow, End
from factory_kit.model.definition import Source, exact
from factory_kit.model.maturity import MaturityModel
from factory_kit.score import Value, exact_text
from factory_kit.shipped import search_path

__all__ = ["Fate", "Migrated", "fates", "migrate"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the answer to one requirement of the new edition."""

    criterion: str
    how: Literal["carried", "confirm", "ask"]
    before: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """A new draft, what became of each answer, and the old requirements that have no place in it."""

    folder: AssessmentFolder
    fates: tuple[Fate, ...]
    dropped: tuple[str, ...]


def migrate(workspace: Workspace, name: str, model: str, new_name: str, id_: str) -> Migrated:
    """The assessment *name* as the new draft *new_name* by *model* (``id@edition``), whose random id is *id_*.

    The crosswalk of the two editions says what carries over; between two contents of one edition the ids and their ``rev`` do.
    The old assessment stays as it is. Evidence of machines is not carried: the indicators are run again for the new model.
    ``UsageError`` where there is no way from the one to the other, ``DefinitionError`` for mistakes of the crosswalk.
    """
    scored = read_scored(AssessmentFolder.of(workspace, name))
    target = maturity_model(find_edition(workspace, model), f"models/{model.replace('@', '/')}")
    way = _way(workspace, scored.model, target)
    planned = list(fates(scored.model, target, way))
    given = {fate.criterion: _answer(scored, target, fate) for fate in planned}
    found = tuple(_as_done(fate, refused=_refused(scored, given, fate)) for fate in planned)
    kept = {code for fate in found for code in fate.before}
    dropped = tuple(code for code in scored.model.criteria if code not in kept)
    folder = begin(workspace, _wish(scored, model, new_name), id_)
    answers = _answers(scored, target, given)
    text = answers_text(target, answers.kind, answers.type, answers.assessor, answers)
    write_atomically(folder.answers_file, text)
    return Migrated(folder, found, dropped)


def fates(old: MaturityModel, new: MaturityModel, way: Crosswalk) -> Iterator[Fate]:
    """What becomes of the answer to each criterion of *new*, in its order."""
    rows = {code: row for row in way.rows for code in row.after}
    for code, criterion in new.criteria.items():
        row = rows.get(code)
        if row is not None:
            yield Fate(code, _how(row), row.before, row.reason)
        elif way.rest == "same" and code in old.criteria:
            same = old.criteria[code].rev == criterion.rev
            reason = "" if same else f"rev {old.criteria[code].rev} -> {criterion.rev}"
            yield Fate(code, "carried" if same else "confirm", (code,), reason)
        else:
            yield Fate(code, "ask", (), "")


def _refused(scored: Scored, given: Mapping[str, Answer], fate: Fate) -> bool:
    """Whether there were values before, and none is there now."""
    had = [_counted(scored, code).value for code in fate.before]
    return bool(had) and None not in had and given[fate.criterion].value is None


def _as_done(fate: Fate, *, refused: bool) -> Fate:
    """*fate*, or to be confirmed where the new edition does not allow the old value."""
    return replace(fate, how="confirm") if fate.how == "carried" and refused else fate


def _how(row: CrosswalkRow) -> Literal["carried", "confirm", "ask"]:
    if row.kind in {"same", "merged"}:
        return "carried"
    return "confirm" if row.before else "ask"


def _way(workspace: Workspace, old: MaturityModel, new: MaturityModel) -> Crosswalk:
    files = crosswalk_files(search_path("assessments", workspace.root))
    file = files.get(f"{old.id}__{new.id}")
    if file is not None:
        found = crosswalk(file, old.criteria, new.criteria)
        if found.purpose == "migration":
            return found
    elif old.id == new.id:
        ends = End(model=new.structure.model, edition=new.structure.edition)
        source = Source(title=new.id, confidence="own")
        return Crosswalk(form=1, purpose="migration", before=ends, after=ends, source=source, rest="same")
    raise UsageError(
        "there is no migration from {old} to {new}; write assessments/crosswalks/{old}__{new}.yaml",
        old=old.id,
        new=new.id,
    )


def _answer(scored: Scored, target: MaturityModel, fate: Fate) -> Answer:
    """The answer in the new draft: a value only where it carries over, else nothing but a note of what was said before."""
    before = {code: _counted(scored, code) for code in fate.before}
    said = "; ".join(f"{code}: {answer.value or answer.no_value}" for code, answer in before.items())
    note = f"{scored.model.id} {said}" + (f" ({fate.reason})" if fate.reason else "") if said else ""
    if fate.how != "carried" or not before:
        return Answer(no_value="not assessed", remark=note)
    carried = min(before.values(), key=_rank)
    allowed = target.options[target.criteria[fate.criterion].options]
    if carried.value is not None and exact(carried.value) not in allowed:
        return Answer(no_value="not assessed", remark=note)
    return carried if len(before) == 1 else carried.model_copy(update={"remark": note})


def _rank(answer: Answer) -> tuple[int, Fraction]:
    """What carries over of several answers: what has no value before the lowest value."""
    return (0, Fraction(0)) if answer.value is None else (1, exact(answer.value))


def _counted(scored: Scored, code: str) -> Answer:
    """What counted for the old criterion, as an answer of a person: no machine evidence goes with it."""
    standing = scored.standings.get(code)
    if standing is None:
        return Answer(no_value="not assessed")
    given = standing.answer or Answer(no_value="not assessed")
    evidence = tuple(item for item in given.evidence if item.grade != "A")
    decided = standing.decided
    kept: dict[str, Any] = {"evidence": evidence, "remark": given.remark}
    if isinstance(decided, Value):
        return Answer(value=exact_text(decided.value), **kept)
    if decided.kind is NoValueKind.NOT_APPLICABLE:
        return Answer(no_value="not applicable", reason=given.reason, **kept)
    return Answer(no_value="unknown" if decided.kind is NoValueKind.UNKNOWN else "not assessed", **kept)


def _wish(scored: Scored, model: str, name: str) -> Wish:
    about = scored.assessment
    return Wish(
        name=name,
        model=model,
        period=(about.period.start, about.period.end),
        type=about.type,
        assessor=scored.answers.assessor or TO_FILL_IN,
        provider=about.provider.name if about.provider else "",
        units=about.units,
        on_site=about.on_site,
    )


def _answers(scored: Scored, target: MaturityModel, given: Mapping[str, Answer]) -> Answers:
    old = scored.answers
    trims = tuple(trim for trim in old.trimming if trim.node in target.nodes and target.nodes[trim.node].trimmable)
    return Answers(
        form=1,
        model=target.structure.model,
        edition=target.structure.edition,
        model_sha256=target.sha256,
        kind=old.kind,
        type=old.type,
        assessor=old.assessor,
        trimming=trims,
        answers=dict(given),
    )
