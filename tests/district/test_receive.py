from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from factory_kit.assess.bundle import open_bundle
from factory_kit.district.office import Office
from factory_kit.district.receive import Receipt
from factory_kit.errors import Altered, StoreBusy
from factory_kit.seal.chain import open_chain, verify_chain
from factory_kit.seal.keys import SecretKey, Signer, new_key, open_key
from factory_kit.seal.ring import trust
from factory_kit.seal.sealing import countersign, seal_files
from factory_kit.seal.verify import Sealed
from factory_kit.testing.district import Submission

Take = Callable[..., list[Receipt]]
Change = Callable[[str, str], None]
NOW = 1_790_000_000_000_000
PASSPHRASE = "correct horse"


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> SecretKey:
    """A key to sign again with."""
    path = tmp_path_factory.mktemp("key") / "some.key"
    new_key(path, PASSPHRASE)
    return open_key(path, PASSPHRASE)


def again(
    bundle: Path,
    out: Path,
    key: SecretKey,
    changes: Mapping[str, tuple[str, str]],
    roles: tuple[str, ...] = ("enterprise", "provider"),
) -> Path:
    """The bundle with pieces of some files exchanged, sealed and signed anew."""
    sealed = open_bundle(bundle)
    files: dict[str, Path | bytes] = {}
    for name, data in sealed.contents():
        before, after = (text.encode() for text in changes.get(name, ("", "")))
        assert before in data
        files[name] = data.replace(before, after) if before else data
    seal_files(files, out, "assessment-bundle", sealed.about, [Signer(key, role, "某", lambda: NOW) for role in roles])
    return out


def rules(receipt: Receipt) -> list[str]:
    """The numbers of the rules that said something."""
    return [ruling.rule for ruling in receipt.rulings]


def test_each_planted_fault_gets_its_rule(take: Take, inbox: list[Submission]) -> None:
    """Good bundles are accepted; a wrong code is R03, an altered answer R02 and names the file, a copy R10."""
    receipts = take(*(each.path for each in inbox))

    assert [(each.outcome, rules(each)) for each in receipts] == [
        ("accepted", []),
        ("accepted", []),
        ("accepted", []),
        ("returned", ["R03"]),
        ("rejected", ["R02"]),
        ("duplicate", ["R10"]),
    ]
    assert "answers.json was altered" in receipts[4].rulings[0].text()
    assert receipts[5].number == receipts[0].number
    assert [each.level for each in receipts[:3]] == [each.level for each in inbox[:3]]


def test_accepted_bundles_are_kept_unchanged(take: Take, office: Office, inbox: list[Submission]) -> None:
    """Exactly the accepted files lie in the folder, byte for byte, under their hashes, and read-only."""
    take(*(each.path for each in inbox))

    kept = sorted(office.bundles_folder.iterdir())
    assert sorted(path.read_bytes() for path in kept) == sorted(each.path.read_bytes() for each in inbox[:3])
    assert {path.stat().st_mode & 0o222 for path in kept} == {0}


def test_receiving_twice_gives_the_same_ledger(take: Take, office: Office, inbox: list[Submission]) -> None:
    """The second time every file is answered with its first receipt, refused ones too."""
    first = take(*(each.path for each in inbox))
    before = office.ledger_file.read_bytes()

    second = take(*(each.path for each in inbox), now=NOW + 1_000_000)

    assert office.ledger_file.read_bytes() == before
    assert [each.number for each in second] == [each.number for each in first]
    assert {each.outcome for each in second} == {"duplicate"}


@pytest.mark.skipif(sys.platform != "linux", reason="only here a file can have any bytes for a name")
@pytest.mark.parametrize(
    ("name", "said"), [("示例厂.zip".encode("gbk"), "示例厂.zip"), (b"bad\xff\xfename.zip", "bad\\xff\\xfename.zip")]
)
def test_a_file_whose_name_is_no_utf_8_is_received(
    take: Take, office: Office, inbox: list[Submission], tmp_path: Path, name: bytes, said: str
) -> None:
    """Old zip programs unpack names in GBK: they are read so, other bytes are spelled out, and the ledger holds."""
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    odd.write_bytes(inbox[0].path.read_bytes())

    receipts = take(odd, inbox[1].path)

    assert [(each.file, each.outcome) for each in receipts] == [(said, "accepted"), (inbox[1].path.name, "accepted")]
    assert [entry.record["file"] for entry in office.ledger()] == [each.file for each in receipts]


def test_the_ledger_holds_and_proves_its_receipts(take: Take, office: Office, inbox: list[Submission]) -> None:
    """Every receipt's number and hash stand in the chain; a changed record is noticed."""
    receipts = take(*(each.path for each in inbox[:3]))

    assert verify_chain(office.ledger_file, {each.number: each.hash for each in receipts}).ok
    office.ledger_file.write_bytes(office.ledger_file.read_bytes().replace(b'"level":2', b'"level":3', 1))
    with pytest.raises(Altered, match="record 1 was altered"):
        list(office.ledger())


