"""The proof of an evidence record: computed again from the store's files, every byte must be the same.

Two things cannot come out of the store again and are taken from the record: when it was made, and by which versions of the
software. The days, the calendar, the parameters and the SQL are the record's own; samples, catalogue, ledger and the list of
files are the store's of today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from factory_kit.errors import FactoryKitError
from factory_kit.i18n import _
from factory_kit.kpi.calendar import EPOCH, MICROSECOND
from factory_kit.kpi.indicators import StoreView, evidence_of
from factory_kit.kpi.interval import Interval, days_between
from factory_kit.model.evidence import Evidence, IndicatorUsed, Json
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar
from factory_kit.store.lineage import NamedFile

__all__ = ["Difference", "Verification", "verify_records"]

REPACKED = "files"
LIST = 3


class ProvingView(StoreView, Protocol):
    """What a proof needs of a store."""

    def lost(self, files: Iterable[NamedFile]) -> list[str]:
        """The paths of those of *files* that are neither here nor were merged into files that are."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that came out differently: its path, what the record says, what the store gives today."""

    path: str
    recorded: Json
    computed: Json


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of one record; ``said`` is one line in the language in force, empty where every byte is the same.

    A record is also the same when only its list of files differs and all that it names were merged into files that are there:
    then every figure was computed again from the same samples, and ``said`` tells so.
    """

    id: str
    record: Evidence
    same: bool
    said: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def only_repacked(self) -> bool:
        """Whether all figures are the same and only the store's files are others."""
        return bool(self.differences) and all(each.path.startswith(REPACKED) for each in self.differences)


def verify_records(
    records: Sequence[Evidence], indicators: Iterable[Indicator], store: ProvingView
) -> list[Verification]:
    """Each of *records*, in order, computed again from *store* by the one of *indicators* that made it.

    Of an indicator several revisions may be given; the record names its own by the hash of the SQL.
    ``StoreDamaged`` when a file of the store is not what it was, ``QueryError`` when the SQL of one no longer runs.
    """
    known = {IndicatorUsed(each.id, each.definition.rev, each.sql_sha256): each for each in indicators}
    found: dict[str, Verification] = {}
    for group in _made_together(records):
        for check in _verify_group(group, known, store):
            found[check.id] = check
    return [found[record.id] for record in records]


def _made_together(records: Iterable[Evidence]) -> list[list[Evidence]]:
    """Records of the same days, calendar and moment: one look into the store proves them all."""
    groups: dict[tuple[str, ...], list[Evidence]] = {}
    for record in records:
        key = record.start, record.end, record.received, str(record.details.get("calendar"))
        groups.setdefault(key, []).append(record)
    return list(groups.values())


class _UnprovableError(Exception):
    """A record that cannot be computed again; its text says why."""


def _verify_group(
    group: Sequence[Evidence], indicators: Mapping[IndicatorUsed, Indicator], store: ProvingView
) -> Iterator[Verification]:
    makers: dict[str, Indicator] = {}
    for record in group:
        try:
            makers[record.id] = _maker(record, indicators)
            interval, calendar = _frame(record)
        except _UnprovableError as error:
            yield Verification(record.id, record, same=False, said=str(error))
            makers.pop(record.id, None)
    if not makers:
        return
    again = _computed(list(makers.values()), store, interval, calendar, _received(group[0]))
    for record in group:
        if record.id in makers:
            yield _repacked(_compared(record, again.get(_key(record))), store)


def _maker(record: Evidence, indicators: Mapping[IndicatorUsed, Indicator]) -> Indicator:
    """The very indicator that made *record*, with its parameters of then."""
    indicator = indicators.get(record.indicator)
    if indicator is None:
        said = _("the indicator {id}, revision {rev}, that made this record is not here; bring its folder back")
        raise _UnprovableError(said.format(id=record.indicator.id, rev=record.indicator.rev))
    parameters: Any = record.details.get("parameters")
    if not isinstance(parameters, dict):
        raise _UnprovableError(_("the record does not say how it was made ({reason})").format(reason="parameters"))
    definition = indicator.definition.model_copy(update={"parameters": parameters})
    return replace(indicator, definition=definition)


