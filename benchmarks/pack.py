"""Data packages: from 100 million samples to a sealed file beside a bare DuckDB copy of the same rows; marks; verifying beside sha256sum."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frame import Bar, Row, Scale, once
from factory_kit.load.product import ProductTemplate, product_folder
from factory_kit.model.definition import Text
from factory_kit.model.product import Checks, DataProduct
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import Equipment, Industry, Plant, Site
from factory_kit.pack.verify import verify_package
from factory_kit.shipped import data_dir

BEGIN = 1_767_225_600_000_000
SECOND = 1_000_000
MACHINES = 100
SQL = """SELECT s.time, n.pseudonym AS machine, s.value AS load FROM samples s JOIN points p USING (point)
JOIN pseudonyms n ON n.equipment = p.equipment, asked a WHERE p.role = 'active_power' AND p.unit = 'kW' AND s.time >= a.begins AND s.time < a.ends
ORDER BY machine, s.time"""


def rows(scale: Scale) -> Iterator[Row]:
    """Throughput of build, release and verify, and the largest memory."""
    samples = scale.of(100_000_000, 5_000_000)
    with tempfile.TemporaryDirectory(prefix="factory-kit-bench-") as aside:
        folder = Path(aside)
        _fill(folder / "store", samples)
        bare = once(partial(_bare, folder, samples))
        build = once(partial(_build, folder, samples))
        release = once(partial(_release, folder))
        note = f"CPU seconds: ours {build.cpu_s:.1f}, bare {bare.cpu_s:.1f}"
        yield Row("samples to a sealed package", "samples/s", build.units / build.wall_s, bare.units / bare.wall_s, "bare DuckDB copy",
                  Bar("ratio", "at least", 0.5, 0.1), note)  # fmt: skip
        yield Row("the same with the marks of a recipient", "samples/s", build.units / (build.wall_s + release.wall_s), bare.units / bare.wall_s,
                  "bare DuckDB copy", Bar("ratio", "at least", 0.2, 0.05), "build and release together")  # fmt: skip
        for name, cost in (("build", build), ("release", release)):
            yield Row(f"peak memory of {name}", "MiB", cost.peak_mib or 0, bar=Bar("ours", "at most", 1024, 1024))
        yield from _verifying(folder, scale)


def _verifying(folder: Path, scale: Scale) -> Iterator[Row]:
    """The unmarked package and the copy, which is larger since marks are noise; the best of several runs, in turn with the peer's."""
    for file in ("package.zip", "copy.zip"):
        package = folder / file
        pairs = [(once(partial(_verify, package)).wall_s, _sha256sum(package)) for _ in range(scale.runs)]
        ours, peer = (min(times) for times in zip(*pairs, strict=True))
        size = package.stat().st_size / 2**20
        yield Row(f"pack verify of {size:.0f} MiB", "MiB/s", size / ours, size / peer, "sha256sum",
                  Bar("ratio", "at least", 0.7, 0.01), "sha256, SM3, CRC-32, rows and papers; modules loaded before")  # fmt: skip


