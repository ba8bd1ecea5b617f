from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_kit.cli.district_rebuilt import rebuilt
from factory_kit.district import rules
from factory_kit.district.index import index, rebuild_index
from factory_kit.district.office import Office
from factory_kit.district.receive import Receipt, receive
from factory_kit.district.rules import rule_texts
from factory_kit.district.statistics import statistics_bytes
from factory_kit.errors import Altered
from factory_kit.load.maturity import maturity_model
from factory_kit.seal.canonical import canonical
from factory_kit.seal.chain import verify_chain
from factory_kit.seal.sealing import seal_files
from factory_kit.seal.verify import open_sealed
from factory_kit.shipped import data_dir
from factory_kit.testing.district import FictionalPlant, Submission, fresh_signers, seal_plant
from factory_kit.testing.district_defects import DEADLINE_PASSED, Planted, make_defects

Take = Callable[..., list[Receipt]]
NOW = 1_790_000_000_000_000


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> list[Planted]:
    """One bundle for each rule."""
    return list(make_defects(tmp_path_factory.mktemp("defects") / "inbox"))


def test_every_rule_finds_its_planted_defect(take: Take, planted: list[Planted]) -> None:
    """Of R01 to R14 each speaks about its bundle, nothing else decides, and the bundle in order gets no word."""
    receipts = [take(each.path, now=DEADLINE_PASSED if each.late else NOW)[0] for each in planted]

    found = [(each.rule, receipt.outcome) for each, receipt in zip(planted, receipts, strict=True)]
    assert found == [(each.rule, each.outcome) for each in planted]
    for each, receipt in zip(planted, receipts, strict=True):
        assert [ruling.rule for ruling in receipt.rulings] == [each.rule] * bool(each.rule)
    assert {each.rule for each in planted} - {""} == set(rule_texts())


def test_another_score_is_told_in_levels_and_totals(take: Take, tmp_path: Path) -> None:
    """R06 names the level and total sent and rebuilt where they differ, not a place inside a file."""
    good, claimed = tmp_path / "good.zip", tmp_path / "claimed.zip"
    source = data_dir("assessments") / "models" / "gbt-39116" / "2020"
    level = seal_plant(FictionalPlant(0, 1, False), maturity_model(source), source, good, NOW)
    score = json.loads(open_sealed(good).read("score.json")) | {"level": 4, "total": "4.4"}
    again(good, claimed, score=canonical(score))

    (receipt,) = take(claimed)

    (ruling,) = receipt.rulings
    assert (ruling.rule, receipt.outcome, level) == ("R06", "returned", 2)
    assert "(level 4, 4.40)" in ruling.text()
    assert "(level 2, 2.41)" in ruling.text()


def again(bundle: Path, out: Path, score: bytes) -> None:
    """*bundle* with another score, sealed anew."""
    sealed = open_sealed(bundle)
    files: dict[str, Path | bytes] = {**dict(sealed.contents()), "score.json": score}
    seal_files(files, out, sealed.manifest.kind, sealed.about, fresh_signers("示例诊断甲", "示例厂", NOW))


def test_a_reason_inside_a_sentence_is_translated_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """``because`` is a sentence of its own, in the language of the other; what stands in braces of a file's name stays."""
    chinese = {"it fails: {because}": "失败：{because}", "{file}: is broken": "{file}：已损坏"}
    monkeypatch.setattr(rules, "_", lambda text: chinese.get(text, text))

    ruling = rules.Ruling("R06", "it fails: {because}", {"because": "{file}: is broken", "file": "{x}.zip"})

    assert ruling.text() == "失败：{x}.zip：已损坏"


def test_each_rule_is_one_sentence_in_both_languages() -> None:
    """R01 to R14, without gaps, each ending with a full stop."""
    texts = rule_texts()

    assert list(texts) == [f"R{number:02d}" for number in range(1, 15)]
    assert all(text.zh.endswith("。") and text.en.endswith(".") for text in texts.values())


def test_a_huge_file_is_refused_unread(take: Take, office: Office, tmp_path: Path) -> None:
    """Two gigabytes of nothing are answered with R01, and nothing of them is copied."""
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:
        file.truncate(2 << 30)

    (receipt,) = take(path)
    assert (receipt.outcome, receipt.rulings[0].rule) == ("rejected", "R01")
    assert list(office.bundles_folder.iterdir()) == []


