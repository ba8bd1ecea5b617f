"""How fast plants are scored exactly, and bundles of assessments sealed, verified and scored again.

The peer of the scoring gives the same figures in plain floating-point numbers (three readings, nodes, counts, gains), a direct
reading of GB/T 39117-2020: without trimming, checks and reasons in words, and now and then with the wrong level. The peers of the bundles are plain zip files with one sha256
of each file, and the same answers scored in floating-point numbers. What many bundles share, the model and the indicators, is hashed and read once in a
process, as whoever receives hundreds of them does; answers, records, reports and signatures are read, hashed and checked every time.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from fractions import Fraction
from functools import partial
from pathlib import Path

from benchmarks.frame import Bar, Row, Scale, side_by_side
from factory_kit.assess.begin import Wish, begin
from factory_kit.assess.bundle import rescore, seal_assessment
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import read_scored, write_score
from factory_kit.load.indicator import all_indicators
from factory_kit.load.maturity import maturity_model
from factory_kit.load.workspace import Workspace
from factory_kit.model.evidence import Engine, Evidence, FileUsed, IndicatorUsed, PointUsed
from factory_kit.model.maturity import MaturityModel
from factory_kit.score import Score, Value, score
from factory_kit.seal import KeyRing, Signer, new_key, open_key, trust, verify
from factory_kit.shipped import data_dir

MODEL = "gbt-39116@2020"
VALUES = ("0", "0.5", "0.8", "1")
PASSPHRASE = "only for this benchmark"  # noqa: S105 - of keys that live for seconds
SIGNERS = {"provider": "诊断服务商", "enterprise": "某某机械"}
NOON = 1_790_000_000_000_000
CORES = 2
RECORDS, HASHES, PAGE_BYTES = 49, 30, 24_000
PER_SECOND = Bar("ours", "at least", 300, 100)
PAGES = ("report/report.zh.html", "report/report.en.html", "leaving/leaving.zh.html", "leaving/leaving.en.html")
SITE = """\
site: 1
kind: demo
plant: {id: p, name: {zh: 某某机械, en: Some Works}, credit_code: 91350100M000100Y43, type: discrete, industry: {code: "3484"}}
equipment:
"""


def rows(scale: Scale) -> Iterator[Row]:
    """Plants scored, then one fixed bundle sealed, verified and scored again, each on its own."""
    plants = scale.of(1000, 200)
    ours, peer = side_by_side(partial(scores, plants), partial(floats, plants), scale.runs)
    per_thousand = 1000 / plants
    yield Row(
        "1,000 plants x 216 requirements scored exactly, one core", "s CPU", ours.units * per_thousand,
        peer.units * per_thousand, "plain floats", Bar("ours", "at most", 1, 1.5),
    )  # fmt: skip
    yield Row(
        "exact beside floats", "s CPU", ours.units * per_thousand, peer.units * per_thousand, "plain floats",
        Bar("ratio", "at most", 10, 12),
    )  # fmt: skip
    yield from _bundles(scale.of(5, 1))


def _bundles(seconds: float) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(CORES) as pool:
        place = Path(name)
        for role, holder in SIGNERS.items():
            trust(place / "ring", new_key(place / f"{role}.key", PASSPHRASE).public, holder, [role], 0)
        made(place / "plant")
        for verb, work, peer, called in (
            ("seal", seals, zips, "zipfile + sha256"),
            ("verify", verifies, unzips, "zipfile + sha256"),
            ("rescore", rescores, float_scores, "json + plain floats"),
        ):
            ours, theirs = (list(pool.map(partial(each, place, seconds), range(CORES))) for each in (work, peer))
            cpu = sum(each for _, each in ours)
            yield Row(
                f"{verb}: 216 answers, 49 records, 30 hashes, two cores", "per second", sum(each for each, _ in ours),
                sum(each for each, _ in theirs), called, PER_SECOND, f"{cpu:.0f} by processor time",
            )  # fmt: skip


def scores(plants: int) -> float:
    """Processor seconds for scoring *plants* plants, with range, floor, gains and reasons."""
    model, answers = _model(), _answers(plants)
    values = {text: Value(Fraction(text), "B") for text in VALUES}
    decided = [{criterion: values[text] for criterion, text in plant.items()} for plant in answers]
    _shown(score(model, "discrete", decided[0]))
    begun = time.process_time()
    for plant in decided:
        _shown(score(model, "discrete", plant))
    return time.process_time() - begun


def _shown(found: Score) -> object:
    """The figures that are made when somebody asks for them."""
    return found.nodes


def floats(plants: int) -> float:
    """Processor seconds for the same figures of the same plants in plain floating-point numbers, without reasons in words."""
    shape, answers = float_shape(_model()), _answers(plants)
    decided = [{criterion: float(text) for criterion, text in plant.items()} for plant in answers]
    begun = time.process_time()
    for plant in decided:
        float_score(shape, plant)
    return time.process_time() - begun


Cell = tuple[float, tuple[str, ...], list[str]]
"""Weight in the level, the node and those above it, and the criteria."""


def float_shape(model: MaturityModel) -> list[list[Cell]]:
    """The cells of each level."""
    parents = {node.id: node.parent for node in model.structure.nodes}
    weights: dict[str, float] = {}
    for node in model.structure.nodes:
        share = float(node.weight["discrete"].share) / 100 if "discrete" in node.weight else 0.0
        weights[node.id] = share * (weights[node.parent] if node.parent else 1.0)
    found = []
    for level in model.structure.levels:
        cells: dict[str, list[str]] = {}
        for criterion in model.structure.criteria:
            if criterion.level == level:
                cells.setdefault(criterion.node, []).append(criterion.id)
        whole = sum(weights[node] for node in cells)
        found.append([(weights[node] / whole, _line(node, parents), criteria) for node, criteria in cells.items()])
    return found


def float_score(shape: Sequence[Sequence[Cell]], answers: Mapping[str, float]) -> tuple[object, ...]:
    """Total and level as answered, as proven, and with all that is open fully met; nodes, counts and gains."""
    counts = [[0, 0] for _ in shape]
    for at, cells in enumerate(shape):
        for _weight, _nodes, criteria in cells:
            counts[at][0] += len(criteria)
            counts[at][1] += sum(answers[each] == 1.0 for each in criteria)
    readings = [_float_reading(shape, answers) for _ in ("answered", "proven", "open as met")]
    stopped = next((at for at, value in enumerate(readings[0][2]) if value < 0.8), None)
    gains = []
    for weight, _nodes, criteria in shape[stopped] if stopped is not None else ():
        gains += [((1 - answers[each]) * weight / len(criteria), each) for each in criteria if answers[each] < 1]
    return readings, counts, sorted(gains, reverse=True)


def _float_reading(
    shape: Sequence[Sequence[Cell]], answers: Mapping[str, float]
) -> tuple[float, int, list[float], object]:
    total, going, levels, nodes = 0.0, True, [], []
    for cells in shape:
        sums: dict[str, list[float]] = {}
        value = 0.0
        for weight, line, criteria in cells:
            mean = sum(answers[each] for each in criteria) / len(criteria)
            value += weight * mean
            for node in line:
                both = sums.setdefault(node, [0.0, 0.0])
                both[0] += weight * mean
                both[1] += weight
        nodes.append({node: part / whole for node, (part, whole) in sums.items()})
        levels.append(value)
        total += (1.0 if value >= 0.8 else value) if going else 0.0
        going = going and value >= 0.8
    return total, int(total + 0.2), levels, nodes


def _line(node: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    above = parents[node]
    return (node, *(_line(above, parents) if above else ()))


def made(root: Path) -> AssessmentFolder:
    """A workspace with a whole assessment called ``a``: answers, records, indicators, score."""
    root.mkdir()
    machines = "".join(f"  - {{id: m{at:02}, name: {{zh: 机{at}, en: M{at}}}, key: true}}\n" for at in range(12))
    (root / "site.yaml").write_text(SITE + machines, encoding="utf-8")
    days = (date(2026, 9, 1), date(2026, 9, 30))
    wish = Wish("a", MODEL, days, assessor="李工", type="provider", provider="诊断服务商")
    folder = begin(Workspace.at(root), wish, "0123456789abcdef")
    text = folder.answers_file.read_text(encoding="utf-8")
    for at, (criterion, value) in enumerate(_answers(1)[0].items()):
        digest = f', sha256: "{hashlib.sha256(criterion.encode()).hexdigest()}"' if at < HASHES else ""
        said = f'{{value: "{value}", evidence: [{{grade: B, note: 设备台账 {at}{digest}}}]}}'
        text = text.replace(f"  {criterion}: {{no_value: not assessed}}\n", f"  {criterion}: {said}\n")
    folder.answers_file.write_text(text, encoding="utf-8")
    shipped = data_dir("assessments") / "indicators"
    for record in _records(shipped):
        (folder.evidence_folder / record.file_name).write_bytes(record.canonical())
    write_score(folder, [shipped])
    return folder


def seals(place: Path, seconds: float, worker: int) -> Rate:
    """Bundles sealed per second by one process, signed by both; the keys are opened once."""
    with open_key(place / "provider.key", PASSPHRASE) as one, open_key(place / "enterprise.key", PASSPHRASE) as two:
        keys = dict(zip(SIGNERS, (one, two), strict=True))
        signers = [Signer(keys[role], role, name, lambda: NOON) for role, name in SIGNERS.items()]
        scored = read_scored(AssessmentFolder(place / "plant" / "assessments" / "a"))
        pages = dict.fromkeys(PAGES, "报告正文。".encode() * (PAGE_BYTES // 15))
        out = place / f"bundle{worker}.zip"
        return rate(lambda: seal_assessment(scored, out, pages, "benchmark", signers), seconds)


def verifies(place: Path, seconds: float, worker: int) -> Rate:
    """Bundles verified per second by one process, both signatures included."""
    ring, path = KeyRing.read(place / "ring"), place / f"bundle{worker}.zip"
    assert verify(path, ring).ok
    return rate(lambda: verify(path, ring), seconds)


def rescores(place: Path, seconds: float, worker: int) -> Rate:
    """Bundles verified, scored again and compared byte for byte per second by one process."""
    path = place / f"bundle{worker}.zip"
    assert rescore(path).same
    return rate(lambda: rescore(path), seconds)


def zips(place: Path, seconds: float, worker: int) -> Rate:
    """Plain zip files of the same files written per second by one process, with one sha256 of each file."""
    folder = place / "plant" / "assessments" / "a"
    page = "报告正文。".encode() * (PAGE_BYTES // 15)

    def pack() -> None:
        with zipfile.ZipFile(place / f"plain{worker}.zip", "w") as archive:
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                data = path.read_bytes()
                hashlib.sha256(data).hexdigest()
                archive.writestr(path.relative_to(folder).as_posix(), data)
            for name in PAGES:
                hashlib.sha256(page).hexdigest()
                archive.writestr(name, page)

    return rate(pack, seconds)


def unzips(place: Path, seconds: float, worker: int) -> Rate:
    """Plain zip files read per second by one process, with one sha256 of each file."""

    def read() -> None:
        with zipfile.ZipFile(place / f"plain{worker}.zip") as archive:
            for name in archive.namelist():
                hashlib.sha256(archive.read(name)).hexdigest()

    return rate(read, seconds)


def float_scores(place: Path, seconds: float, worker: int) -> Rate:
    """The answers in the bundle read and scored in floating-point numbers per second by one process; nothing is checked."""
    shape = float_shape(_model())

    def read() -> None:
        with zipfile.ZipFile(place / f"bundle{worker}.zip") as archive:
            given = json.loads(archive.read("answers.json"))["answers"]
            for name in archive.namelist():
                if name.startswith("evidence/"):
                    json.loads(archive.read(name))
        float_score(shape, {criterion: float(answer["value"]) for criterion, answer in given.items()})

    return rate(read, seconds)


Rate = tuple[float, float]
"""How often per second, and per second of processor time."""


def rate(work: Callable[[], object], seconds: float) -> Rate:
    """How often *work* is done."""
    work()
    start, used, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - start), done / (time.process_time() - used)


def _model() -> MaturityModel:
    return maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")


def _answers(plants: int) -> list[dict[str, str]]:
    chance = random.Random(39116)
    criteria = list(_model().criteria)
    return [{criterion: chance.choice(VALUES) for criterion in criteria} for _ in range(plants)]


def _records(indicators: Path) -> Iterator[Evidence]:
    known = list(all_indicators([indicators]).values())
    for at in range(RECORDS):
        indicator, turn = known[at % len(known)], at // len(known)
        yield Evidence(
            indicator=IndicatorUsed(indicator.id, indicator.definition.rev, indicator.sql_sha256),
            subject="plant" if turn == 0 else f"m{turn:02}",
            unit="1", outcome="value", reason=None, value="0.9", lower="0.88", upper="0.92", numerator="9",
            denominator="10", coverage="0.97",
            points=tuple(PointUsed(f"m{each:02}", "state", "state") for each in range(12)),
            start="2026-09-01T00:00:00+08:00", end="2026-10-01T00:00:00+08:00", blocks=30, ledger=12,
            origin=("simulated",),
            files=tuple(FileUsed(f"samples/{day:02}.parquet", 86_400, f"{day:064x}") for day in range(3)),
            engine=Engine("0.1.0", "1.0.0"), received="2026-10-02T09:00:00+08:00",
        )  # fmt: skip
