"""An assessment scored: everything read, decided and weighed, and the file ``score.json`` that anybody can rebuild."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from pydantic_core import to_json

from factory_kit.assess.decisions import judgements_in, latest
from factory_kit.assess.definitions import model_in
from factory_kit.assess.evidence import freeze_indicators, frozen_indicators, read_evidence, silent, speaking_for
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.proposals import Proposal, proposals
from factory_kit.assess.standing import Contradiction, Proofs, Standing, contradictions, decided_text, standings
from factory_kit.errors import DefinitionError, Problem
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.load.answers import answers_in
from factory_kit.load.checked import checked
from factory_kit.load.document import CanonicalDocument, Document, read_yaml
from factory_kit.model.answers import Answers
from factory_kit.model.assessment import Assessment, Judgement
from factory_kit.model.definition import exact
from factory_kit.model.evidence import Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.maturity import MaturityModel
from factory_kit.score import Decided, Ref, Score, Sentence, Value, exact_text, score, score_record
from factory_kit.score.sentence import sentence
from factory_kit.seal.canonical import canonical

__all__ = ["Scored", "content", "read_rating", "read_scored", "write_score"]

CONTRADICTED = N_(
    "{count} answers stand above what machine evidence shows, and nobody decided which counts: {criteria}"
)
INCONCLUSIVE = N_("machine evidence is inconclusive for {criteria}: too little data is no proof, and no zero")
STALE = N_("the answers to {criteria} were changed after the decisions on them; decide again")
OUTSIDE = N_("{count} evidence records speak for days outside the period of the assessment")
SILENT = N_("{count} evidence records were made by indicators that are not at hand; they propose nothing")
LOST = N_("the answers to {criteria} name machine records that are not in the folder evidence; they count as declared")


@dataclass(frozen=True)
class Scored:
    """One assessment with everything its score rests on."""

    folder: AssessmentFolder
    assessment: Assessment
    model: MaturityModel
    answers: Answers
    judgements: tuple[Judgement, ...]
    evidence: tuple[Evidence, ...]
    indicators: Mapping[str, Indicator]
    standings: Mapping[str, Standing]
    score: Score
    inputs: Mapping[str, object]
    """Hashes of what was read, so that a changed input shows in ``score.json``."""
    read: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """``assessment.json`` and ``answers.json`` as they were scored, in the form in which they are sealed."""

    @property
    def decided(self) -> Mapping[str, Decided]:
        """What counts, by criterion."""
        return {criterion: standing.decided for criterion, standing in self.standings.items()}

    @property
    def trial(self) -> bool:
        """Whether the score counts as a trial only (试评): something of its model was never compared with the standard."""
        return self.model.status == "unverified"

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """Answers above their machine evidence that nobody decided on."""
        return tuple(contradictions(self.standings))

    @property
    def open_proposals(self) -> tuple[Proposal, ...]:
        """Machine proposals that nobody has accepted or set aside, and that differ from what counts."""
        found = (standing for standing in self.standings.values() if standing.by in {"answer", "change"})
        return tuple(each.proposal for each in found if each.proposal and _differs(each.decided, each.proposal))

    @property
    def outside(self) -> tuple[Evidence, ...]:
        """Records that speak for days outside the period of the assessment."""
        period = self.assessment.period
        spans = ((record, *_days(record)) for record in self.evidence)
        return tuple(record for record, first, last in spans if first < period.start or last > period.end)

    @property
    def warnings(self) -> tuple[Sentence, ...]:
        """What a reader must know before believing the score."""
        return (*self.score.warnings, *_warned(self))

    def record(self) -> dict[str, object]:
        """The content of ``score.json``: exact texts only, no clock, no sentence, no version of this software.

        Keys stand in the order in which they are written.
        """
        found = {
            **score_record(self.score),
            "assessment": self.assessment.id,
            "kind": self.assessment.kind,
            "inputs": dict(sorted(self.inputs.items())),
            "criteria": {criterion: _shown(self.standings[criterion]) for criterion in sorted(self.standings)},
            "gains": [
                {"criterion": gain.criterion, "gain": exact_text(gain.gain), "now": exact_text(gain.now)}
                for gain in self.score.gains
            ],
            "shortest_way": [gain.criterion for gain in self.score.shortest_way],
            "contradictions": [
                {"answer": exact_text(each.answer), "criterion": each.criterion, "machine": exact_text(each.machine)}
                for each in self.contradictions
            ],
        }
        return dict(sorted(found.items()))

    def is_in(self, data: bytes) -> bool:
        """Whether *data* are the bytes of ``score.json``."""
        return to_json(self.record()) == data or self.canonical() == data

    def canonical(self) -> bytes:
        """The bytes of ``score.json``."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        return canonical(self.record(), self.folder.shown("score.json"))


