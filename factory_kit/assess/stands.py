"""Where a plant stands on the ladders beside its assessment, from the files of the assessment alone, as a bundle holds them.

``ladders/<ladder>@<edition>.yaml`` (in a bundle ``.json``) are the answers, ``models/<ladder>/<edition>/ladder.yaml`` is the
frozen ladder, and ``ladders.json`` is what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from factory_kit.assess.definitions import ladder_in
from factory_kit.assess.evidence import StatedByServers, stated_by_servers
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import Scored, content
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.document import Document, parse_json, text_in, yaml_in
from factory_kit.load.ladder import ladder, ladder_answers_in, ladder_folders
from factory_kit.model.answers import Answer, NoValueKind
from factory_kit.model.definition import exact
from factory_kit.model.evidence import Evidence
from factory_kit.model.ladder import Ladder, LevelCondition
from factory_kit.score import Decided, NoValue, Value, exact_text
from factory_kit.score.ladder import Climbed, climb
from factory_kit.seal.canonical import canonical

__all__ = [
    "STANDS",
    "Stand",
    "freeze_ladders",
    "ladder_parts",
    "stand_record",
    "standing_on",
    "stands",
    "stands_bytes",
]

STANDS = "ladders.json"


@dataclass(frozen=True)
class Stand:
    """Where a plant stands on one ladder."""

    ladder: Ladder
    climbed: Climbed
    answered: int
    levels: Mapping[str, int]
    """The levels by other models that were known."""
    values: Mapping[str, Fraction]
    """Item → value, where there is one."""
    stated: Mapping[str, StatedByServers] = field(default_factory=dict)
    """Item → what discovered servers state about it; it proposes, the answer decides."""

    @property
    def contradicted(self) -> tuple[str, ...]:
        """Items whose answer stands above what servers state, in the order of the ladder."""
        return tuple(
            name for name in self.ladder.items
            if name in self.values and name in self.stated and self.values[name] > self.stated[name].score
        )  # fmt: skip


def freeze_ladders(folder: AssessmentFolder, sources: Sequence[Path]) -> None:
    """Keep beside the answers to each ladder a copy of the ladder they answer, byte for byte, out of *sources*."""
    known = ladder_folders(sources)
    for key in _keys(folder):
        frozen = folder.path / "models" / Path(*key.split("@")) / "ladder.yaml"
        if key in known and not (frozen.is_file() and _answered(folder, key) == ladder(frozen.parent, key).sha256):
            if _answered(folder, key) != ladder(known[key], key).sha256:
                continue  # answers to another content: reading them says so
            frozen.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(frozen, (known[key] / "ladder.yaml").read_bytes())


def stands(scored: Scored) -> tuple[Stand, ...]:
    """Where the plant stands on each ladder it answered, by name; from the folder of *scored* alone.

    Levels by other models come from the score itself and from the other ladders; what is not there is unknown.
    ``DefinitionError`` with the mistakes of answers or ladders.
    """
    folder = scored.folder
    ladders = {key: _frozen(folder, key) for key in _keys(folder)}
    own = {scored.model.structure.model: scored.score.level}
    return tuple(_stand(scored, key, ladders, own, ()) for key in sorted(ladders))


def ladder_parts(scored: Scored) -> dict[str, bytes]:
    """What a bundle holds of the ladders beside the frozen ladders themselves; nothing where none is answered."""
    folder = scored.folder
    answers = {f"ladders/{key}.json": content(_document(folder, key)) for key in _keys(folder)}
    return {**answers, STANDS: stands_bytes(stands(scored))} if answers else {}


def stands_bytes(found: Sequence[Stand]) -> bytes:
    """The content of ``ladders.json``."""
    return canonical({"form": 1, "ladders": [stand_record(stand) for stand in found]}, STANDS)


def stand_record(stand: Stand) -> dict[str, object]:
    """*stand* as plain data: exact texts only."""
    climbed = stand.climbed
    stated = {name: _stated(found) for name, found in stand.stated.items()}
    return {
        **({"stated": stated, "contradicted": list(stand.contradicted)} if stated else {}),
        "ladder": stand.ladder.id,
        "sha256": stand.ladder.sha256,
        "status": stand.ladder.content.status,
        "level": climbed.level,
        "proven": climbed.proven,
        "at_best": climbed.at_best,
        "levels_elsewhere": dict(stand.levels),
        "values": {name: exact_text(value) for name, value in stand.values.items()},
        "rungs": [
            {
                "level": rung.level,
                "state": rung.state,
                "conditions": [
                    {
                        **held.condition.model_dump(mode="json"),
                        "state": held.state,
                        "found": [exact_text(end) for end in held.found],
                    }
                    for held in rung.held
                ],
            }
            for rung in climbed.rungs
        ],
    }


def _stated(found: StatedByServers) -> dict[str, object]:
    because = sorted({reason for _record, statement in found.by for reason in statement.because})
    return {
        "score": exact_text(found.score), "because": because, "records": sorted(record.id for record, _said in found.by),
    }  # fmt: skip


def standing_on(
    document: Document, found: Ladder, levels: Mapping[str, int], evidence: Sequence[Evidence] = ()
) -> Stand:
    """Where a plant stands on the ladder *found* by the answers of *document* and its *levels* elsewhere.

    *evidence* is what machines showed; of it, what servers state about items of the ladder stands beside the answers.
    """
    answers = ladder_answers_in(document, found)
    decided = {name: _decided(answer) for name, answer in answers.answers.items()}
    figures = {name: exact(text) for name, text in answers.figures.items()}
    values = {name: answer.value for name, answer in decided.items() if isinstance(answer, Value)}
    stated = {name: said for name, said in stated_by_servers(evidence, found.id).items() if name in found.items}
    return Stand(found, climb(found, decided, figures, levels), len(values), levels, values, stated)


def _stand(
    scored: Scored, key: str, ladders: Mapping[str, Ladder], own: Mapping[str, int], seen: tuple[str, ...]
) -> Stand:
    found = ladders[key]
    levels = {}
    for model in sorted(_needed(found)):
        if model in own:
            levels[model] = own[model]
        for other in sorted(ladders):
            if other.partition("@")[0] == model and other not in (*seen, key):
                levels[model] = _stand(scored, other, ladders, own, (*seen, key)).climbed.level
    return standing_on(_document(scored.folder, key), found, levels, scored.evidence)


def _needed(found: Ladder) -> set[str]:
    """The other models that conditions of the ladder refer to."""
    conditions = (condition for rung in found.content.rungs for condition in rung.all_of)
    return {condition.model for condition in conditions if isinstance(condition, LevelCondition)}


def _keys(folder: AssessmentFolder) -> list[str]:
    """The ladders that are answered, ``id@edition`` each."""
    names = folder.files.below("ladders").names()
    return sorted({name.rpartition(".")[0] for name in names if name.endswith((".yaml", ".json")) and "@" in name})


def _document(folder: AssessmentFolder, key: str) -> Document:
    files = folder.files.below("ladders")
    written, sealed = f"{key}.yaml", f"{key}.json"
    if files.has(sealed) and not files.has(written):
        return parse_json(text_in(files, sealed, folder.shown(f"ladders/{sealed}")), folder.shown(f"ladders/{sealed}"))
    return yaml_in(files, written, folder.shown(f"ladders/{written}"))


def _answered(folder: AssessmentFolder, key: str) -> object:
    """The hash of the ladder that the answers name."""
    said = _document(folder, key).content
    return said.get("ladder_sha256") if isinstance(said, dict) else None


def _frozen(folder: AssessmentFolder, key: str) -> Ladder:
    name, _, edition = key.partition("@")
    place = folder.files.below("models", name, edition)
    if not place.has("ladder.yaml"):
        raise UsageError(
            "{file}: answers a ladder that is not at hand; put {key} into assessments/models, or remove the file",
            file=folder.shown(f"ladders/{key}.yaml"),
            key=key,
        )
    return ladder_in(place, folder.shown(f"models/{name}/{edition}"))


def _decided(answer: Answer) -> Decided:
    if answer.value is not None:
        return Value(exact(answer.value), answer.grade)
    return NoValue(NoValueKind(answer.no_value or "not assessed"), answer.reason, answer.grade)
