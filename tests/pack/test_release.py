"""From the store to a package, a copy for each of two recipients, and a leak that names one, be it a table or the whole package: through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml

from factory_kit.cli.main import main
from factory_kit.errors import UsageError
from factory_kit.load.product import find_product, product_folder
from factory_kit.load.workspace import Workspace
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.pack.release import REGISTER, Recipient, read_recipients, recipient_name, write_recipient
from factory_kit.pack.verify import package_findings
from factory_kit.reports.product import release_package
from factory_kit.seal.digest import digest_file
from factory_kit.seal.sealing import unpack
from factory_kit.shipped import search_path
from factory_kit.store import Store

from .conftest import MIDNIGHT

SECONDS = 6 * 3600
SITE = {
    "site": 1, "kind": "demo",
    "plant": {"id": "p", "name": {"zh": "示例厂", "en": "Example"}, "credit_code": "91310117MA00000000", "type": "discrete",
              "timezone": "UTC", "industry": {"code": "3484"}},
    "equipment": [{"id": "cnc-01", "name": {"zh": "一号车床", "en": "Lathe 1"}}],
}  # fmt: skip


def run(*words: object) -> int:
    """The exit code of a command."""
    try:
        main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return 0


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plant with one spindle, measured once in ten seconds over six hours."""
    monkeypatch.setenv("FACTORY_KIT_LANG", "en")
    place = tmp_path / "plant"
    place.mkdir()
    (place / "site.yaml").write_text(yaml.safe_dump(SITE, allow_unicode=True), encoding="utf-8")
    times = MIDNIGHT + np.arange(0, SECONDS, 10, dtype=np.int64) * 1_000_000
    load = 50 + np.random.default_rng(2).normal(0, 8, len(times))
    store = Store(place / "store")
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register(
            [CataloguePoint("cnc-01", "spindle_load", "spindle_load", "%", "float64", "a:1", "c", "1", "s")]
        )
        writer.append(SampleBatch(np.full(len(times), point, np.int32), times, load, np.zeros(len(times), np.int8)))
    return place


def test_a_leaked_copy_is_traced_to_its_recipient(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built, released to two, one of them leaks a rescaled part as CSV, or all of it: the command names that one, in a register kept in the plant.

    All files are given by names relative to the current folder, as people type them.
    """
    monkeypatch.chdir(tmp_path)
    workspace = workspace.relative_to(tmp_path)
    package, day = Path("spindle.zip"), ("--from", "2026-01-01", "--to", "2026-01-01")
    assert run("pack", "build", "cnc-spindle", "-w", workspace, "--out", package, "--graded-by", "张三", *day) == 0
    for name in ("甲公司", "乙公司"):
        assert run("pack", "release", package, "-w", workspace, "--to", name, "--out", f"{name}.zip") == 0
    assert run("pack", "release", package, "-w", workspace, "--to", " 甲公司 ", "--out", "again.zip") == 0
    assert [each.recipient for each in read_recipients(workspace / "keys" / REGISTER)] == ["甲公司", "乙公司"]
    assert package_findings(tmp_path / "乙公司.zip") == []
    unpack(tmp_path / "乙公司.zip", tmp_path / "got")
    rows = (
        f"SELECT time, machine, load / 2 + 1 AS load FROM '{tmp_path / 'got' / 'data' / 'part-000.parquet'}' LIMIT 1800"  # noqa: S608 - our own file
    )
    duckdb.sql(f"COPY ({rows}) TO '{tmp_path / 'leaked.csv'}' (HEADER)")
    capsys.readouterr()

    for leaked in ("leaked.csv", "乙公司.zip"):
        assert run("pack", "trace", leaked, "--of", package, "-w", workspace, "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert {each["recipient"]: each["named"] for each in found} == {"甲公司": False, "乙公司": True}
    assert run("pack", "trace", "leaked.csv", "--of", "甲公司.zip", "-w", workspace) == 2
    assert "no copy was released from this file" in " ".join(capsys.readouterr().err.split())
    assert "甲公司" not in "".join(
        path.read_text("utf-8", "ignore") for path in (tmp_path / "got").rglob("*") if path.is_file()
    )


def test_a_package_of_which_copies_are_known_is_not_written_over(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the unmarked original no copy can be traced: another build does not take its place."""
    package, register = tmp_path / "spindle.zip", workspace / "keys" / REGISTER
    package.write_bytes(b"the original")
    known = Recipient("甲公司", "cnc-spindle", "1.0.0", digest_file(package).sha256, "2026-01-02T00:00:00+00:00")
    register.parent.mkdir()
    write_recipient(register, known)
    day = ("--from", "2026-01-01", "--to", "2026-01-01")

    assert run("pack", "build", "cnc-spindle", "-w", workspace, "--out", package, "--graded-by", "张三", *day) == 2
    assert capsys.readouterr().err.strip() == f"{package}: is there already; nothing was changed"
    assert (package.read_bytes(), read_recipients(register)) == (b"the original", [known])


@pytest.mark.parametrize("out", ["other.zip", "spindle.zip"])
def test_a_copy_takes_no_original_s_place(workspace: Path, tmp_path: Path, out: str) -> None:
    """Neither that of the package it is made from, nor that of another one of which copies are known."""
    place, product = Workspace.at(workspace), product_folder(find_product("cnc-spindle", search_path("datasets", None)))
    original, key_file = tmp_path / "spindle.zip", workspace / "keys" / "pseudonyms.key"
    original.write_bytes(b"the original")
    known = Recipient("甲公司", "cnc-spindle", "1.0.0", digest_file(original).sha256, "2026-01-02T00:00:00+00:00")
    key_file.parent.mkdir()
    write_recipient(key_file.parent / REGISTER, known)

    with pytest.raises(UsageError, match="is there already; nothing was changed"):
        release_package(
            tmp_path / "other.zip", product, place.site()[0], tmp_path / out,
            recipient="乙公司", key_file=key_file, signers=(), clock=lambda: 0,
        )  # fmt: skip
    assert read_recipients(key_file.parent / REGISTER) == [known]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (" \t", "nobody is named"),
        ("甲\u200b公司", "holds signs that nobody sees"),
        ("\u202e甲公司", "holds signs that nobody sees"),
        ("甲 公司", "looks like '甲公司'"),
        ("ＡＢＣ\u3000Ltd", "looks like 'ABC Ltd'"),
        ("abc ltd", "looks like 'ABC Ltd'"),
    ],
)
def test_names_that_look_alike_are_one_recipient(tmp_path: Path, said: str, why: str) -> None:
    """A second copy for what looks like a known name is refused; the name itself, and another one, are taken."""
    register = tmp_path / REGISTER
    for name in ("甲公司", "ABC Ltd"):
        write_recipient(register, Recipient(name, "cnc-spindle", "1.0.0", "0" * 64, "2026-01-02T00:00:00+00:00"))

    with pytest.raises(UsageError, match=why):
        recipient_name(said, register)
    assert [recipient_name(name, register) for name in ("甲公司", " ABC\u3000Ltd\n", "乙公司")] == [
        "甲公司",
        "ABC Ltd",
        "乙公司",
    ]
