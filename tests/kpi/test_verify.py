"""Records computed again from a real store."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory_kit.errors import QueryError, StoreDamaged
from factory_kit.kpi.indicators import evidence_of
from factory_kit.kpi.interval import data_span, days_between, whole_days
from factory_kit.kpi.verify import verify_records
from factory_kit.model.connector import Connector
from factory_kit.model.definition import Text
from factory_kit.model.evidence import Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import Calendar, Equipment
from factory_kit.store import Store

MINUTE = 60_000_000
HOUR = 60 * MINUTE
ZONE = "Asia/Shanghai"
DAY = days_between(date(2026, 9, 1), date(2026, 9, 1), ZONE)
CONNECTOR = Connector.model_validate(
    {
        "connector": "c", "version": "1", "label": {"zh": "机", "en": "m"}, "driver": "opcua", "sources": ({"title": "t"},),
        "quality": {"grade": "bronze", "because": "test"},
        "state_mapping": {"profile": "test@1", "source": {"title": "t"}, "states": {"1": "producing", "3": "idle"}},
        "points": tuple(
            {"name": name, "label": {"zh": "点", "en": "p"}, "role": name, "address": "ns=1;s=a", "type": "int32"}
            for name in ("state", "total_count", "good_count")
        ),
    },
    strict=False,
)  # fmt: skip
MACHINE = Equipment(id="m1", name=Text(zh="机", en="m"), key=True, ideal_cycle_s=Decimal(60), connector="c", server="s")


class Clock:
    """Moved by hand."""

    now = DAY.end + 2 * HOUR

    def __call__(self) -> int:
        return self.now


def samples(point: int, *rows: tuple[int, float]) -> SampleBatch:
    """Good samples, received at once."""
    times = np.array([time for time, _ in rows], np.int64)
    return SampleBatch(
        np.full(len(rows), point, np.int32),
        times,
        np.array([value for _, value in rows], float),
        np.zeros(len(rows), np.int8),
        received_time=times,
    )


def write_day(store: Store, clock: Clock) -> None:
    """One day of one machine: an hour of idling, a gap of ten minutes, a piece every two minutes."""
    store.describe([MACHINE], {"c": CONNECTOR})
    ids = store.register(
        [
            CataloguePoint("m1", name, name, "", "int32", name, "c", "1", "s")
            for name in ("state", "total_count", "good_count")
        ]
    )
    run = Run("r1", DAY.start - HOUR, Origin.LIVE, "real", "collect")
    clock.now = DAY.end + HOUR
    pieces = [(DAY.start - HOUR + number * 2 * MINUTE, float(number)) for number in range(60 * 13)]
    with store.writer(run) as writer:
        writer.append(samples(ids[0], (DAY.start - HOUR, 1), (DAY.start + HOUR, 3), (DAY.start + 2 * HOUR, 1)))
        writer.append(samples(ids[1], *pieces))
        writer.append(samples(ids[2], *pieces))
        for point in ids:
            writer.gap(Gap(point, DAY.start + 5 * HOUR, DAY.start + 5 * HOUR + 10 * MINUTE, "test"))
            writer.loss(LossEntry(point, 3))


@pytest.fixture
def clock() -> Clock:
    """The store's clock."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    """A store with one day of one machine."""
    made = Store(tmp_path / "store", now=clock)
    write_day(made, clock)
    return made


@pytest.fixture
def records(store: Store, shipped: dict[str, Indicator]) -> list[Evidence]:
    """All records of that day."""
    return evidence_of(shipped.values(), store, DAY, Calendar(), lambda: DAY.end + 3 * HOUR + 123_456)


def test_records_of_a_store_name_its_files(records: list[Evidence], store: Store) -> None:
    """Availability of the day is 22 h 50 min of 23 h 50 min, and every file it was read from has its hash."""
    record = next(each for each in records if (each.indicator.id, each.subject) == ("availability", "m1"))

    assert (record.numerator, record.denominator) == (str(22 * 3600 + 3000), str(23 * 3600 + 3000))
    assert [(each.path, each.rows, each.sha256) for each in record.files] == [
        (each.path, each.rows, each.sha256) for each in store.files(DAY.start - 7 * 24 * HOUR, DAY.end + 24 * HOUR)
    ]
    assert record.files
    assert (record.origin, record.received) == (("live",), "2026-09-02T03:00:00+08:00")


def test_the_usual_interval_is_every_whole_day_that_a_run_watched(store: Store) -> None:
    """From an hour before the day to an hour after it: that day."""
    with store.connect() as con:
        assert whole_days(data_span(con), ZONE) == DAY


