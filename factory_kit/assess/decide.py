"""Deciding: taking what machine evidence proposes, setting it aside, or changing an answer; who, when and why are kept."""

from __future__ import annotations

from collections.abc import Sequence

from factory_kit.assess.decisions import Ruling, add_judgements
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import Scored, read_scored
from factory_kit.assess.standing import answer_text
from factory_kit.errors import AssessmentError, UsageError
from factory_kit.model.assessment import Judgement, Verdict
from factory_kit.model.definition import exact
from factory_kit.score import exact_text

__all__ = ["accept", "settle"]


def accept(folder: AssessmentFolder, criteria: Sequence[str], by: str, why: str, now: int) -> tuple[Judgement, ...]:
    """The machine's proposals for *criteria* are taken (for all open ones when *criteria* is empty), by *by* because of *why*.

    *now* is microseconds since 1970-01-01 UTC. ``UsageError`` when there is no proposal to take; all are taken or none.
    """
    scored = read_scored(folder)
    wanted = criteria or [proposal.criterion for proposal in scored.open_proposals]
    rulings = [_accepted(scored, criterion, by, why) for criterion in wanted]
    return add_judgements(folder.decisions_file, rulings, now) if rulings else ()


def settle(folder: AssessmentFolder, criterion: str, value: str, by: str, why: str, now: int) -> Judgement:
    """*criterion* counts *value* from *now* on, decided by *by* because of *why*; what the machine proposes stays beside it.

    ``AssessmentError`` for a criterion the model does not have, or a value it does not allow.
    """
    scored = read_scored(folder)
    _check_value(scored, criterion, value)
    verdict: Verdict = "change" if _proposed(scored, criterion) is None else "override-machine"
    return add_judgements(folder.decisions_file, [_ruling(scored, criterion, verdict, value, by, why)], now)[0]


def _accepted(scored: Scored, criterion: str, by: str, why: str) -> Ruling:
    _check_criterion(scored, criterion)
    proposed = _proposed(scored, criterion)
    if proposed is None:
        raise UsageError(
            "{criterion}: no machine evidence proposes a value for it; answer it in answers.yaml", criterion=criterion
        )
    return _ruling(scored, criterion, "accept-machine", proposed, by, why)


def _ruling(scored: Scored, criterion: str, verdict: Verdict, value: str, by: str, why: str) -> Ruling:
    standing = scored.standings.get(criterion)
    proposal = standing.proposal if standing else None
    return Ruling(
        criterion=criterion,
        verdict=verdict,
        new=value,
        by=by,
        why=why,
        old=answer_text(standing.answer if standing else None),
        machine=_proposed(scored, criterion) or "",
        records=proposal.records if proposal else (),
    )


def _proposed(scored: Scored, criterion: str) -> str | None:
    standing = scored.standings.get(criterion)
    if standing is None or standing.proposal is None or standing.proposal.score is None:
        return None
    return exact_text(standing.proposal.score)


def _check_criterion(scored: Scored, criterion: str) -> None:
    if criterion not in scored.model.criteria:
        raise AssessmentError(
            "{model}: {criterion!r} is no criterion of this model", model=scored.model.id, criterion=criterion
        )


def _check_value(scored: Scored, criterion: str, value: str) -> None:
    _check_criterion(scored, criterion)
    options = scored.model.criteria[criterion].options
    try:
        allowed = exact(value) in scored.model.options[options]
    except (ValueError, ZeroDivisionError):
        allowed = False
    if not allowed:
        raise AssessmentError(
            "{criterion}: {value} is not allowed, expected one of {allowed}",
            criterion=criterion,
            value=value,
            allowed=", ".join(scored.model.structure.options[options]),
        )
