"""One answer at a time, by several people at once: saved whole, never over what somebody else wrote meanwhile."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock as Turn

from pydantic import ValidationError

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import NOT_ASSESSED, answer_line, answers_text, trimming_line
from factory_kit.assess.ratings import rating_file
from factory_kit.assess.scored import Scored, read_rating, read_scored
from factory_kit.errors import DefinitionError, StoreBusy, UsageError
from factory_kit.files import write_atomically
from factory_kit.load.answers import answers_in
from factory_kit.load.checked import checked, problems_of
from factory_kit.load.document import Document, parse_yaml
from factory_kit.model.answers import Answer, Answers, Trim
from factory_kit.model.maturity import MaturityModel
from factory_kit.store.lock import Lock

__all__ = ["AnswerSheet", "Saved", "exchanged", "valid_answer", "version_of", "writing"]

TRIES = 400
PAUSE = 0.025
"""Seconds between two tries to be the one who writes; ten in all."""

TRIMMING = re.compile(r"^trimming: \[[^\r\n]*\](?=[ \t]*(?:#[^\r\n]*)?\r?$)", re.MULTILINE)
Change = Callable[[Answer], Mapping[str, object]]
"""What an answer shall say, as its file would, made of what it says now."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of an answer that was to be saved."""

    done: bool
    """False: somebody else answered meanwhile, nothing was written."""
    answer: Answer
    """What stands in the file now."""
    before: Answer
    """What stood there."""

    @property
    def version(self) -> str:
        """The version of what stands there now."""
        return version_of(self.answer)


@dataclass(frozen=True)
class AnswerSheet:
    """The answers of an assessment, or with *rater* the blind rating of one person, as several pages and programs write them."""

    folder: AssessmentFolder
    rater: str = ""

    @property
    def file(self) -> Path:
        """Where the answers stand."""
        return rating_file(self.folder, self.rater) if self.rater else self.folder.answers_file

    def scored(self) -> Scored:
        """The score by this sheet alone; errors as ``read_scored``."""
        return read_rating(self.folder, self.file) if self.rater else read_scored(self.folder)

    def save(self, criterion: str, change: Change, seen: str) -> Saved:
        """The answer to *criterion* as *change* makes it, on disk when this returns.

        Nothing is written unless it still has the version *seen*, or says so already.

        The line of the answer is exchanged and all else stays as it is, comments too. In a file that people laid out in
        another way the whole is written anew, and what stood there is kept under ``earlier/``. ``DefinitionError`` for an answer
        the model does not allow, ``UsageError`` for a criterion it does not have, ``StoreBusy`` when others write for long.
        """
        with writing(self.file):
            while True:
                found = self._read()
                if criterion not in found.model.criteria:
                    raise UsageError(
                        "{model} has no requirement {criterion!r}", model=found.model.id, criterion=criterion
                    )
                before = found.answers.answers.get(criterion, NOT_ASSESSED)
                after = valid_answer(change(before), found.name, criterion)
                if after != before and version_of(before) != seen:
                    return Saved(done=False, answer=before, before=before)
                text, kept = self._with(found, criterion, after)
                if self.file.read_bytes() == found.data:  # an editor may have saved meanwhile, it knows no lock
                    if text != found.text:
                        self._write(text, found.data if kept else None)
                    return Saved(done=True, answer=after, before=before)

    def trim(self, node: str, reason: str, agreed_by: str) -> None:
        """*node* is left out with its *reason*, on disk when this returns; without a reason it counts again.

        ``DefinitionError`` for a node that must not be left out, ``UsageError`` where the file has not the one line to change.
        """
        with writing(self.file):
            found = self._read()
            others = tuple(each for each in found.answers.trimming if each.node != node)
            new = Document(f"{found.name}: {node}", {"node": node, "reason": reason, "agreed_by": agreed_by}, {})
            wanted = (*others, checked(new, Trim)) if reason else others
            if len(TRIMMING.findall(found.text)) != 1:
                raise UsageError("{file}: is laid out in another way than the form; change it by hand", file=found.name)
            text = TRIMMING.sub(lambda _found: trimming_line(wanted), found.text)
            said = answers_in(parse_yaml(text, found.name), found.model)
            if said != found.answers.model_copy(update={"trimming": wanted}):
                raise UsageError("{file}: is laid out in another way than the form; change it by hand", file=found.name)
            if text != found.text:
                write_atomically(self.file, text)

    def _read(self) -> _Found:
        data = self.file.read_bytes()
        name = self.folder.shown(self.file.relative_to(self.folder.path).as_posix())
        scored = self.scored()
        text = data.decode("utf-8-sig")
        return _Found(data, text, name, scored.model, answers_in(parse_yaml(text, name), scored.model))

    def _with(self, found: _Found, criterion: str, answer: Answer) -> tuple[str, bool]:
        """The text of the file with *answer*, and whether what stood there must be kept because the whole was written anew."""
        wanted = {**found.answers.answers, criterion: answer}
        text = exchanged(found.text, criterion, answer)
        if text is not None and _says(text, found, wanted):
            return text, False
        given = found.answers.model_copy(update={"answers": wanted})
        text = answers_text(found.model, given.kind, given.type, given.assessor, given)
        answers_in(parse_yaml(text, found.name), found.model)
        return text, True

    def _write(self, text: str, before: bytes | None) -> None:
        if before is not None:
            earlier = self.file.parent / "earlier"
            earlier.mkdir(exist_ok=True)
            number = 1 + sum(1 for _ in earlier.glob(f"{self.file.stem}-*.yaml"))
            write_atomically(earlier / f"{self.file.stem}-{number:03d}.yaml", before)
        write_atomically(self.file, text)


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """One at a time writes to *file*, of all threads and programs that ask here; ``StoreBusy`` when others write for long."""
    lock = Lock(file.with_name(f".{file.stem}.lock"))
    with _turn:
        for left in reversed(range(TRIES)):
            try:
                lock.acquire()
                break
            except StoreBusy as busy:
                if not left:
                    raise StoreBusy("{file}: another program is writing to it; repeat", file=file) from busy
                time.sleep(PAUSE)
        try:
            yield
        finally:
            lock.release()


def version_of(answer: Answer) -> str:
    """A short text that is another one as soon as the answer is."""
    return hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Found:
    data: bytes
    text: str
    name: str
    model: MaturityModel
    answers: Answers


_turn = Turn()
"""Threads of one program take turns here, programs at the lock."""


def exchanged(text: str, criterion: str, answer: Answer) -> str | None:
    """*text* with another answer on the one line of *criterion*; None when there is no such line, or more than one."""
    line = re.compile(rf"^(  {re.escape(criterion)}: )\{{[^\r\n]*\}}(?=[ \t]*(?:#[^\r\n]*)?\r?$)", re.MULTILINE)
    if len(line.findall(text)) != 1:
        return None
    return line.sub(lambda found: found[1] + answer_line(answer), text)


def _says(text: str, found: _Found, wanted: dict[str, Answer]) -> bool:
    """Whether *text* says just what is *wanted* and all else as before."""
    try:
        said = answers_in(parse_yaml(text, found.name), found.model)
    except DefinitionError:
        return False
    return said == found.answers.model_copy(update={"answers": wanted})


def valid_answer(content: Mapping[str, object], name: str, criterion: str) -> Answer:
    """The answer that says *content*; ``DefinitionError`` for what is none."""
    try:
        return Answer.model_validate(content)
    except ValidationError as error:
        problems = problems_of(error, Document(f"{name}: {criterion}", content, {}), Answer)
        raise DefinitionError(problems) from error