def test_every_record_comes_out_of_the_store_again(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """Byte for byte, also after the record went through a file."""
    read = [Evidence.read(record.canonical(), "x") for record in records]
    checks = verify_records(read, shipped.values(), store)

    assert [(check.id, check.same, check.said) for check in checks] == [(record.id, True, "") for record in records]


def test_a_changed_figure_is_named(records: list[Evidence], store: Store, shipped: dict[str, Indicator]) -> None:
    """The path of the field, what the record says, and what the store gives."""
    record = next(each for each in records if (each.indicator.id, each.subject) == ("oee", "m1"))
    better = replace(record, value="0.99")
    (check,) = verify_records([better], shipped.values(), store)

    assert (check.same, check.only_repacked) == (False, False)
    assert [(each.path, each.recorded) for each in check.differences] == [("value", "0.99")]
    assert f"value: 0.99 → {record.value}" in check.said


def test_other_software_and_another_day_of_making_are_no_difference(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """Version and time of making are the record's; everything else is the store's."""
    later = replace(records[0], engine=replace(records[0].engine, duckdb="9.9.9"), received="2031-01-01T00:00:00+08:00")
    assert verify_records([later], shipped.values(), store)[0].same


def test_a_meter_that_feeds_others_is_another_ledger(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator], clock: Clock
) -> None:
    """What a piece of equipment feeds belongs to the ledger that every record names, even where no figure depends on it."""
    clock.now += HOUR
    store.describe([MACHINE.model_copy(update={"feeds": ("m1",)})], {"c": CONNECTOR})
    checks = verify_records(records, shipped.values(), store)

    assert [[each.path for each in check.differences] for check in checks] == [["details.ledger_sha256"]] * len(records)


def write_hours(store: Store, run: str, start: int) -> None:
    """Samples of a second machine's point, which no record speaks of, in the day and after it."""
    ids = store.register([CataloguePoint("m1", "other", "other", "", "int32", "other", "c", "1", "s")])
    with store.writer(Run(run, start, Origin.LIVE, "real", "collect")) as writer:
        writer.append(samples(ids[0], (start, 1.0), (start + HOUR, 2.0)))


def test_records_outlive_a_merge_of_their_files(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator], clock: Clock
) -> None:
    """Merged again and again, the files that a record names live on in others: the record is the same, and that is said."""
    for number in range(3):
        write_hours(store, f"late-{number}", DAY.start + number * HOUR)
        clock.now += HOUR
        store.compact()
    named = {each.path for record in records for each in record.files}
    assert not named & {each.path for each in store.files(0, 2**60)}
    checks = verify_records(records, shipped.values(), store)

    assert {check.same for check in checks if check.only_repacked} == {True}
    assert "the same; the files it names were merged since" in checks[0].said


def test_a_record_whose_file_was_lost_is_not_the_same(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """Where a repair took a named file out, equal figures prove nothing of its samples."""
    write_hours(store, "late", DAY.start)
    record = next(each for each in records if each.files)
    before = {each.path for each in store.files(0, 2**60)} - {each.path for each in record.files}
    again = evidence_of(shipped.values(), store, DAY, Calendar(), lambda: DAY.end + 3 * HOUR)
    (store.folder / before.pop()).unlink()
    store.repair()
    checks = [
        check
        for check in verify_records(again, shipped.values(), store)
        if [each.path for each in check.differences] == ["files"]
    ]

    assert checks
    assert not any(check.same for check in checks)
    assert all("the store no longer has the samples of data/" in check.said for check in checks)


@pytest.mark.parametrize("changed", [{"path": "data/x.parquet"}, {"rows": 1}, {"sha256": "0" * 64}])
def test_a_file_that_the_store_never_had_is_no_ancestor(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator], changed: dict[str, Any]
) -> None:
    """Path, rows and hash must be those of a file that once was here; a record that names no file is none either."""
    first = records[0]
    foreign = replace(first, files=(replace(first.files[0], **changed), *first.files[1:]))
    checks = verify_records([foreign, replace(first, files=())], shipped.values(), store)

    assert [(check.same, check.only_repacked) for check in checks] == [(False, True)] * 2


def test_samples_that_came_later_show(records: list[Evidence], store: Store, shipped: dict[str, Indicator]) -> None:
    """A late sample inside the day makes another figure, and the record says so."""
    with store.writer(Run("r2", DAY.end + 2 * HOUR, Origin.IMPORTED, "real", "import late.csv")) as writer:
        writer.append(samples(1, (DAY.start + 3 * HOUR, 3)))
    checks = {
        check.record.subject: check
        for check in verify_records(
            [each for each in records if each.indicator.id == "availability"], shipped.values(), store
        )
    }

    assert not checks["m1"].same
    assert "numerator" in {each.path for each in checks["m1"].differences}