def read_scored(folder: AssessmentFolder) -> Scored:
    """The assessment in *folder* scored from its own files alone: the frozen model and the frozen indicators.

    ``DefinitionError`` with all mistakes of a file, ``Altered`` when the log of decisions was changed.
    """
    return _scored(folder, folder.document("answers"), judgements_in(folder))


def read_rating(folder: AssessmentFolder, file: Path) -> Scored:
    """The blind rating in *file*, scored by itself: neither the answers nor the decisions of anybody else count or are read."""
    return _scored(folder, read_yaml(file, folder.shown(f"ratings/{file.name}")), ())


def _scored(folder: AssessmentFolder, filled_in: Document, judgements: tuple[Judgement, ...]) -> Scored:
    about = folder.document("assessment")
    assessment = checked(about, Assessment)
    model = _model(folder, assessment)
    answers = answers_in(filled_in, model)
    _check_head(filled_in, answers, assessment)
    evidence = read_evidence(folder, assessment)
    indicators = frozen_indicators(folder)
    proposed = proposals(model, speaking_for(evidence, indicators))
    proofs = Proofs(frozenset(record.id for record in evidence), assessment.period.end)
    _check_judgements(folder, model, judgements)
    found = standings(model, answers, latest(judgements), proposed, proofs)
    decided = {criterion: standing.decided for criterion, standing in found.items()}
    result = score(model, answers.type, decided, answers.trimming)
    read = {"assessment.json": content(about), "answers.json": content(filled_in)}
    inputs = {
        "assessment_sha256": _sha256(read["assessment.json"]),
        "answers_sha256": _sha256(read["answers.json"]),
        **_other_inputs(folder, evidence, indicators),
    }
    return Scored(folder, assessment, model, answers, judgements, evidence, indicators, found, result, inputs, read)


def write_score(folder: AssessmentFolder, sources: Sequence[Path]) -> Scored:
    """The assessment in *folder* scored, its indicators frozen out of *sources*, and ``score.json`` written."""
    freeze_indicators(folder, read_evidence(folder, folder.assessment()), sources)
    scored = read_scored(folder)
    write_atomically(folder.score_file, scored.canonical())
    return scored


def _model(folder: AssessmentFolder, assessment: Assessment) -> MaturityModel:
    wanted = assessment.model
    place = f"models/{wanted.id}/{wanted.edition}"
    model = model_in(folder.files.below("models", wanted.id, wanted.edition), folder.shown(place))
    if model.sha256 != wanted.sha256:
        message = N_(
            "has the content {found}, assessment.yaml names {expected}: the frozen copy was changed; restore it"
        )
        details: dict[str, object] = {"found": model.sha256, "expected": wanted.sha256}
        raise DefinitionError([Problem(folder.shown(f"{place}/model.yaml"), 0, "", message, details)])
    return model


def _check_head(document: Document, answers: Answers, assessment: Assessment) -> None:
    problems = [
        Problem(
            document.name, document.line((key,)), key, N_("{found!r} differs from assessment.yaml, expected {expected!r}"),
            {"found": found, "expected": expected},
        )
        for key, found, expected in (
            ("kind", answers.kind, assessment.kind),
            ("type", answers.type, assessment.plant.type),
        )
        if found != expected
    ]  # fmt: skip
    if problems:
        raise DefinitionError(problems)


