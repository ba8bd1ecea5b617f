"""A package as a stranger checks it: no workspace, no network; every altered, missing or extra file by name; a zip file of another program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from factory_kit.errors import SealError
from factory_kit.load.product import product_folder
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.pack.build import Span
from factory_kit.pack.verify import package_findings, verify_package
from factory_kit.reports.product import build_package
from factory_kit.seal.sealing import seal_files, unpack
from factory_kit.seal.verify import open_sealed
from factory_kit.shipped import data_dir
from factory_kit.store import Store

from .conftest import MIDNIGHT, MINUTE, site
from .test_release import run

PART = "data/part-000.parquet"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of one meter over a day, unsigned, and nothing else in its folder."""
    folder = tmp_path_factory.mktemp("made")
    store = Store(folder / "store")
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register(
            [CataloguePoint("meter-01", "energy", "active_energy", "kWh", "float64", "holding:0", "c", "1", "s")]
        )
        minutes = np.arange(1441)
        writer.append(
            SampleBatch(
                np.full(1441, point, np.int32), MIDNIGHT + minutes * MINUTE, minutes / 10, np.zeros(1441, np.int8)
            )
        )
    made = build_package(
        product_folder(data_dir("datasets") / "energy-hourly"), site(), store, folder / "package.zip",
        span=Span(datetime(2026, 1, 1), datetime(2026, 1, 2)),  # noqa: DTZ001 - spans are naive UTC
        key_file=folder / "keys" / "pseudonyms.key", graded_by="张三", signers=[], clock=lambda: MIDNIGHT,
    )  # fmt: skip
    alone = tmp_path_factory.mktemp("got") / "package.zip"
    shutil.copy(made.file, alone)
    return alone


@pytest.fixture
def unpacked(package: Path, tmp_path: Path) -> Path:
    """The package, unpacked, to be changed."""
    unpack(package, tmp_path / "package")
    return tmp_path / "package"