def test_several_processes_give_the_ledger_of_one(
    office: Office, take: Take, inbox: list[Submission], tmp_path: Path
) -> None:
    """Two processes that look at bundles change nothing about receipts and their order."""
    from factory_kit.district.office import begin_office
    from factory_kit.shipped import search_path

    take(*(each.path for each in inbox))
    other = begin_office(tmp_path / "other", search_path("assessments"))
    list(receive(other, [each.path for each in inbox], rebuilt, lambda: NOW, 2))

    assert other.ledger_file.read_bytes() == office.ledger_file.read_bytes()
    assert sorted(path.name for path in other.bundles_folder.iterdir()) == sorted(
        path.name for path in office.bundles_folder.iterdir()
    )


RECEIVER = """
import sys
from pathlib import Path
from factory_kit.cli.district_rebuilt import rebuilt
from factory_kit.district.office import Office
from factory_kit.district.receive import receive
if __name__ == "__main__":
    for receipt in receive(Office.at(Path(sys.argv[1])), sorted(Path(sys.argv[2]).glob("*.zip")), rebuilt, lambda: 1790000000000000):
        print(receipt.number, receipt.hash, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_receiver_keeps_every_receipt_it_gave(office: Office, inbox: list[Submission]) -> None:
    """Killed after each receipt in turn, the ledger holds all that were given, none twice, and no copy is left lying about."""
    given: dict[int, str] = {}
    for stop in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "-c", RECEIVER, str(office.path), str(inbox[0].path.parent)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert process.stdout is not None
        for _ in range(stop):
            number, hash_ = process.stdout.readline().split()
            given[int(number)] = hash_
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    list(receive(office, [each.path for each in inbox], rebuilt, lambda: NOW))

    report = verify_chain(office.ledger_file, given)
    hashes = [link.record["sha256"] for link in office.ledger()]
    assert report.ok
    assert len(hashes) == len(set(hashes)) == len(inbox) - 1
    assert not list(office.bundles_folder.glob(".incoming*"))


def test_a_rebuilt_index_says_the_same(take: Take, office: Office, inbox: list[Submission]) -> None:
    """Statistics after receiving in two steps, and after the index was rebuilt from ledger and bundles, are the same bytes."""
    take(*(each.path for each in inbox[:2]))
    statistics_bytes(office)
    take(*(each.path for each in inbox[2:]))
    grown = statistics_bytes(office)
    (office.receipts_folder / "000001.json").unlink()
    done = rebuild_index(office, 2)

    assert statistics_bytes(office) == grown
    assert (done.records, done.bundles, done.receipts) == (5, 3, 1)
    assert (office.receipts_folder / "000001.json").exists()


def test_a_rebuild_names_an_altered_bundle(take: Take, office: Office, inbox: list[Submission]) -> None:
    """A bundle changed on the disk, or gone, stops the rebuild with its name."""
    take(inbox[0].path)
    (kept,) = office.bundles_folder.iterdir()
    kept.chmod(0o644)
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    with pytest.raises(Altered, match="was altered; bring"):
        rebuild_index(office)

    kept.unlink()
    with pytest.raises(Altered, match="is missing; bring it back"):
        rebuild_index(office)


def test_an_index_of_another_ledger_is_made_anew(take: Take, office: Office, inbox: list[Submission]) -> None:
    """A restored backup of the ledger does not leave receipts behind in the index; no index at all is no mistake."""
    take(inbox[0].path)
    before = office.ledger_file.read_bytes()
    take(inbox[1].path)
    statistics_bytes(office)
    office.ledger_file.write_bytes(before)

    with index(office) as con:
        assert con.execute("SELECT count(*) FROM receipts").fetchone() == (1,)
    (office.path / "index.duckdb").write_bytes(b"no index")
    with index(office) as con:
        assert con.execute("SELECT count(*) FROM receipts").fetchone() == (1,)


def test_verifying_names_the_first_broken_receipt(take: Take, office: Office, inbox: list[Submission]) -> None:
    """Of a ledger with one line altered the check says which."""
    take(*(each.path for each in inbox))
    lines = office.ledger_file.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b'"floor":', b'"fl0or":')
    office.ledger_file.write_bytes(b"\n".join(lines))

    report = verify_chain(office.ledger_file)
    assert not report.ok
    assert "record 3 was altered" in str(report.problem)
