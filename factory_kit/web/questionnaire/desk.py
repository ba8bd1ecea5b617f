"""What the pages of one questionnaire work on, and everything they may change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from factory_kit.assess.attachments import Attachment, clean_name, find, forget, keep
from factory_kit.assess.decide import accept, settle
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.ladder_sheet import LadderSheets
from factory_kit.assess.ratings import Difference, differences, rating_sheets
from factory_kit.assess.scored import Scored
from factory_kit.assess.sheet import AnswerSheet, Saved, version_of
from factory_kit.errors import UsageError
from factory_kit.load.overlay import local_texts
from factory_kit.model.answers import Answer, Answers
from factory_kit.web.questionnaire.wishes import Added, Choice, Verdict

__all__ = ["Desk", "decision_version"]

ACCEPT, OVERRIDE = "accept-machine", "override-machine"


@dataclass(frozen=True)
class Desk:
    """One questionnaire: of the assessment, or with a rater the blind one of that person, who then sees nobody else's answers."""

    sheet: AnswerSheet
    store_folder: Path
    now: Callable[[], int]
    """Microseconds since 1970-01-01 UTC."""
    consensus: bool = False
    """Whether what every rater gave stands beside each question."""
    sources: tuple[Path, ...] = ()
    """The ``assessments`` folders with ladders, and with the standard's own wording where the user has it."""

    @property
    def folder(self) -> AssessmentFolder:
        """The folder of the assessment."""
        return self.sheet.folder

    @property
    def blind(self) -> bool:
        """Whether this is the rating of one person."""
        return bool(self.sheet.rater)

    @property
    def ladders(self) -> LadderSheets:
        """The other gradings of the same plant."""
        return LadderSheets(self.folder, self.sources)

    def wording(self, scored: Scored, criterion: str) -> str:
        """The standard's own wording of *criterion*, where the user has it; it is shown here and goes nowhere else."""
        return local_texts(self.sources, scored.model).get(criterion, "")

    def scored(self) -> Scored:
        """Everything as it stands on disk now."""
        return self.sheet.scored()

    def revision(self) -> str:
        """A text that is another one as soon as a file that these pages show was written, by whomever."""
        folder = self.folder
        files = [self.sheet.file, folder.assessment_file, *folder.evidence_folder.glob("*.json")]
        files += [] if self.blind else [folder.decisions_file]
        files += (folder.path / "ratings").glob("*.yaml") if self.consensus else ()
        return hashlib.sha256("\n".join(sorted(map(_stamp, files))).encode()).hexdigest()[:16]

    def ratings(self) -> Mapping[str, Answers]:
        """What each rater gave, in the round of consensus; never in a blind one."""
        return rating_sheets(self.folder) if self.consensus and not self.blind else {}

    def differences(self, scored: Scored) -> Mapping[str, Difference]:
        """Where the raters differ, by requirement, in the round of consensus."""
        return {each.criterion: each for each in differences(self.ratings(), scored.answers, scored.model)}

    def answer(self, criterion: str, choice: Choice, seen: str) -> Saved:
        """The answer to *criterion* becomes *choice*; its evidence stays."""
        return self.sheet.save(criterion, lambda before: _chosen(before, choice), seen)

    def add_evidence(self, criterion: str, added: Added, seen: str, sha256: str = "") -> Saved:
        """*added* joins the evidence of *criterion*, received today."""
        item = {"grade": added.grade, "note": added.note, "received": self._today(), "sha256": sha256}
        item |= {"expires": added.expires} if added.expires else {}
        return self.sheet.save(criterion, lambda before: _with_evidence(before, (*_items(before), item)), seen)

    def add_file(self, criterion: str, added: Added, seen: str, data: bytes, name: str) -> Saved:
        """The file *data* is kept, and joins the evidence of *criterion* by its hash; where it cannot join, it is not kept either."""
        kept = keep(self.folder, data, name)
        shown = f"{added.note} ({clean_name(name)})" if added.note else clean_name(name)
        try:
            saved = self.add_evidence(criterion, Added(added.grade, shown, added.expires), seen, kept.sha256)
        except BaseException:
            forget(self.folder, kept.sha256)
            raise
        if not saved.done:
            forget(self.folder, kept.sha256)
        return saved

    def drop_evidence(self, criterion: str, number: int, seen: str) -> Saved:
        """Item *number* leaves the evidence of *criterion*; a file that no answer names any more is deleted."""

        def without(before: Answer) -> Mapping[str, object]:
            items = _items(before)
            if not 0 <= number < len(items):
                raise UsageError("{criterion}: has no such evidence", criterion=criterion)
            return _with_evidence(before, (*items[:number], *items[number + 1 :]))

        saved = self.sheet.save(criterion, without, seen)
        for item in saved.before.evidence if saved.done else ():
            if item.sha256 and item not in saved.answer.evidence:
                forget(self.folder, item.sha256)
        return saved

    def decide(self, criterion: str, verdict: Verdict, seen: str) -> bool:
        """*verdict* joins the log of decisions; False when somebody decided meanwhile. ``UsageError`` in a blind round."""
        if self.blind:
            raise UsageError("a blind rating knows no decisions; decide in the questionnaire of the assessment")
        if decision_version(self.scored(), criterion) != seen:
            return False
        if verdict.value:
            settle(self.folder, criterion, verdict.value, verdict.by, verdict.why, self.now())
        else:
            accept(self.folder, [criterion], verdict.by, verdict.why, self.now())
        return True

    def attachment(self, sha256: str) -> Attachment | None:
        """The file of hash *sha256*, as far as an answer of this questionnaire names it."""
        answers = self.scored().answers.answers.values()
        named = any(item.sha256 == sha256 for answer in answers for item in answer.evidence)
        return find(self.folder, sha256) if named else None

    def _today(self) -> date:
        zone = ZoneInfo(self.folder.assessment().plant.timezone)
        return datetime.fromtimestamp(self.now() // 1_000_000, UTC).astimezone(zone).date()


def decision_version(scored: Scored, criterion: str) -> str:
    """Another text as soon as the answer to *criterion* changes or somebody decides on it."""
    count = sum(judgement.criterion == criterion for judgement in scored.judgements)
    answer = scored.answers.answers.get(criterion)
    return f"{version_of(answer) if answer else ''}-{count}"


def _stamp(file: Path) -> str:
    try:
        found = file.stat()
    except OSError:
        return f"{file.name} -"
    return f"{file.name} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


def _items(answer: Answer) -> tuple[Mapping[str, object], ...]:
    return tuple(item.model_dump(exclude_defaults=True) for item in answer.evidence)


def _with_evidence(answer: Answer, items: tuple[Mapping[str, object], ...]) -> Mapping[str, object]:
    return {**answer.model_dump(exclude_defaults=True, exclude={"evidence"}), "evidence": items}


def _chosen(before: Answer, choice: Choice) -> Mapping[str, object]:
    """What *choice* says, with the evidence of *before*; an answer that set the machine aside in its file goes on doing so."""
    content: dict[str, object] = {"reason": choice.reason, "remark": choice.remark, "evidence": _items(before)}
    if choice.machine:
        return {**content, "decision": ACCEPT}
    if choice.value:
        kept = before.decision == OVERRIDE and before.value == choice.value and choice.reason
        return {**content, "value": choice.value, **({"decision": OVERRIDE} if kept else {})}
    return {**content, "no_value": choice.no_value or "not assessed"}
