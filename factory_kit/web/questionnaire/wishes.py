"""What a page asks for, read from what was sent: nothing else gets further."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from factory_kit.render.plain import printable
from factory_kit.web.guard import Refused

__all__ = ["LONGEST_JSON", "Added", "Choice", "Sent", "Verdict"]

LONGEST_JSON = 64 << 10
LONGEST_TEXT = 4000
NO_VALUES = {"not applicable", "unknown", "not assessed", "inconclusive"}
GRADES = {"B", "C", "D"}
VERSION = re.compile(r"[0-9a-f-]{0,40}")
BREAKS = re.compile(r"\r\n?|[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer: one of the three, and words beside it."""

    value: str = ""
    no_value: str = ""
    machine: bool = False
    reason: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """Evidence that a person adds."""

    grade: str
    note: str
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its name and reason; without a value it takes what the machine evidence proposes."""

    value: str
    by: str
    why: str


@dataclass(frozen=True)
class Sent:
    """The fields of a request, all of them texts (or true and false)."""

    fields: Mapping[str, object]

    @classmethod
    def json(cls, body: bytes) -> Sent:
        """The fields of the object that *body* is; ``Refused`` for anything else."""
        try:
            content = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise Refused(400, "refused.malformed") from error
        if not isinstance(content, dict):
            raise Refused(400, "refused.malformed")
        return cls(content)

    @property
    def seen(self) -> str:
        """The version the page showed."""
        seen = self.text("seen")
        if not VERSION.fullmatch(seen):
            raise Refused(400, "refused.malformed")
        return seen

    def text(self, name: str) -> str:
        """A text as it may stand in a file: no control signs, line breaks as one sign, no blanks around."""
        given = self.fields.get(name, "")
        if not isinstance(given, str):
            raise Refused(400, "refused.malformed")
        if len(given) > LONGEST_TEXT:
            raise Refused(413, "refused.too_long")
        return printable(BREAKS.sub("\n", given)).strip()

    def choice(self) -> Choice:
        """The answer that was sent."""
        kind, _, chosen = self.text("choice").partition(":")
        reason, remark = self.text("reason"), self.text("remark")
        if kind == "value" and chosen:
            return Choice(value=chosen, reason=reason, remark=remark)
        if kind == "no" and chosen in NO_VALUES:
            return Choice(no_value=chosen, reason=reason, remark=remark)
        if kind == "machine":
            return Choice(machine=True, reason=reason, remark=remark)
        raise Refused(400, "refused.malformed")

    def added(self, *, note_needed: bool) -> Added:
        """The evidence that was sent."""
        grade, note, expires = self.text("grade"), self.text("note"), self.text("expires")
        if grade not in GRADES:
            raise Refused(422, "refused.grade")
        if note_needed and not note:
            raise Refused(422, "refused.note")
        try:
            return Added(grade, " ".join(note.split()), date.fromisoformat(expires) if expires else None)
        except ValueError as error:
            raise Refused(422, "refused.day") from error

    def verdict(self) -> Verdict:
        """The decision that was sent."""
        found = Verdict(self.text("value"), " ".join(self.text("by").split()), self.text("why"))
        if not found.by or not found.why:
            raise Refused(422, "refused.by_why")
        return found

    def number(self, name: str) -> int:
        """A small whole number."""
        text = self.text(name)
        if not re.fullmatch(r"[0-9]{1,4}", text):
            raise Refused(400, "refused.malformed")
        return int(text)