def _span(samples: int) -> tuple[datetime, datetime]:
    begins = datetime(2026, 1, 1)  # noqa: DTZ001 - spans are naive UTC
    return begins, begins + timedelta(seconds=samples // MACHINES)


def _site() -> Site:
    plant = Plant(
        id="p",
        name=Text(zh="示例厂", en="Example"),
        credit_code="91310117MA00000000",
        type="discrete",
        industry=Industry(code="3484"),
    )
    ledger = tuple(
        Equipment(id=f"press-{number:03d}", name=Text(zh=f"{number} 号压力机", en=f"Press {number}"))
        for number in range(MACHINES)
    )
    return Site(site=1, kind="demo", plant=plant, equipment=ledger)


def _template() -> ProductTemplate:
    text = {"zh": "值", "en": "value"}
    fields = (
        {"name": "time", "label": text, "description": text, "type": "timestamp", "key": True},
        {"name": "machine", "label": text, "description": text, "type": "string", "key": True, "sensitive": True, "treatment": "pseudonym"},
        {"name": "load", "label": text, "description": text, "type": "number", "unit": "kW", "minimum": "-1000", "maximum": "1000"},
    )  # fmt: skip
    shipped = product_folder(data_dir("datasets") / "energy-hourly").product.model_dump()
    content = shipped | {
        "product": "power", "roles": ("active_power",), "fields": fields, "recipe": {"id": "r", "steps": (text,)},
        "watermark": {"fields": {"load": "0.01"}, "window_s": 64},
    }  # fmt: skip
    checks = Checks.model_validate({"expected": {"time": "time", "every": "second", "per": ("machine",)}})
    return ProductTemplate(DataProduct.model_validate(content), SQL, checks)


def _fill(folder: Path, samples: int) -> None:
    """One value a second from each machine, in the order in which they come."""
    from factory_kit.store import Store

    store = Store(folder)
    chance = np.random.default_rng(1)
    points = [
        CataloguePoint(f"press-{n:03d}", "power", "active_power", "kW", "float64", f"holding:{n}", "c", "1", "s")
        for n in range(MACHINES)
    ]
    with store.writer(Run("r", BEGIN, Origin.SIMULATED, "demo", "collect")) as writer:
        ids = np.array(store.register(points), np.int32)
        step = 10_000
        for first in range(0, samples // MACHINES, step):
            seconds = np.arange(first, min(first + step, samples // MACHINES))
            count = len(seconds) * MACHINES
            times = np.repeat(BEGIN + seconds * SECOND, MACHINES)
            values = np.round(20 + chance.normal(0, 3, count), 2)
            writer.append(SampleBatch(np.tile(ids, len(seconds)), times, values, np.zeros(count, np.int8)))
    store.compact()


def _bare(folder: Path, samples: int) -> float:
    """What DuckDB needs to copy the same rows to Parquet, and nothing else."""
    import pyarrow as pa

    from factory_kit.pack.pseudonyms import pseudonyms
    from factory_kit.store import Store

    begins, ends = _span(samples)
    names = pseudonyms([item.id for item in _site().equipment], b"k" * 32, "equipment")
    with Store(folder / "store").connect() as con:
        con.execute("CREATE TABLE asked AS SELECT ?::TIMESTAMP AS begins, ?::TIMESTAMP AS ends", [begins, ends])
        known = pa.table({"equipment": list(names), "pseudonym": list(names.values())})
        con.register("known", known)
        con.execute("CREATE TABLE pseudonyms AS SELECT * FROM known")
        target = folder / "bare.parquet"
        con.execute(
            f"COPY ({SQL}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880)"
        )
        target.unlink()
    return float(samples)


def _without_others(reports: Any) -> None:
    """The validators of others are not what is measured."""
    reports.outside_verdicts = lambda _folder: []


def _build(folder: Path, samples: int) -> float:
    from factory_kit.pack.build import Span
    from factory_kit.reports import product
    from factory_kit.store import Store

    _without_others(product)
    made = product.build_package(
        _template(), _site(), Store(folder / "store"), folder / "package.zip", span=Span(*_span(samples)),
        key_file=folder / "keys" / "pseudonyms.key", graded_by="bench", signers=(), clock=lambda: BEGIN,
    )  # fmt: skip
    assert made.rows == samples, made.rows
    return float(samples)


def _release(folder: Path) -> float:
    from factory_kit.reports import product

    _without_others(product)
    made = product.release_package(
        folder / "package.zip", _template(), _site(), folder / "copy.zip", recipient="bench", key_file=folder / "keys" / "pseudonyms.key",
        signers=(), clock=lambda: BEGIN,
    )  # fmt: skip
    return float(made.rows)


def _verify(package: Path) -> float:
    assert verify_package(package).ok
    return float(package.stat().st_size)


def _sha256sum(package: Path) -> float:
    program = shutil.which("sha256sum")
    if program is None:
        raise RuntimeError("sha256sum is not installed")
    started = time.perf_counter()
    subprocess.run([program, str(package)], check=True, capture_output=True)
    return time.perf_counter() - started
