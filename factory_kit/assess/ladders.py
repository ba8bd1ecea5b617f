"""Ladders beside an assessment: the answers to each in ``ladders/<ladder>@<edition>.yaml``, and where the plant stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from factory_kit.assess.evidence import read_evidence
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import read_scored
from factory_kit.assess.stands import Stand, standing_on
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.document import read_yaml
from factory_kit.load.ladder import ladder, ladder_folders
from factory_kit.model.ladder import Ladder, LevelCondition

__all__ = ["Stand", "begin_ladder", "stand_on"]

HOW = """\
# {title}
# 每项填一种： / Each item takes one of:
#   {{value: "1", evidence: [{{grade: B, note: 设备台账 2026 版}}]}}   # 取值 / the value
#   {{no_value: not applicable, reason: 本厂不做产品设计}}              # 不适用 / does not apply
#   {{no_value: unknown}}                                             # 问过，无法证明 / asked, nobody could show it
# figures 填数字，写成 / numbers, written as: {{revenue: "5200", staff: "120"}}
"""


def begin_ladder(folder: AssessmentFolder, name: str, sources: Sequence[Path]) -> Path:
    """The file of answers to the ladder *name*, every item not assessed; ``UsageError`` where there is one, or no such ladder."""
    found = _found(name, sources)
    file = _file(folder, found)
    if file.exists():
        raise UsageError("{file}: is there already; nothing was changed", file=file)
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, "\n".join(_form(found)) + "\n")
    return file


def stand_on(folder: AssessmentFolder, name: str, sources: Sequence[Path]) -> Stand:
    """Where the plant of *folder* stands on the ladder *name*, by its answers and by its levels elsewhere.

    Levels by other models come from the assessment's own score, and from the answers to other ladders beside it; what is
    not there is unknown. ``UsageError`` where nobody has begun the ladder.
    """
    return _stand(folder, _found(name, sources), sources, ())


def _stand(folder: AssessmentFolder, found: Ladder, sources: Sequence[Path], seen: tuple[str, ...]) -> Stand:
    file = _file(folder, found)
    if not file.is_file():
        raise UsageError(
            "{file}: there are no answers yet; begin with factory-kit assess ladder {name} {ladder} --new",
            file=file,
            name=folder.path.name,
            ladder=found.id,
        )
    levels = dict(_levels(folder, found, sources, (*seen, found.content.ladder)))
    evidence = read_evidence(folder, folder.assessment())
    return standing_on(read_yaml(file, folder.shown(f"ladders/{file.name}")), found, levels, evidence)


def _levels(
    folder: AssessmentFolder, found: Ladder, sources: Sequence[Path], seen: tuple[str, ...]
) -> Iterator[tuple[str, int]]:
    needed = {
        condition.model
        for rung in found.content.rungs
        for condition in rung.all_of
        if isinstance(condition, LevelCondition) and condition.model not in seen
    }
    own = folder.assessment().model.id
    if own in needed:
        yield own, read_scored(folder).score.level
    for key, place in ladder_folders(sources).items():
        name = key.partition("@")[0]
        if name in needed and (folder.path / "ladders" / f"{key}.yaml").is_file():
            yield name, _stand(folder, ladder(place, key), sources, seen).climbed.level


def _found(name: str, sources: Sequence[Path]) -> Ladder:
    folders = ladder_folders(sources)
    matching = [key for key in folders if name in (key, key.partition("@")[0])]
    if len(matching) != 1:
        raise UsageError(
            "{name}: names {count} ladders; name one of {known}",
            name=name,
            count=len(matching),
            known=", ".join(matching or folders),
        )
    return ladder(folders[matching[0]], matching[0])


def _file(folder: AssessmentFolder, found: Ladder) -> Path:
    return folder.path / "ladders" / f"{found.id}.yaml"


def _form(found: Ladder) -> Iterator[str]:
    content = found.content
    yield HOW.format(title=f"{content.title.zh} / {content.title.en}").rstrip("\n")
    yield "form: 1"
    yield f"ladder: {content.ladder}"
    yield f"edition: {_said(content.edition)}"
    yield f"ladder_sha256: {found.sha256}"
    yield "answers:" if content.items else "answers: {}"
    for group in content.groups:
        items = [item for item in content.items if item.group == group.id]
        if items:
            yield f"\n  # ===== {group.label.zh} / {group.label.en} ====="
        for item in items:
            star = "★ " if item.starred else ""
            options = "；".join(f"{option.value} {option.label.zh}" for option in content.options[item.options])
            yield f"  # {star}{item.label.zh} / {item.label.en}（{options}）"
            yield f"  {item.id}: {{no_value: not assessed}}"
    if content.figures:
        yield ""
        for figure in content.figures:
            yield f"# {figure.id}: {figure.label.zh} / {figure.label.en} {figure.unit}".rstrip()
        yield "figures: {}"


def _said(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
