"""What providers and officers do, over the wire: send, read, review, object, decide, erase; and nobody sees what is another's."""

from __future__ import annotations

import http.client
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from factory_kit.district.index import rebuild_index
from factory_kit.district.journal import FILE, Journal
from factory_kit.district.office import Office
from factory_kit.district.receive import LARGEST_FILE
from factory_kit.district.stats import counted
from factory_kit.seal.chain import verify_chain

pytestmark = pytest.mark.wire

REASON = '证据不足 & <b>"\u202e=HYPERLINK(1)'


@pytest.fixture(scope="module")
def people(district: Any) -> dict[str, Any]:
    """Everybody, logged in."""
    return {name: district.person(name) for name in ("jia", "yi", "li", "wang")}


@pytest.fixture(scope="module")
def sent(people: dict[str, Any], bundles: list[Any]) -> list[Any]:
    """The receipts of seven good bundles and a wrong code, each sent by its provider, the third provider's by the office."""
    who = ("jia", "yi", "li")
    return [people[who[number % 3]].send(bundles[number].path) for number in range(8)]


def events(office: Office) -> list[dict[str, Any]]:
    """What the journal holds."""
    return [link.record for link in Journal(office.path, lambda: 0).links]


def plant_of(officer: Any) -> str:
    """Where the page of the first plant is."""
    return str(officer.get("/plants?q=plant+01").text.split('href="/plants/')[1].split('"')[0])


def test_every_upload_has_its_receipt_in_the_ledger(district: Any, sent: list[Any]) -> None:
    """Number and hash that were told are those of the ledger, and the journal says who sent what."""
    told = {each.json["number"]: each.json["hash"] for each in sent}

    assert [each.status for each in sent] == [200] * 8
    assert [each.json["outcome"] for each in sent] == ["accepted"] * 7 + ["returned"]
    assert verify_chain(district.office.ledger_file, told).ok
    assert [each["by"] for each in events(district.office) if each["event"] == "upload"][:3] == ["jia", "yi", "li"]
    assert not list((district.office.path / "incoming").iterdir())


def test_sending_again_adds_nothing(district: Any, people: dict[str, Any], sent: list[Any], bundles: list[Any]) -> None:
    """The second answer names the first receipt."""
    before = district.office.ledger_file.read_bytes()

    again = people["jia"].send(bundles[0].path, "another name.zip").json

    assert (again["outcome"], again["number"]) == ("duplicate", sent[0].json["number"])
    assert district.office.ledger_file.read_bytes() == before


def test_nobody_sends_in_anothers_name(
    district: Any, people: dict[str, Any], bundles: list[Any], sent: list[Any]
) -> None:
    """A bundle of another provider is refused before the ledger, whether it is new or was received; nothing is told of it."""
    assert sent
    before = district.office.ledger_file.read_bytes()

    answers = [people["yi"].send(bundles[number].path) for number in (0, 2, 6)]

    assert [each.status for each in answers] == [403] * 3
    assert {each.json["message"] for each in answers} == {
        "The bundle names another provider than yours, or none. Nothing was received."
    }
    assert district.office.ledger_file.read_bytes() == before


ID_ROUTES = (
    "/receipts/{n}", "/receipts/{n}/file", "/receipts/{n}/objections", "/receipts/{n}/review", "/receipts/{n}/erase",
)  # fmt: skip


@pytest.mark.parametrize("route", ID_ROUTES)
def test_a_provider_never_reaches_what_is_anothers(people: dict[str, Any], sent: list[Any], route: str) -> None:
    """By no address with a number: another's receipt answers as one that does not exist, to the byte."""
    yi = people["yi"]
    method = "GET" if route.endswith(("{n}", "file")) else "POST"
    found = set()
    for number in (sent[0].json["number"], sent[2].json["number"], 99999):
        path = route.format(n=number)
        answered = yi.get(path) if method == "GET" else yi.post(path, reason="a good reason", verdict="confirmed")
        found.add((answered.status, answered.body))
    assert len(found) == 1
    assert found.pop()[0] in {403, 404}


def test_lists_and_letters_hold_ones_own_only(people: dict[str, Any], sent: list[Any], bundles: list[Any]) -> None:
    """A provider's list and letter name its plants and nobody else's; the office sees all."""
    assert sent
    pages = {name: people[name].get("/receipts").text for name in ("jia", "yi", "li")}

    assert "示例诊断乙" not in pages["jia"]
    assert "plant-02.zip" not in pages["jia"]
    assert "示例诊断甲" not in pages["yi"]
    assert all(path.name in pages["li"] for path in (each.path for each in bundles[:8]))
    letter = people["yi"].ask("GET", "/letters/xlsx")
    assert letter.status == 200
    with zipfile.ZipFile(io.BytesIO(letter.body)) as book:
        text = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    assert "plant-08.zip" in text
    assert people["jia"].ask("GET", f"/letters/docx?provider={quote('示例诊断乙')}").status == 404