def test_a_receipt_is_handed_back_in_both_languages(take: Take, office: Office, inbox: list[Submission]) -> None:
    """The file of a refused submission names the rule and says the sentence in Chinese and English."""
    (receipt,) = take(inbox[3].path)
    handed = json.loads((office.receipts_folder / f"{receipt.number:06d}.json").read_bytes())

    assert (handed["outcome"], handed["hash"], handed["rulings"][0]["rule"]) == ("returned", receipt.hash, "R03")
    assert handed["rulings"][0]["en"].startswith("the credit code 91310117FAKE")
    assert "zh" in handed["rulings"][0]


def test_the_file_must_be_a_bundle(take: Take, tmp_path: Path) -> None:
    """Something that is no zip, another zip, and a sealed dataset are R01."""
    (tmp_path / "text.zip").write_bytes(b"hello")
    seal_files({"a.txt": b"a"}, tmp_path / "package.zip", "package", {})
    seal_files({"assessment.json": b"[]"}, tmp_path / "empty.zip", "assessment-bundle", {})

    receipts = take(tmp_path / "text.zip", tmp_path / "package.zip", tmp_path / "empty.zip")

    assert [(each.outcome, rules(each)) for each in receipts] == [("rejected", ["R01"])] * 3
    (text,) = (each.text() for each in receipts[0].rulings)
    assert "ask its sender for that file unchanged (text.zip: is no sealed file" in text


def test_the_enterprise_must_have_signed(take: Take, inbox: list[Submission], tmp_path: Path, key: SecretKey) -> None:
    """Without the enterprise's acknowledgement a bundle is returned; once it signs, the same bundle is accepted."""
    unsigned = again(inbox[0].path, tmp_path / "unsigned.zip", key, {}, roles=("provider",))
    (first,) = take(unsigned)
    countersign(unsigned, Signer(key, "enterprise", "某厂", lambda: NOW))
    (second,) = take(unsigned)

    assert (first.outcome, rules(first), first.rulings[0].text()) == (
        "returned",
        ["R02"],
        "the signature of the enterprise is missing",
    )
    assert second.outcome == "accepted"


def test_a_bundle_that_only_gained_a_signature_is_a_duplicate(
    take: Take, inbox: list[Submission], tmp_path: Path, key: SecretKey
) -> None:
    """The same content, accepted before, is not counted twice."""
    take(inbox[0].path)
    copy = tmp_path / "copy.zip"
    countersign(inbox[0].path, Signer(key, "enterprise", "某厂", lambda: NOW), copy)

    (receipt,) = take(copy)
    assert (receipt.outcome, receipt.number) == ("duplicate", 1)


def test_providers_may_have_to_be_known(
    take: Take, office: Office, change: Change, inbox: list[Submission], tmp_path: Path, key: SecretKey
) -> None:
    """With trusted_keys_only a stranger's bundle is returned, and accepted once the district trusts the key."""
    change("trusted_keys_only: false", "trusted_keys_only: true")
    bundle = again(inbox[0].path, tmp_path / "one.zip", key, {})
    (first,) = take(bundle)
    trust(office.path / "keys", key.public, "示例诊断甲", ["provider", "enterprise"], 0)
    (second,) = take(bundle)

    assert (first.outcome, rules(first)) == ("returned", ["R02"])
    assert "does not count here (unknown key" in first.rulings[0].text()
    assert second.outcome == "accepted"


@pytest.mark.parametrize(
    ("change_", "rule", "said"),
    [
        (('"kind":"demo"', '"kind":"real"'), "R08", "takes demo bundles only"),
        (('"type":"provider"', '"type":"on-site","on_site":["2026-09-02"]'), "R01", "at least two people"),
        (('"edition":"2020"', '"edition":"2021"'), "R04", "gbt-39116@2021 is not asked for"),
    ],
)
def test_what_the_campaign_does_not_take_is_refused(
    take: Take, inbox: list[Submission], tmp_path: Path, key: SecretKey, change_: tuple[str, str], rule: str, said: str
) -> None:
    """Another kind, a broken form and another edition each name their rule."""
    bundle = again(inbox[0].path, tmp_path / "one.zip", key, {"assessment.json": change_})

    (receipt,) = take(bundle)

    assert rule in rules(receipt)
    assert said in " ".join(ruling.text() for ruling in receipt.rulings)
    assert not receipt.outcome.startswith("accepted")


def test_types_that_were_not_asked_for_are_refused(take: Take, change: Change, inbox: list[Submission]) -> None:
    """A campaign for on-site assessments returns others."""
    change("types: [self, provider, on-site, re-assessment]", "types: [on-site]")

    (receipt,) = take(inbox[0].path)
    assert (receipt.outcome, rules(receipt)) == ("returned", ["R04"])


