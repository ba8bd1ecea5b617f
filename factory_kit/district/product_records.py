"""The register of data products fed by what enterprises note themselves: ``products.jsonl`` of ``factory-kit pack record``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.i18n import N_
from factory_kit.model.credit_code import fault, normalise

__all__ = ["product_rows"]

WRONG = N_("E19 is no entry of pack record ({reason}); ask for the file again")
STATES = ("registered", "listed", "withdrawn")
"""What the register keeps; a draft is nobody's business yet."""
Row = Mapping[str, str]


def product_rows(path: Path, firm: str, known: Sequence[Row]) -> tuple[Row, ...]:
    """The register *known* with the products in *path* of the firm with credit code *firm*: of each the state it has now.

    Products of this firm that the file does not name stay as they were. ``DefinitionError`` with every line that is wrong.
    """
    code = normalise(firm)
    if fault(code) is not None:
        raise UsageError("{code!r} is no credit code; give the one of the firm with --firm", code=firm)
    problems: list[Problem] = []
    own = {row["product"]: row for row in known if row["credit_code"] == code}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            try:
                own |= {row["product"]: row for row in _row(code, json.loads(line))}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                problems.append(Problem(path.name, number, "", WRONG, {"reason": str(error).splitlines()[0][:60]}))
    if problems:
        raise DefinitionError(problems)
    return (*(row for row in known if row["credit_code"] != code), *own.values())


def _row(code: str, event: Mapping[str, str]) -> Iterator[Row]:
    state, on = event["state"], str(date.fromisoformat(event["on"]))
    if state not in (*STATES, "draft"):
        raise ValueError(state)
    if state == "draft":
        return
    row = {
        "credit_code": code, "product": event["product"], "title": event["product"], "state": state, "date": on,
        "certificate": event.get("certificate", ""), "version": event.get("version", ""), "until": event.get("renew_by", ""),
    }  # fmt: skip
    yield {key: str(value) for key, value in row.items() if value}
