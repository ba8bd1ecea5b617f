"""What the district's rules need to know of a score that was rebuilt from its bundle alone.

A module of its own: processes that look at bundles import it and little else.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import TYPE_CHECKING

from factory_kit.assess.bundle import PLACES, rescored
from factory_kit.assess.standing import answer_text
from factory_kit.district.rules import Rebuilt
from factory_kit.errors import AssessmentError, FactoryKitError
from factory_kit.model.answers import NoValueKind
from factory_kit.model.definition import exact
from factory_kit.model.maturity import Bands
from factory_kit.score import exact_text, rounded_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from factory_kit.assess.scored import Scored
    from factory_kit.assess.stands import Stand
    from factory_kit.seal.verify import Sealed

__all__ = ["rebuilt"]

SMART_FACTORY = "smart-factory"


def rebuilt(sealed: Sealed) -> Rebuilt:
    """The score of the bundle *sealed*, rebuilt, and what stands behind it; ``AssessmentError`` for what is no bundle."""
    _check_names(sealed)
    found = rescored(sealed)
    scored = found.scored
    score = scored.score
    sent_level, sent_total = (None, None) if found.same else _sent(sealed, scored)
    answers = "\n".join(f"{name}={answer_text(answer)}" for name, answer in sorted(scored.answers.answers.items()))
    return Rebuilt(
        same=found.same,
        differences=found.differences,
        level=score.level,
        floor=score.floor.level,
        total=rounded_down(score.total, scored.model.structure.scoring.shown.places),
        open=len(score.unanswered),
        contradictions=tuple(each.criterion for each in scored.contradictions),
        simulated=any("simulated" in record.origin for record in scored.evidence),
        outside=len(scored.outside),
        expired=_expired(scored),
        not_applicable=len(score.no_values[NoValueKind.NOT_APPLICABLE]),
        requirements=len(scored.model.criteria),
        thin=tuple(record.coverage for record in scored.evidence if record.value is not None and record.coverage),
        documents=tuple(sorted(set(_documents(scored)))),
        next_at=_next_at(scored),
        answers=hashlib.sha256(answers.encode()).hexdigest(),
        domains=_domains(scored),
        verified=scored.model.status == "verified",
        ladders=tuple(map(_stands, found.stands)),
        scenes=tuple(scene for stand in found.stands for scene in _scenes(stand)),
        sent_level=sent_level,
        sent_total=sent_total,
    )


def _sent(sealed: Sealed, scored: Scored) -> tuple[int | None, str | None]:
    """Level and total as the bundle itself says them; nothing where it says them in no form of ours."""
    try:
        said = sealed.read_json("score.json")
        level, total = said["level"], exact(said["total"])
    except (FactoryKitError, AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        return None, None
    if not isinstance(level, int):
        return None, None
    return level, rounded_down(total, scored.model.structure.scoring.shown.places)


def _stands(stand: Stand) -> dict[str, Any]:
    content, level = stand.ladder.content, stand.climbed.level
    mark = next((rung.mark for rung in content.rungs if rung.level == level), None)
    return {
        "ladder": stand.ladder.id, "level": level, "proven": stand.climbed.proven, "at_best": stand.climbed.at_best,
        "verified": content.status == "verified", "zh": mark.zh if mark else "", "en": mark.en if mark else "",
    }  # fmt: skip


def _scenes(stand: Stand) -> Iterator[str]:
    """Scenes that are built, by the ladder of smart factories; scenes of other ladders have levels of their own."""
    if stand.ladder.content.ladder == SMART_FACTORY:
        scenes = {item.id for item in stand.ladder.within("scenes")}
        yield from sorted(name for name, value in stand.values.items() if name in scenes and value >= 1)


def _check_names(sealed: Sealed) -> None:
    folders = tuple(place for place in PLACES if place.endswith("/"))
    for name in sealed.names:
        if name not in PLACES and not name.startswith(folders):
            raise AssessmentError(
                "{file}: holds {name!r}, which belongs to no bundle; do not use it", file=sealed.path.name, name=name
            )


def _next_at(scored: Scored) -> str:
    steps = scored.model.structure.scoring.steps
    bands = [band for step in steps if isinstance(step, Bands) for band in step.bands]
    return next(
        (band.at_least for band in sorted(bands, key=lambda each: each.level) if band.level > scored.score.level), ""
    )


def _expired(scored: Scored) -> int:
    last = scored.assessment.period.end
    items = (item for answer in scored.answers.answers.values() for item in answer.evidence)
    return sum(item.expires is not None and item.expires < last for item in items)


def _documents(scored: Scored) -> Iterator[str]:
    """Hashes of what people saw; machine records are in the bundle themselves."""
    for answer in scored.answers.answers.values():
        for item in answer.evidence:
            if item.sha256 and item.grade != "A":
                yield item.sha256


def _domains(scored: Scored) -> Mapping[str, str]:
    """By node without nodes below it the mean of its scores over the levels that ask for something, rounded down to four places."""
    above = {node.parent for node in scored.model.structure.nodes}
    values: dict[str, list[Fraction]] = {}
    for node in scored.score.nodes:
        if node.value is not None and node.node not in above:
            values.setdefault(node.node, []).append(node.value)
    return {
        node: exact_text(_four_places(sum(found, Fraction()) / len(found))) for node, found in sorted(values.items())
    }


def _four_places(value: Fraction) -> Fraction:
    return Fraction(int(value * 10_000), 10_000)