def test_a_record_of_another_sql_cannot_be_proven(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """The indicator's files must be those that made the record."""
    changed = {name: replace(each, sql=each.sql + "\n") for name, each in shipped.items()}
    checks = verify_records(records[:2], changed.values(), store) + verify_records(records[:1], [], store)

    assert [check.same for check in checks] == [False] * 3
    assert "revision 1, that made this record is not here" in checks[0].said


@pytest.mark.parametrize("missing", ["calendar", "parameters"])
def test_a_record_that_does_not_say_how_it_was_made_cannot_be_proven(
    missing: str, records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """One line for that record, and the others are proven."""
    details = {key: value for key, value in records[0].details.items() if key != missing}
    checks = verify_records([replace(records[0], details=details), records[1]], shipped.values(), store)

    assert [check.same for check in checks] == [False, True]
    assert checks[0].said.startswith("the record does not say how it was made (")


def test_a_record_of_days_that_cannot_be_fails_alone(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """An interval that ends before it begins, or shifts that overlap, are said of that record; the others are proven."""
    odd = replace(records[0], start=records[0].end, end=records[0].start)
    calendar: Any = dict(records[0].details["calendar"])  # type: ignore[call-overload]
    first = {"id": "a", "days": ["mon"], "start": "06:00", "end": "14:00"}
    calendar["shifts"] = [first, {**first, "id": "b", "start": "08:00"}]
    overlapping = replace(records[0], details={**records[0].details, "calendar": calendar})

    checks = verify_records([odd, overlapping, records[1]], shipped.values(), store)

    assert [check.same for check in checks] == [False, False, True]
    assert all(check.said.startswith("the record does not say how it was made (") for check in checks[:2])


def test_a_damaged_store_gives_no_evidence(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """One byte of a file is another: no record is made or proven over it."""
    path = store.folder / records[0].files[0].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(StoreDamaged):
        verify_records(records, shipped.values(), store)


@pytest.mark.parametrize("quiet", [True, False])
def test_a_file_that_rots_while_evidence_is_computed_gives_none(
    store: Store, shipped: dict[str, Indicator], monkeypatch: pytest.MonkeyPatch, *, quiet: bool
) -> None:
    """One bit flips between the check and the SQL, with or without another time of change: no record is made."""
    path = store.folder / store.files(0, 2**60)[0].path
    connect = store.connect

    def rotten() -> Any:
        made = connect()
        stat = path.stat()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        if quiet:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return made

    monkeypatch.setattr(store, "connect", rotten)
    with pytest.raises((StoreDamaged, QueryError)):
        evidence_of([shipped["availability"]], store, DAY, Calendar(), lambda: DAY.end)


def test_evidence_names_the_files_it_was_computed_from(
    store: Store, shipped: dict[str, Indicator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a sealing comes between, it is computed again, from the files it names."""
    connect = store.connect
    late = iter([DAY.start + 3 * HOUR])

    def meanwhile() -> Any:
        made = connect()
        for start in late:
            write_hours(store, "late", start)
        return made

    monkeypatch.setattr(store, "connect", meanwhile)
    records = evidence_of([shipped["availability"]], store, DAY, Calendar(), lambda: DAY.end)

    assert all(check.same and not check.said for check in verify_records(records, shipped.values(), store))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 AS subject", r"lacks the columns not_applicable, inconclusive"),
        ("SELEC 1", r"availability: query\.sql: syntax error at or near"),
        ("SELECT speed FROM samples", r"availability: query\.sql fails \(Binder Error"),
        ("SELECT $speed", r"asks for the parameter 'speed'"),
        ("SELECT 1; SELECT 2", r"availability: query\.sql: 2 statements"),
    ],
)
def test_sql_that_cannot_run_is_told_in_one_line(
    sql: str, message: str, store: Store, shipped: dict[str, Indicator]
) -> None:
    """The indicator's name, what is wrong, no traceback."""
    with pytest.raises(QueryError, match=message) as caught:
        evidence_of([replace(shipped["availability"], sql=sql)], store, DAY, Calendar(), lambda: DAY.end)
    assert "\n" not in str(caught.value)


def test_records_are_small_json_without_floats(records: list[Evidence]) -> None:
    """Every number that matters is text; what is a JSON number is a whole one."""

    def numbers(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [number for inner in value.values() for number in numbers(inner)]
        if isinstance(value, list):
            return [number for inner in value for number in numbers(inner)]
        return [value] if isinstance(value, float) else []

    assert [number for record in records for number in numbers(json.loads(record.canonical()))] == []


def test_of_several_revisions_the_records_own_is_taken(
    records: list[Evidence], store: Store, shipped: dict[str, Indicator]
) -> None:
    """A frozen copy and a newer one of the same name stand side by side; the hash of the SQL decides."""
    newer = [replace(each, sql=each.sql + "\n") for each in shipped.values()]
    assert all(check.same for check in verify_records(records, [*shipped.values(), *newer], store))
    assert all(check.same for check in verify_records(records, [*newer, *shipped.values()], store))
