"""How many bundles two cores seal and verify in a second: 216 answers, 49 evidence records, 30 documents, two signatures."""

from __future__ import annotations

import hashlib
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.frame import Bar, Row, Scale
from factory_kit.seal import KeyRing, Signer, canonical, new_key, open_key, seal_folder, trust, verify

PASSPHRASE = "only for this benchmark"  # noqa: S105 - of keys that live for seconds
ROLES = {"provider": "诊断服务商", "enterprise": "某某机械"}
NOON = 1_790_000_000_000_000
CORES = 2
BAR = Bar("ours", "at least", 300, 100)


def rows(scale: Scale) -> Iterator[Row]:
    """Seal and verify rates, each beside plain zip files with sha256 and no signatures; with documents and with their hashes only."""
    seconds = scale.of(5, 1)
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(CORES) as pool:
        place = Path(name)
        for role, holder in ROLES.items():
            trust(place / "ring", new_key(place / f"{role}.key", PASSPHRASE).public, holder, [role], 0)
        for documents in (False, True):
            content(place / "content", documents=documents)
            kind = "30 document files" if documents else "30 document hashes"
            pairs = (("seal", seals, zips), ("verify", verifies, unzips))
            for verb, ours, peer in pairs:
                rates = [sum(pool.map(partial(work, place, seconds), range(CORES))) for work in (ours, peer)]
                yield Row(f"{verb}, {kind}, two cores", "per second", rates[0], rates[1], "zipfile + sha256", BAR)


def content(folder: Path, *, documents: bool) -> None:
    """The files of the bundle: about 80 kB, with *documents* about 110 kB."""
    for part in ("evidence", "documents"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    answers = [
        {"criterion": f"c{at:03}", "answer": "0.8", "evidence": [f"e{at % 49}"], "by": "张工"} for at in range(216)
    ]
    (folder / "answers.json").write_bytes(canonical({"answers": answers}))
    points = [{"equipment": f"m{at:02}", "point": "state", "role": "state"} for at in range(12)]
    for at in range(49):
        record = {"form": 1, "indicator": {"id": f"i{at}", "rev": 1}, "value": "0.708333", "points": points}
        (folder / f"evidence/i{at}-plant.json").write_bytes(canonical(record))
    papers = {f"d{at}.json": canonical({"n": at, "text": "设备台账" * 100}) for at in range(30)}
    hashes = {name: hashlib.sha256(paper).hexdigest() for name, paper in papers.items()}
    (folder / "documents.json").write_bytes(canonical(hashes))
    for name, paper in papers.items() if documents else ():
        (folder / "documents" / name).write_bytes(paper)


def seals(place: Path, seconds: float, worker: int) -> float:
    """Bundles sealed per second by one process; the keys are opened once."""
    with (
        open_key(place / "provider.key", PASSPHRASE) as provider,
        open_key(place / "enterprise.key", PASSPHRASE) as enterprise,
    ):
        keys = {"provider": provider, "enterprise": enterprise}
        signers = [Signer(keys[role], role, name, lambda: NOON) for role, name in ROLES.items()]
        out = place / f"bundle{worker}.zip"
        return rate(lambda: seal_folder(place / "content", out, "assessment-bundle", {"plant": "p"}, signers), seconds)


def verifies(place: Path, seconds: float, worker: int) -> float:
    """Bundles verified per second by one process, both signatures included."""
    ring = KeyRing.read(place / "ring")
    path = place / f"bundle{worker}.zip"
    assert verify(path, ring).ok
    return rate(lambda: verify(path, ring), seconds)


def zips(place: Path, seconds: float, worker: int) -> float:
    """Plain zip files of the same content written per second by one process, with one sha256 of each file."""

    def pack() -> None:
        with zipfile.ZipFile(place / f"plain{worker}.zip", "w") as archive:
            for path in sorted((place / "content").rglob("*.json")):
                data = path.read_bytes()
                hashlib.sha256(data).hexdigest()
                archive.writestr(path.relative_to(place).as_posix(), data)

    return rate(pack, seconds)


def unzips(place: Path, seconds: float, worker: int) -> float:
    """Plain zip files read per second by one process, with one sha256 of each file."""

    def read() -> None:
        with zipfile.ZipFile(place / f"plain{worker}.zip") as archive:
            for name in archive.namelist():
                hashlib.sha256(archive.read(name)).hexdigest()

    return rate(read, seconds)


def rate(work: Callable[[], object], seconds: float) -> float:
    """How often per second *work* is done."""
    work()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - start)
