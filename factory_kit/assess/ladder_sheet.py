"""Answers to ladders one at a time, by several people at once: the line of an answer is exchanged, all else stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import NOT_ASSESSED
from factory_kit.assess.ladders import Stand, begin_ladder, stand_on
from factory_kit.assess.sheet import Change, Saved, exchanged, valid_answer, version_of, writing
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.document import parse_yaml
from factory_kit.load.ladder import ladder, ladder_answers_in, ladder_folders
from factory_kit.model.ladder import Ladder, LadderAnswers

__all__ = ["LadderSheets"]

FIGURES = re.compile(r"^figures: \{[^\r\n]*\}(?=[ \t]*\r?$)", re.MULTILINE)


@dataclass(frozen=True)
class LadderSheets:
    """The ladders that *sources* (``assessments`` folders) know, and the answers to them in the folder of one assessment."""

    folder: AssessmentFolder
    sources: Sequence[Path]

    def known(self) -> dict[str, Ladder]:
        """Every ladder, by ``ladder@edition``."""
        return {key: ladder(place, key) for key, place in sorted(ladder_folders(self.sources).items())}

    def ladder(self, key: str) -> Ladder:
        """The ladder *key*; ``UsageError`` where there is none."""
        places = ladder_folders(self.sources)
        if key not in places:
            raise UsageError("{name}: there is no such ladder", name=key)
        return ladder(places[key], key)

    def begun(self, key: str) -> bool:
        """Whether there are answers to *key*."""
        return self._file(key).is_file()

    def begin(self, key: str) -> None:
        """An empty file of answers to *key*; nothing where there is one."""
        self.ladder(key)
        with writing(self.folder.path / "ladders.yaml"):
            if not self.begun(key):
                begin_ladder(self.folder, key, self.sources)

    def stand(self, key: str) -> Stand:
        """Where the plant stands on *key* by what is on disk now."""
        return stand_on(self.folder, key, self.sources)

    def answers(self, key: str) -> LadderAnswers:
        """What is answered to *key*."""
        return self._read(self.ladder(key))[1]

    def save(self, key: str, item: str, change: Change, seen: str) -> Saved:
        """The answer to *item* as *change* makes it, on disk when this returns; nothing is written unless it has the version *seen*.

        ``DefinitionError`` for an answer the ladder does not allow, ``UsageError`` for an item it does not have, or where the
        file was laid out in another way than the form, so that there is no one line to exchange.
        """
        found = self.ladder(key)
        if item not in found.items:
            raise UsageError("{model} has no requirement {criterion!r}", model=found.id, criterion=item)
        with writing(self._file(key)):
            text, answers = self._read(found)
            before = answers.answers.get(item, NOT_ASSESSED)
            after = valid_answer(change(before), self._shown(key), item)
            if after != before and version_of(before) != seen:
                return Saved(done=False, answer=before, before=before)
            if after != before:
                wanted = answers.model_copy(update={"answers": {**answers.answers, item: after}})
                self._write(found, exchanged(text, item, after), wanted)
            return Saved(done=True, answer=after, before=before)

    def save_figures(self, key: str, figures: Mapping[str, str]) -> None:
        """*figures*, id → number as text, take the place of those of the same id; an empty text takes one away."""
        found = self.ladder(key)
        with writing(self._file(key)):
            text, answers = self._read(found)
            after = {name: said for name, said in {**answers.figures, **figures}.items() if said}
            if after != answers.figures:
                line = f"figures: {json.dumps(after, ensure_ascii=False)}"
                changed = FIGURES.sub(lambda _found: line, text) if len(FIGURES.findall(text)) == 1 else None
                self._write(found, changed, answers.model_copy(update={"figures": after}))

    def _write(self, found: Ladder, text: str | None, wanted: LadderAnswers) -> None:
        """*text*, after it was read back and found to say what is *wanted*."""
        name = self._shown(found.id)
        if text is None or ladder_answers_in(parse_yaml(text, name), found) != wanted:
            raise UsageError("{file}: is laid out in another way than the form; change it by hand", file=name)
        write_atomically(self._file(found.id), text)

    def _read(self, found: Ladder) -> tuple[str, LadderAnswers]:
        file = self._file(found.id)
        if not file.is_file():
            raise UsageError("{file}: there are no answers yet", file=self._shown(found.id))
        text = file.read_bytes().decode("utf-8-sig")
        return text, ladder_answers_in(parse_yaml(text, self._shown(found.id)), found)

    def _file(self, key: str) -> Path:
        return self.folder.path / "ladders" / f"{key}.yaml"

    def _shown(self, key: str) -> str:
        return self.folder.shown(f"ladders/{key}.yaml")