def test_an_unreadable_file_is_its_senders(people: dict[str, Any], tmp_path: Path) -> None:
    """What cannot be read belongs to nobody but who sent it first."""
    path = tmp_path / "秘密.zip"
    path.write_bytes(b"no zip at all, secret")

    told = people["jia"].send(path).json
    other = people["yi"].send(path).json

    assert told["outcome"] == "rejected"
    assert people["jia"].get(f"/receipts/{told['number']}").status == 200
    assert (other["number"], people["yi"].get(f"/receipts/{told['number']}").status) == (None, 404)
    assert "秘密" not in people["yi"].get("/receipts").text


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..\\..\\x.zip", "/etc/x", "", ".", "..", "a\x00b", "<script>alert(1)</script>.zip", "=HYPERLINK(1).zip", "x" * 5000, "\u202egpj.zip", "con.zip"],
    ids=range(12),
)  # fmt: skip
def test_names_are_only_names(district: Any, people: dict[str, Any], tmp_path: Path, name: str) -> None:
    """Whatever a file is called, it stays in its place, is shown as text, and gets its receipt."""
    path = tmp_path / "some"
    path.write_bytes(b"no zip: " + name.encode("utf-8", "replace"))
    before = {each.name for each in district.office.path.parent.iterdir()}

    told = people["jia"].send(path, name)
    if not name:
        told = people["jia"].ask("POST", "/uploads", b"no name at all")
    page = people["jia"].get(f"/receipts/{told.json['number']}")

    assert (told.status, told.json["outcome"], page.status) == (200, "rejected", 200)
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert {each.name for each in district.office.path.parent.iterdir()} == before


def test_a_zip_bomb_is_a_receipt_and_nothing_more(people: dict[str, Any], tmp_path: Path) -> None:
    """A small file that would unpack to very much is rejected by R01 or R02."""
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(4):
            archive.writestr(f"{number}.json", bytes(64 << 20))

    told = people["jia"].send(bomb).json

    assert told["outcome"] == "rejected"
    assert bomb.stat().st_size < 1 << 20