def test_another_content_of_the_model_is_refused(take: Take, office: Office, inbox: list[Submission]) -> None:
    """The same edition with another hash is not the model of the campaign."""
    path = office.path / "campaign.yaml"
    text = path.read_text(encoding="utf-8")
    sha256 = text.split('sha256: "')[1][:64]
    path.write_text(text.replace(sha256, "0" * 64), encoding="utf-8")

    (receipt,) = take(inbox[0].path)
    assert rules(receipt) == ["R04"]


def test_a_raised_answer_does_not_fit_its_score(
    take: Take, inbox: list[Submission], tmp_path: Path, key: SecretKey
) -> None:
    """An answer raised before sealing anew is found by rebuilding the score: R06 with the first difference."""
    bundle = again(inbox[1].path, tmp_path / "one.zip", key, {"answers.json": ('"value":"0.5"', '"value":"0.8"')})

    (receipt,) = take(bundle)

    assert (receipt.outcome, rules(receipt)) == ("returned", ["R06"])
    assert "in the bundle" in receipt.rulings[0].text()


def test_a_score_that_cannot_be_rebuilt_is_refused(
    take: Take, inbox: list[Submission], tmp_path: Path, key: SecretKey
) -> None:
    """A value that the model does not allow stops the rebuilding, and the sentence says where."""
    bundle = again(inbox[1].path, tmp_path / "one.zip", key, {"answers.json": ('"value":"0.8"', '"value":"0.7"')})

    (receipt,) = take(bundle)
    assert rules(receipt) == ["R06"]
    assert "answers.json" in receipt.rulings[0].text()


def test_open_answers_are_limited(
    take: Take, change: Change, inbox: list[Submission], tmp_path: Path, key: SecretKey
) -> None:
    """More open answers than the campaign allows: R05."""
    change("most_open: 20", "most_open: 0")
    bundle = again(
        inbox[1].path, tmp_path / "one.zip", key, {"answers.json": ('{"value":"0"}', '{"no_value":"not assessed"}')}
    )

    (receipt,) = take(bundle)
    assert "R05" in rules(receipt)


def test_late_bundles_are_accepted_as_late(take: Take, change: Change, inbox: list[Submission]) -> None:
    """The deadline is a day of the campaign's zone: its last second is in time, the next is late."""
    change("deadline: 2099-12-31", "deadline: 2026-09-21")
    midnight = 1_790_006_400_000_000  # 2026-09-22 00:00 in Shanghai

    (in_time,) = take(inbox[0].path, now=midnight - 1)
    (late,) = take(inbox[1].path, now=midnight)

    assert (in_time.outcome, late.outcome, rules(late)) == ("accepted", "accepted late", ["R12"])


def test_a_second_assessment_must_say_what_it_replaces(
    take: Take, office: Office, inbox: list[Submission], tmp_path: Path, key: SecretKey
) -> None:
    """Same plant, model and type without supersedes is R11; naming the first with a reason is accepted."""
    (first,) = take(inbox[0].path)
    assert first.assessment is not None
    old = first.assessment.id
    new = (f'"id":"{old}"', '"id":"00000000000000ff"')
    silent = again(inbox[0].path, tmp_path / "silent.zip", key, {"assessment.json": new})
    (refused,) = take(silent, rebuild=_as_sent)

    named = again(
        inbox[0].path, tmp_path / "named.zip", key,
        {"assessment.json": (new[0], f'{new[1]},"supersedes":"{old}","supersedes_reason":"复核"')},
    )  # fmt: skip
    (replaced,) = take(named, rebuild=_as_sent)

    assert (refused.outcome, rules(refused), refused.rulings[0].details["number"]) == ("returned", ["R11"], 1)
    assert replaced.outcome == "accepted"
    assert len(list(office.ledger())) == 3


def _as_sent(sealed: Sealed) -> Any:
    """A rebuilt score that agrees, for bundles whose id was exchanged: the id is part of the score file."""
    from dataclasses import replace

    from factory_kit.cli.district_rebuilt import rebuilt

    return replace(rebuilt(sealed), same=True)


def test_an_interruption_loses_nothing(take: Take, office: Office, inbox: list[Submission]) -> None:
    """When the scoring dies in the middle, what was received stands, and the rest is taken the next time."""
    looked = []

    def dies(sealed: Sealed) -> Any:
        looked.append(sealed)
        if len(looked) == 2:
            raise KeyboardInterrupt
        return _as_sent(sealed)

    with pytest.raises(KeyboardInterrupt):
        take(*(each.path for each in inbox[:3]), rebuild=dies)
    assert len(list(office.ledger())) == 1

    receipts = take(*(each.path for each in inbox[:3]))
    assert [each.outcome for each in receipts] == ["duplicate", "accepted", "accepted"]


def test_two_offices_do_not_write_at_once(take: Take, office: Office, inbox: list[Submission]) -> None:
    """While one process receives, another is told to wait."""
    with open_chain(office.ledger_file), pytest.raises(StoreBusy, match="another process is writing"):
        take(inbox[0].path)
