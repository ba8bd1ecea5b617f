"""What a district's office does with many bundles: received by all rules with re-scoring, the index rebuilt, everything counted.

The bundles are the fixed one of ``benchmarks/assess.py`` under as many plants' names. Growth is shown over ledgers of synthetic
plants: what a record costs among a hundred thousand beside what it costs among a thousand.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.assess import PAGE_BYTES, PAGES, SIGNERS, made
from benchmarks.district_pages import overview
from benchmarks.frame import Bar, Row, Scale
from factory_kit.assess.bundle import parts, roles
from factory_kit.assess.scored import read_scored
from factory_kit.cli.district_rebuilt import rebuilt
from factory_kit.district.index import rebuild_index
from factory_kit.district.office import Office, begin_office
from factory_kit.district.receive import receive
from factory_kit.district.statistics import statistics, statistics_bytes
from factory_kit.seal.canonical import canonical
from factory_kit.seal.sealing import seal_files
from factory_kit.shipped import search_path
from factory_kit.testing.district import fictional_code, fresh_signers
from factory_kit.testing.district_records import FictionalDistrict, write_district

CORES = 2
NOON = 1_790_000_000_000_000
Files = Mapping[str, bytes]


def rows(scale: Scale) -> Iterator[Row]:
    """Receiving, rebuilding, counting, and growth."""
    count = scale.of(10_000, 200)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        office = begin_office(place / "office", search_path("assessments"))
        files = inbox(place, count)
        before = cpu()
        took = received(office, files)
        note = f"{(cpu() - before) / count * 1000:.2f} ms CPU each"
        yield Row(
            f"{count} bundles received by all rules, re-scored, two cores",
            "per second",
            count / took,
            bar=Bar("ours", "at least", 150, 30),
            note=note,
        )
        before = cpu()
        took = timed(lambda: rebuild_index(office, CORES))
        note = f"{(cpu() - before) / count * 1000:.2f} ms CPU each"
        yield Row(
            "index rebuilt from ledger and bundles, two cores",
            "per second",
            count / took,
            bar=Bar("ours", "at least", 500, 80),
            note=note,
        )
        took = timed(lambda: statistics(office))
        yield Row(f"everything counted over {count}", "s", took, bar=Bar("ours", "at most", 5, 5))
        shutil.rmtree(place / "inbox")
        yield from growth(place, scale)


def growth(place: Path, scale: Scale) -> Iterator[Row]:
    """Microseconds per plant for ledger, index and statistics together, among few and among many."""
    few, many = 1_000, scale.of(100_000, 5_000)
    costs = {}
    for count in (few, many):
        office = begin_office(place / f"of-{count}", search_path("assessments"))
        write_district(office, FictionalDistrict(count, count), place / "sheet")
        first = timed(lambda: statistics_bytes(office))  # noqa: B023 - called at once
        again = timed(lambda: statistics_bytes(office))  # noqa: B023 - called at once
        if count == many:
            yield from overview(office, scale, count)
        costs[count] = first / count * 1e6
        yield Row(f"index filled and everything counted over {count}", "s", first)
        yield Row(f"everything counted again over {count}", "s", again)
    yield Row(
        f"a plant among {many} beside one among {few}",
        "µs",
        costs[many],
        costs[few],
        f"among {few}",
        Bar("ratio", "at most", 1.1, 1.5),
    )


def inbox(place: Path, count: int) -> list[Path]:
    """*count* bundles of as many plants."""
    scored = read_scored(made(place / "plant"))
    files = {name: data if isinstance(data, bytes) else data.read_bytes() for name, data in parts(scored).items()}
    files |= dict.fromkeys(PAGES, "报告正文。".encode() * (PAGE_BYTES // 15))
    folder = place / "inbox"
    folder.mkdir()
    with ProcessPoolExecutor(CORES) as pool:
        work = partial(sealed, folder, files, roles(scored))
        return list(pool.map(work, range(count), chunksize=max(1, count // 40)))


def sealed(folder: Path, files: Files, signing: tuple[str, ...], number: int) -> Path:
    """The bundle under the name of plant *number*: another code, another id, and the score that belongs to them."""
    about = json.loads(files["assessment.json"])
    about["id"] = f"{number:016x}"
    about["plant"]["credit_code"] = fictional_code(number % 10_000)
    about["plant"]["site_no"] = f"{number // 10_000 + 1:02d}"
    assessment = canonical(about)
    score = json.loads(files["score.json"])
    score["assessment"] = about["id"]
    score["inputs"]["assessment_sha256"] = hashlib.sha256(assessment).hexdigest()
    own = {**files, "assessment.json": assessment, "score.json": canonical(score)}
    out = folder / f"{number:06d}.zip"
    signers = fresh_signers(SIGNERS["provider"], SIGNERS["enterprise"], NOON)
    seal_files(own, out, "assessment-bundle", {"assessment": about["id"]}, signers, signing)
    return out


def received(office: Office, files: list[Path]) -> float:
    """Seconds until every one of *files* has its receipt, all of them accepted."""
    start = time.perf_counter()
    outcomes = {receipt.outcome for receipt in receive(office, files, rebuilt, lambda: NOON, CORES)}
    took = time.perf_counter() - start
    assert outcomes == {"accepted"}, outcomes
    return took


def cpu() -> float:
    """Processor seconds of this process and of those it has waited for."""
    return sum(os.times()[:4])


def timed(work: object) -> float:
    """Seconds that *work* takes."""
    assert callable(work)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