def _check_judgements(folder: AssessmentFolder, model: MaturityModel, judgements: Sequence[Judgement]) -> None:
    problems = []
    for number, judgement in enumerate(judgements, start=1):
        criterion = model.criteria.get(judgement.criterion)
        if criterion is None:
            message = N_("{criterion!r} is no criterion of {model}")
            details: dict[str, object] = {"criterion": judgement.criterion, "model": model.id}
            problems.append(Problem(folder.shown("decisions.jsonl"), number, "criterion", message, details))
        elif exact(judgement.new) not in model.options[criterion.options]:
            message = N_("{value} is not allowed, expected one of {allowed}")
            details = {"value": judgement.new, "allowed": ", ".join(model.structure.options[criterion.options])}
            problems.append(Problem(folder.shown("decisions.jsonl"), number, "new", message, details))
    if problems:
        raise DefinitionError(problems)


def _other_inputs(
    folder: AssessmentFolder, evidence: Sequence[Evidence], indicators: Mapping[str, Indicator]
) -> Mapping[str, object]:
    files = folder.files
    used = {
        name: {
            "definition_sha256": files.sha256(f"indicators/{name}/indicator.yaml"),
            "rev": indicator.definition.rev,
            "sql_sha256": indicator.sql_sha256,
        }
        for name, indicator in sorted(indicators.items())
    }
    decided = folder.decisions_file.name
    return {
        "decisions_sha256": _sha256(files.read(decided)) if files.has(decided) else None,
        "evidence": sorted(record.id for record in evidence),
        "indicators": used,
    }


def content(document: Document) -> bytes:
    """What *document* says as canonical JSON, comments and order of keys left out: the form in which it is sealed."""
    if isinstance(document, CanonicalDocument):
        return document.data
    return canonical(document.content, document.name)


def _shown(standing: Standing) -> dict[str, object]:
    decided, proposal = standing.decided, standing.proposal
    proven = decided.proven if isinstance(decided, Value) else None
    machine = None
    if proposal is not None:
        proposed = exact_text(proposal.score) if proposal.score is not None else None
        machine = {"inconclusive": proposal.inconclusive, "records": list(proposal.records), "score": proposed}
    return {
        "by": standing.by,
        "counts": decided_text(decided),
        "grade": decided.grade,
        "machine": machine,
        "proven": exact_text(proven) if proven is not None else None,
    }


def _warned(scored: Scored) -> Iterator[Sentence]:
    found = scored.standings
    contradicted = _refs(each.criterion for each in scored.contradictions)
    if contradicted:
        yield sentence(CONTRADICTED, count=len(contradicted), criteria=contradicted)
    inconclusive = _refs(name for name, each in found.items() if each.proposal and each.proposal.inconclusive)
    if inconclusive:
        yield sentence(INCONCLUSIVE, criteria=inconclusive)
    stale = _refs(name for name, each in found.items() if each.stale)
    if stale:
        yield sentence(STALE, criteria=stale)
    lost = _refs(_naming_lost_records(scored))
    if lost:
        yield sentence(LOST, criteria=lost)
    yield from _about_records(scored)


def _about_records(scored: Scored) -> Iterator[Sentence]:
    if scored.outside:
        yield sentence(OUTSIDE, count=len(scored.outside))
    unheard = silent(scored.evidence, scored.indicators)
    if unheard:
        yield sentence(SILENT, count=len(unheard))


def _days(record: Evidence) -> tuple[date, date]:
    """The first and the last day of *record*; its interval ends at the midnight after the last."""
    last = datetime.fromisoformat(record.end) - timedelta(microseconds=1)
    return datetime.fromisoformat(record.start).date(), last.date()


def _naming_lost_records(scored: Scored) -> Iterator[str]:
    known = {record.id for record in scored.evidence}
    for criterion, answer in scored.answers.answers.items():
        if any(item.grade == "A" and item.sha256 not in known for item in answer.evidence):
            yield criterion


def _differs(decided: Decided, proposal: Proposal) -> bool:
    return proposal.score is not None and not (isinstance(decided, Value) and decided.value == proposal.score)


def _refs(criteria: Iterator[str]) -> tuple[Ref, ...]:
    return tuple(Ref(criterion) for criterion in criteria)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