def test_a_huge_upload_is_refused_before_it_is_read(district: Any, people: dict[str, Any]) -> None:
    """Two gigabytes that are only announced get their answer at once; nothing is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", district.port, timeout=240)
    person = people["jia"]
    connection.putrequest("POST", "/uploads?name=huge.zip")
    for name, value in (("Cookie", person.cookie), ("X-CSRF-Token", person.csrf), ("Content-Length", str(2 << 30))):
        connection.putheader(name, value)
    connection.endheaders()
    answered = connection.getresponse()

    assert LARGEST_FILE < 2 << 30
    assert answered.status == 413
    connection.close()
    assert not list((district.office.path / "incoming").iterdir())


def test_what_breaks_off_leaves_nothing(district: Any, people: dict[str, Any]) -> None:
    """A sender that goes away in the middle gets no receipt, and its piece does not stay."""
    before, person = district.office.ledger_file.read_bytes(), people["jia"]
    connection = http.client.HTTPConnection("127.0.0.1", district.port, timeout=240)
    connection.putrequest("POST", "/uploads?name=half.zip")
    for name, value in (("Cookie", person.cookie), ("X-CSRF-Token", person.csrf), ("Content-Length", "1000000")):
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(bytes(1000))
    connection.close()
    while list((district.office.path / "incoming").iterdir()):
        person.get("/receipts")

    assert district.office.ledger_file.read_bytes() == before


def test_the_office_sends_back_and_the_figures_follow(district: Any, people: dict[str, Any], sent: list[Any]) -> None:
    """What an officer sends back counts no more, stands in the letter with the reason, and is shown to its provider harmlessly."""
    number = sent[3].json["number"]
    seen = {each.number for each in counted(district.office)}

    assert people["li"].post(f"/receipts/{number}/review", verdict="returned", reason="").status == 422
    done = people["li"].post(f"/receipts/{number}/review", verdict="returned", reason=REASON, seen="")
    page = people["jia"].get(f"/receipts/{number}").text

    assert done.status == 303
    assert {each.number for each in counted(district.office)} == seen - {number}
    assert "证据不足 &amp; &lt;b&gt;" in page
    assert "\u202e" not in page
    assert people["jia"].ask("GET", "/letters/docx").status == 200
    stale = people["li"].post(f"/receipts/{number}/review", verdict="confirmed", seen="")
    assert stale.status == 409


def test_an_objection_runs_its_course(district: Any, people: dict[str, Any], sent: list[Any]) -> None:
    """Its provider objects once, the office decides once until a day that is named, and what is upheld counts again."""
    number = sent[6].json["number"]
    people["li"].post(f"/receipts/{number}/review", verdict="returned", reason="not enough")
    raised = [people["jia"].post(f"/receipts/{number}/objections", reason="there is enough").status for _ in range(2)]
    objection = next(
        link.n for link in Journal(district.office.path, lambda: 0).links if link.record["event"] == "objection"
    )

    assert raised == [303, 409]
    assert number not in {each.number for each in counted(district.office)}
    assert people["jia"].post(f"/objections/{objection}/decision", answer="upheld", reason="of course").status == 403
    decided = [
        people["li"].post(f"/objections/{objection}/decision", answer=answer, reason="looked again").status
        for answer in ("perhaps", "upheld", "dismissed")
    ]
    assert decided == [400, 303, 409]
    assert number in {each.number for each in counted(district.office)}
    assert "looked again" in people["jia"].get(f"/receipts/{number}").text
    assert "upheld" in people["jia"].get("/objections").text
    assert "there is enough" not in people["yi"].get("/objections").text


def test_a_plant_page_shows_history_and_evidence(people: dict[str, Any], sent: list[Any], bundles: list[Any]) -> None:
    """The officer reads domains, signatures and answers of the newest bundle, and can take the bundle as it came."""
    assert sent
    page = people["li"].get(f"/plants/{plant_of(people['li'])}").text
    sha256 = people["li"].ask("GET", f"/receipts/{sent[0].json['number']}/file").json["sha256"]

    assert "MP1 " in page
    assert "provider: " in page
    assert "示例（虚构）" in page
    assert people["li"].ask("GET", f"/bundles/{sha256}").body == bundles[0].path.read_bytes()
    assert people["li"].get("/plants/913101170000000000/01").status == 404


def test_erasing_leaves_a_tombstone(district: Any, people: dict[str, Any], sent: list[Any], bundles: list[Any]) -> None:
    """The file is gone for good, also when it is sent again; receipt and figures stay, and a rebuild does not miss it."""
    number = sent[0].json["number"]
    office, li = district.office, people["li"]
    wrong = li.post(f"/receipts/{number}/erase", ground="request", reason="asked for it", sure="0")
    done = li.post(f"/receipts/{number}/erase", ground="request", reason="asked for it", sure=str(number))
    again = li.post(f"/receipts/{number}/erase", ground="request", reason="asked for it", sure=str(number))

    assert (wrong.status, done.status, again.status) == (422, 303, 422)
    page = li.get(f"/receipts/{number}").text
    assert "The bundle was erased" in page
    assert people["jia"].send(bundles[0].path).json["outcome"] == "duplicate"
    assert number in {each.number for each in counted(office)}
    assert len(list(office.bundles_folder.glob("*.zip"))) == 6
    assert rebuild_index(office).bundles == 6
    assert "asked for it" in li.get("/retention").text
    assert "was erased or cannot be read" in li.get(f"/plants/{plant_of(li)}").text


def test_every_page_of_the_office_opens_in_both_languages(people: dict[str, Any], sent: list[Any]) -> None:
    """No page lacks a text, in Chinese or English; no script or style stands inside one."""
    pages = (
        "/upload", "/receipts", f"/receipts/{sent[7].json['number']}", "/queue", "/queue?view=all", "/plants", "/objections",
        "/dashboard", "/dashboard?street=310117105&type=provider", "/targets", "/publish", "/retention", "/audit", "/check",
    )  # fmt: skip
    for language in ("zh", "en"):
        people["li"].extra["Cookie"] = f"{people['li'].cookie}; factory_kit_language={language}"
        for path in pages:
            found = people["li"].get(path)
            assert found.status == 200, (path, found.text[-300:])
            assert f'<html lang="{language}' in found.text
            assert " style=" not in found.text
    del people["li"].extra["Cookie"]


def test_the_journal_is_checked_and_a_change_is_named(
    tmp_path: Path, new_office: Callable[[Path], Office], district_server: Callable[..., Any]
) -> None:
    """The page of the check names the first record that does not hold."""
    office = new_office(tmp_path / "office")
    li = district_server(office).person("li")
    path = office.path / FILE
    assert "holds" in li.get("/check").text
    assert json.loads(path.read_bytes().splitlines()[0])["record"]["event"] == "login"

    path.write_bytes(path.read_bytes().replace(b'"by":"li"', b'"by":"yi"', 1))

    page = li.get("/check").text
    assert "record 1 was altered" in page