def zipped(folder: Path, out: Path, inside: str = "") -> Path:
    """*folder* as other programs zip it: compressed, with the times of its files."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, Path(inside) / path.relative_to(folder))
    return out


@pytest.mark.parametrize("inside", ["", "package"])
def test_a_zip_file_of_another_program_is_checked_by_its_files(unpacked: Path, tmp_path: Path, inside: str) -> None:
    """Unpacked by a buyer and zipped again, with or without a folder around it: whole, and it is said that it was packed again."""
    found = verify_package(zipped(unpacked, tmp_path / "again.zip", inside))

    assert (found.ok, found.repacked, [str(each) for each in found.report.findings]) == (True, True, [])


def test_all_that_is_wrong_is_named(unpacked: Path, tmp_path: Path) -> None:
    """Altered, missing and extra files, in a folder and in a zip file of it."""
    (unpacked / "README.md").write_text("better", encoding="utf-8")
    (unpacked / "papers" / "quality.json").unlink()
    (unpacked / "data" / "part-001.parquet").write_bytes(b"PAR1")
    wrong = {"README.md": "altered", "papers/quality.json": "missing", "data/part-001.parquet": "extra"}

    for place in (unpacked, zipped(unpacked, tmp_path / "again.zip")):
        found = verify_package(place)
        assert {each.file: each.what.value for each in found.report.findings} == wrong
        assert not found.ok


def test_the_sealed_file_is_not_taken_for_one_of_another_program(package: Path, tmp_path: Path) -> None:
    """A flipped bit in a header of the sealed form is damage, and not a second way in."""
    content = bytearray(package.read_bytes())
    content[10] ^= 1  # the time in the first header
    (tmp_path / "flipped.zip").write_bytes(content)
    found = verify_package(tmp_path / "flipped.zip")

    assert (verify_package(package).ok, found.ok, found.repacked) == (True, False, False)


def sealed_anew(
    package: Path, out: Path, change: Callable[[dict[str, bytes]], None], kind: str = "data-package"
) -> Path:
    """The package with other content, sealed by whoever did that."""
    files = dict(open_sealed(package).contents())
    change(files)
    seal_files(files, out, kind, {})
    return out


def other_hash(files: dict[str, bytes]) -> None:
    """Croissant names another hash of the part."""
    paper = json.loads(files["croissant.json"])
    paper["distribution"][0]["sha256"] = "0" * 64
    files["croissant.json"] = json.dumps(paper).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("product.json", b"[]"), ("product.json", b"{}"), ("product.json", b'{"product": {"fields": [3]}, "rows": 1}'),
        ("datapackage.json", b"null"), ("datapackage.json", b'{"resources": [{"schema": {"fields": []}, "path": "x", "hash": 3}]}'),
        ("croissant.json", b'{"recordSet": []}'), ("croissant.json", b'{"recordSet": [{"field": []}], "distribution": null}'),
        (PART, b""), (PART, b"PAR1" + b"\xff" * 99 + b"PAR1"),
    ],
)  # fmt: skip
def test_what_somebody_else_wrote_and_sealed_is_named(package: Path, tmp_path: Path, name: str, content: bytes) -> None:
    """Papers of another shape and parts that are no tables, all hashes of the seal being right: findings, no error."""
    found = verify_package(sealed_anew(package, tmp_path / "x.zip", lambda files: files.update({name: content})))
    assert not found.ok
    assert name in {each.file for each in found.findings}


def test_a_part_with_any_byte_of_its_end_flipped_is_named(package: Path, tmp_path: Path) -> None:
    """The end tells of the columns: whatever reads it fails in many ways, and none of them is an error here."""
    whole = open_sealed(package).read(PART)
    for place in range(9, min(len(whole), 1600), 40):
        flipped = bytearray(whole)
        flipped[-place] ^= 0xFF
        content = bytes(flipped)
        out = sealed_anew(
            package, tmp_path / f"{place}.zip", lambda files, content=content: files.update({PART: content})
        )
        assert not verify_package(out).ok


def other_rows(files: dict[str, bytes]) -> None:
    """More rows than any number says."""
    paper = json.loads(files["product.json"])
    files["product.json"] = json.dumps(paper | {"rows": float("inf")}).encode()


def test_rows_without_number_are_named(package: Path, tmp_path: Path) -> None:
    """JSON of Python knows Infinity; it counts no rows."""
    (found,) = verify_package(sealed_anew(package, tmp_path / "x.zip", other_rows)).findings
    assert str(found) == "product.json: cannot be read (cannot convert float infinity to integer)"


def second_part(files: dict[str, bytes]) -> None:
    """A part that no paper names."""
    files["data/part-001.parquet"] = files[PART]


@pytest.mark.parametrize(
    ("change", "named"),
    [(other_hash, {"croissant.json"}), (second_part, {"product.json", "datapackage.json", "croissant.json"})],
)
def test_papers_that_name_other_parts_are_found_out(
    package: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], named: set[str]
) -> None:
    """Even where every hash of the seal is right."""
    assert {each.file for each in package_findings(sealed_anew(package, tmp_path / "x.zip", change))} == named


def test_what_is_no_data_package_is_one_line(package: Path, tmp_path: Path) -> None:
    """Something else that is sealed, and something that is not."""
    sealed_anew(package, tmp_path / "x.zip", lambda _files: None, "assessment-bundle")
    with pytest.raises(SealError, match=r"x\.zip: is a sealed assessment-bundle, not a data package"):
        verify_package(tmp_path / "x.zip")
    (tmp_path / "y.zip").write_bytes(b"no zip file")
    assert not verify_package(tmp_path / "y.zip").ok


def test_the_command_needs_nothing_but_the_package(package: Path, tmp_path: Path) -> None:
    """In an empty folder, without a workspace, without a home and without any socket: 0 for what is whole, 1 for what is not."""
    code = (
        "import socket, sys\n"
        "def no(*_a, **_k): raise OSError('the network is cut')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = no\n"
        "from factory_kit.cli.main import main\nmain(sys.argv[1:])"
    )
    (tmp_path / "empty").mkdir()
    lines = package.read_bytes()
    (tmp_path / "cut.zip").write_bytes(lines[: len(lines) // 2])
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "empty"),
        "FACTORY_KIT_LANG": "en",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = [
        subprocess.run(
            [sys.executable, "-c", code, "pack", "verify", file], cwd=tmp_path / "empty", env=environment, capture_output=True, text=True, check=False
        )
        for file in (str(package), str(tmp_path / "cut.zip"))
    ]  # fmt: skip

    assert [each.returncode for each in done] == [0, 1], [each.stderr for each in done]
    assert "Rows, fields and papers agree." in done[0].stderr
    assert "Traceback" not in done[1].stderr


def test_the_record_for_programs_says_all(unpacked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON document, findings and all."""
    (unpacked / "README.md").unlink()

    assert run("pack", "verify", unpacked, "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["repacked"], said["content"]) == (False, False, [])
    assert [(each["file"], each["what"]) for each in said["findings"]] == [("README.md", "missing")]


def test_an_sm2_signature_stands_beside_a_package(
    package: Path, tmp_path: Path, system_tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by the OpenSSL command and checked by it; over another package it does not fit."""
    openssl = system_tool("openssl")
    monkeypatch.delenv("FACTORY_KIT_PASSPHRASE", raising=False)
    key, public = tmp_path / "sm2.pem", tmp_path / "sm2.pub.pem"
    subprocess.run([openssl, "genpkey", "-algorithm", "SM2", "-out", str(key)], check=True, capture_output=True)
    subprocess.run([openssl, "pkey", "-in", str(key), "-pubout", "-out", str(public)], check=True, capture_output=True)
    shutil.copy(package, tmp_path / "package.zip")
    sealed_anew(package, tmp_path / "other.zip", second_part)

    assert run("pack", "sign-sm2", tmp_path / "package.zip", "--key", key, "--signer", "示例厂") == 0
    signature = tmp_path / "package.zip.sm2"
    assert run("pack", "verify-sm2", tmp_path / "package.zip", "--key", public) == 0
    assert run("pack", "verify-sm2", tmp_path / "other.zip", signature, "--key", public) == 1