def _frame(record: Evidence) -> tuple[Interval, Calendar]:
    """The days and the calendar of *record*."""
    try:
        calendar: Any = record.details["calendar"]
        unnamed = {"zh": "-", "en": "-"}
        shifts = tuple({**shift, "days": tuple(shift["days"]), "name": unnamed} for shift in calendar["shifts"])
        holidays = tuple(calendar["holidays"])
        first, after = (datetime.fromisoformat(text).date() for text in (record.start, record.end))
        return (
            days_between(first, after - timedelta(days=1), calendar["zone"]),
            Calendar.model_validate({"shifts": shifts, "holidays": holidays}),
        )
    except (FactoryKitError, KeyError, TypeError, ValueError) as error:
        said = _("the record does not say how it was made ({reason})")
        raise _UnprovableError(said.format(reason=f"{type(error).__name__}: {error}".splitlines()[0])) from error


def _received(record: Evidence) -> int:
    return (datetime.fromisoformat(record.received) - EPOCH) // MICROSECOND


def _key(record: Evidence) -> tuple[IndicatorUsed, str, str]:
    return record.indicator, str(record.details.get("parameters")), record.subject


def _computed(
    makers: Iterable[Indicator], store: StoreView, interval: Interval, calendar: Calendar, received: int
) -> dict[tuple[IndicatorUsed, str, str], Evidence]:
    """What the different ones of *makers* give today, by indicator, parameters and subject."""
    different = {(each.id, each.sql_sha256, str(each.parameters)): each for each in makers}
    return {
        _key(record): record for record in evidence_of(different.values(), store, interval, calendar, lambda: received)
    }


def _compared(record: Evidence, computed: Evidence | None) -> Verification:
    if computed is None:
        said = _("{subject} gives no such figure any more; it is gone from the ledger").format(subject=record.subject)
        return Verification(record.id, record, same=False, said=said)
    computed = replace(computed, engine=record.engine, received=record.received)
    if computed.canonical() == record.canonical():
        return Verification(record.id, record, same=True)
    differences = tuple(_differences(record.as_json(), computed.as_json(), ""))
    check = Verification(record.id, record, same=False, differences=differences)
    return replace(check, said=_said(check))


def _repacked(check: Verification, store: ProvingView) -> Verification:
    """*check*, the same when the files it names live on in others."""
    if not check.only_repacked:
        return check
    subject = f"{check.record.indicator.id} {check.record.subject}"
    lost = store.lost(check.record.files) if check.record.files else ["-"]
    if lost:
        said = _("{subject}: every figure is the same, but the store no longer has the samples of {file}")
        return replace(check, said=said.format(subject=subject, file=lost[0]))
    said = _("{subject}: the same; the files it names were merged since, or others came beside them")
    return replace(check, same=True, said=said.format(subject=subject))


def _said(check: Verification) -> str:
    subject = f"{check.record.indicator.id} {check.record.subject}"
    if check.only_repacked:
        return ""
    told = [each for each in check.differences if not each.path.startswith(REPACKED)]
    shown = ", ".join(f"{each.path}: {each.recorded} → {each.computed}" for each in told[:LIST])
    more = len(told) - LIST
    rest = _(" and {count} more").format(count=more) if more > 0 else ""
    return _("{subject}: the store gives other figures than the record: {differences}{rest}").format(
        subject=subject, differences=shown, rest=rest
    )


def _differences(recorded: Json, computed: Json, path: str) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(computed, dict):
        for key in sorted(recorded.keys() | computed.keys()):
            yield from _differences(recorded.get(key), computed.get(key), f"{path}.{key}".lstrip("."))
    elif recorded != computed:
        yield Difference(path, recorded, computed)
