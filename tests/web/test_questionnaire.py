"""The page as people use it: in a real browser, with the keyboard, in two tabs, on a tablet."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from factory_kit.assess.attachments import attachments_folder
from factory_kit.assess.decisions import read_judgements
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.ratings import start_rating
from factory_kit.assess.sheet import AnswerSheet, version_of
from factory_kit.model.answers import Answer

pytestmark = [pytest.mark.wire, pytest.mark.system]

NASTY = "试验厂 \"甲\" '乙' <b>&</b> 😀㵘"
AXE = "4.11.0"
SLOW = "() => { const real = fetch; window.fetch = (...all) => new Promise((go) => setTimeout(() => go(real(...all)), 250)); }"
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, make: Callable[[Path], AssessmentFolder]) -> AssessmentFolder:
    """One assessment for most tests of this file; each has questions of its own."""
    return make(tmp_path_factory.mktemp("asked") / "plant")


@pytest.fixture(scope="module")
def served(place: AssessmentFolder, module_server: Callable[..., Any]) -> Any:
    """The server of ``place``."""
    return module_server(place)


@pytest.fixture(scope="module")
def second(place: AssessmentFolder, module_server: Callable[..., Any]) -> Any:
    """Another server of ``place``."""
    return module_server(place)


def answer(folder: AssessmentFolder, code: str) -> Answer:
    """What the file says."""
    return AnswerSheet(folder).scored().answers.answers[code]


def saved(page: Any) -> None:
    """The page says that it saved."""
    page.locator("#state", has_text=re.compile("^(Saved|Added|Decided|已保存|已添加|已裁定)")).wait_for()


def test_a_round_with_the_keyboard_alone(place: AssessmentFolder, served: Any, visit: Callable[..., Any]) -> None:
    """Answer, write a reason, go on, look at the help, change the place: no mouse, and all of it stands in the file."""
    page = visit(served, "PS.1.a")

    page.keyboard.press("4")
    saved(page)
    page.keyboard.press("j")
    page.locator('article[data-code="PS.1.b"]').wait_for()
    page.keyboard.press("n")
    page.locator("#state", has_text="Write the reason").wait_for()
    page.keyboard.type("本厂不做 {x: 'y'} # & \"z\"")
    page.keyboard.press("Escape")
    saved(page)
    page.keyboard.press("?")
    page.locator("#help-dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    page.locator('article[data-code="RE.1.a"]').wait_for()
    page.keyboard.press("k")
    page.keyboard.press("t")
    page.keyboard.type("j4")
    page.locator("#lists .said", has_text="Remark: j4").wait_for(state="attached")

    assert answer(place, "PS.1.a").value == "1"
    assert (answer(place, "PS.1.b").no_value, answer(place, "PS.1.b").reason) == (
        "not applicable",
        "本厂不做 {x: 'y'} # & \"z\"",
    )
    assert page.locator("#remark").input_value() == "j4"


def test_fast_keys_reach_the_question_they_are_meant_for(
    place: AssessmentFolder, served: Any, visit: Callable[..., Any]
) -> None:
    """Keys pressed while the next question is on its way wait for it; none answers the question before."""
    page = visit(served, "MD2.1.a")
    codes = list(AnswerSheet(place).scored().model.criteria)
    three = codes[codes.index("MD2.1.a") :][:3]
    page.evaluate(SLOW)

    page.keyboard.type("4j3j2tj5")
    page.locator("#lists .said", has_text="Remark: j5").wait_for(state="attached")

    found = [answer(place, code) for code in three]
    assert [each.value for each in found] == ["1", "0.8", "0.5"]
    assert [each.remark for each in found] == ["", "", "j5"]


def test_the_score_and_what_is_missing_follow_every_answer(
    folder: AssessmentFolder, server: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    """Counts of the place and of the whole, the range of the score, and the list of contradictions change at once."""
    page = visit(server(folder), "RE.2.b")
    page.locator("#score", has_text="0 of 216 answered").wait_for()
    assert "possible 5.00" in page.locator("#score").inner_text()

    page.keyboard.press("4")
    saved(page)

    page.locator("#score", has_text="1 of 216 answered").wait_for()
    assert "1 of 39" in page.locator('#places [data-place="line"]').inner_text()
    assert "above what the machines show" in page.locator("#machines").inner_text()
    page.keyboard.press("o")
    told = page.locator("#todo").inner_text()
    assert "Answers above the machine evidence 1" in told
    assert "Not assessed yet 215" in told


def test_typing_is_saved_without_being_asked(place: AssessmentFolder, served: Any, visit: Callable[..., Any]) -> None:
    """A moment after the last sign, without leaving the field, and the cursor stays in it."""
    page = visit(served, "MP3.2.a")
    page.locator("#remark").press_sequentially("三台")
    saved(page)
    page.keyboard.type("设备")
    page.locator("#state", has_text="Not saved yet").wait_for()
    saved(page)

    assert answer(place, "MP3.2.a").remark == "三台设备"
    assert page.locator("#remark").input_value() == "三台设备"


def test_what_is_typed_outlives_the_server(
    folder: AssessmentFolder, server: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    """While the server is gone the page says so and keeps the words; a new one at the same port takes them."""
    first = server(folder)
    page = visit(first, "PS.1.a")
    first.process.kill()
    first.process.wait()
    page.locator("#remark").fill("写了一半")
    page.locator("#alert", has_text="The server does not answer").wait_for()

    second = server(folder, "--port", str(first.port))
    page.goto(second.url)
    page.goto(f"{second.base}/#PS.1.a")
    saved(page)

    assert answer(folder, "PS.1.a").remark == "写了一半"


@pytest.mark.parametrize(("keep", "code"), [("Keep the other answer", "PS.2.a"), ("Put mine in its place", "PS.2.b")])
def test_two_people_at_one_question_are_asked(
    place: AssessmentFolder, served: Any, second: Any, visit: Callable[..., Any], keep: str, code: str
) -> None:
    """Two servers, two browsers: the second answer is not written over the first until its writer says so."""
    page, other = visit(served, code), second.visitor()
    page.evaluate("() => { Object.defineProperty(document, 'hidden', { get: () => true }); }")
    assert other.post(code, "answer", choice="value:1", seen=other.version(code)).status == 200

    page.keyboard.press("1")
    page.locator("#alert", has_text="Somebody else answered this meanwhile").wait_for()
    assert answer(place, code).value == "1"
    page.get_by_role("button", name=keep).click()
    mine = keep.startswith("Put")
    page.locator(f'#answer input[value="value:{0 if mine else 1}"]:checked').wait_for(state="attached")
    if mine:
        saved(page)

    assert answer(place, code).value == ("0" if mine else "1")


def test_a_change_on_disk_is_noticed(place: AssessmentFolder, served: Any, visit: Callable[..., Any]) -> None:
    """An answer written by an editor shows on the open page by itself."""
    page = visit(served, "PS.3.a")
    text = place.answers_file.read_text(encoding="utf-8")
    line = "  PS.3.a: {no_value: not assessed}\n"
    place.answers_file.write_text(text.replace(line, '  PS.3.a: {value: "0.8"}\n'), encoding="utf-8")

    page.locator('#answer input[value="value:0.8"]:checked').wait_for(state="attached")
    page.locator("#alert", has_text="changed elsewhere").wait_for()
    page.locator('.row[data-code="PS.3.a"] .value', has_text="0.8").wait_for()
    assert page.locator('#answer input[value="value:0.8"]').is_checked()
    assert answer(place, "PS.3.a").value == "0.8"


def test_names_are_shown_as_they_are(place: AssessmentFolder, served: Any, visit: Callable[..., Any]) -> None:
    """Markup in names, reasons and files of evidence is text; emoji and rare signs stay whole."""
    page = visit(served, "PS.3.b")
    page.locator("#remark").fill(NASTY)
    page.locator("#note").fill(NASTY)
    page.locator("#add button").click()
    saved(page)
    page.locator("#items li").wait_for()

    assert page.locator("h1").inner_text() == NASTY
    assert page.locator("#items .note").inner_text().startswith(NASTY)
    assert page.locator("#remark").input_value() == NASTY
    assert page.locator("h1 b, #items b").count() == 0
    assert [item.note for item in answer(place, "PS.3.b").evidence] == [NASTY]


def test_a_photo_becomes_evidence_and_can_be_taken_back(
    place: AssessmentFolder, served: Any, visit: Callable[..., Any], tmp_path: Path
) -> None:
    """It shows at once, only its hash stands in the answers, the warning about people is there, and removing deletes the file."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(out, "JPEG")
    (tmp_path / "现场 1.jpg").write_bytes(out.getvalue())
    page = visit(served, "PK.1.a")
    page.locator("#grade").select_option("C")
    page.locator("#file").set_input_files(tmp_path / "现场 1.jpg")
    page.locator("#items img").wait_for()

    (item,) = answer(place, "PK.1.a").evidence
    assert (item.grade, item.note) == ("C", "现场 1.jpg")
    assert [path.name for path in attachments_folder(place).iterdir()] == [f"{item.sha256}.jpg"]
    assert page.locator("#items img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    assert "no person" in page.locator(".evidence .notice").inner_text()
    page.get_by_role("button", name="Remove").click()
    page.locator("#items", has_text="None yet").wait_for()
    assert list(attachments_folder(place).iterdir()) == []


def test_a_decision_needs_a_reason_and_is_logged(
    place: AssessmentFolder, served: Any, visit: Callable[..., Any]
) -> None:
    """The machine's value stays beside it; without a reason nothing is logged."""
    page = visit(served, "RE.2.b")
    page.locator("#decision summary").click()
    page.locator("#decided").select_option("1")
    page.locator("#decide button").click()
    page.locator("#state", has_text="needs a name and a reason").wait_for()
    assert read_judgements(place.decisions_file) == ()

    page.locator("#why").fill("两台新设备上周入账")
    page.locator("#decide button").click()
    page.locator("#decision", has_text="李工 decided 1").wait_for()

    (made,) = read_judgements(place.decisions_file)
    assert (made.criterion, made.new, made.machine, made.verdict, made.by) == (
        "RE.2.b",
        "1",
        "0.5",
        "override-machine",
        "李工",
    )
    assert "The machine evidence said 0.5" in page.locator("#decision").inner_text()


def test_the_signal_stands_beside_the_question(served: Any, visit: Callable[..., Any]) -> None:
    """The picture names the point, its days and its limits, and is the same each time."""
    page = visit(served, "RE.2.b")
    source = page.locator("img.signal").get_attribute("src")
    visitor = served.visitor()
    first, second = (visitor.ask("GET", source).text for _ in range(2))

    assert page.locator("img.signal").evaluate("image => image.decode().then(() => image.naturalWidth)") == 560
    assert first == second
    assert all(text in first for text in ("cnc-01 · power", "2026-09-01", "2026-09-30", "9 kW", "3 kW", "<polyline"))
    assert "50.0%" in page.locator("#machines").inner_text()


def test_a_blind_rater_sees_nobody_else(
    folder: AssessmentFolder, server: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    """No answer, remark, evidence or decision of others stands anywhere in the pages, and what is answered goes into the own file."""
    for sheet in (AnswerSheet(folder), AnswerSheet(folder, "乙方")):
        if sheet.rater:
            start_rating(folder, sheet.rater)
        said = {"value": "0.8", "remark": "SECRET", "evidence": ({"grade": "B", "note": "SECRET"},)}
        sheet.save("PS.1.a", lambda _before, said=said: said, version_of(Answer(no_value="not assessed")))
    served = server(folder, "--rater", "甲方")
    page = visit(served, "PS.1.a")
    page.keyboard.press("2")
    saved(page)

    visitor = served.visitor()
    shown = [visitor.ask("GET", path).text for path in ("/", "/questions/PS.1.a", "/changes?since=x&code=PS.1.a")]
    assert all("SECRET" not in text and "乙方" not in text for text in shown)
    assert page.locator("#decision").count() == 0
    assert visitor.post("PS.1.a", "decision", value="1", by="x", why="y", seen="").status == 422
    assert (answer(folder, "PS.1.a").value, AnswerSheet(folder, "甲方").scored().answers.answers["PS.1.a"].value) == (
        "0.8",
        "0.5",
    )


def test_the_round_of_consensus_shows_all_ratings(
    folder: AssessmentFolder, server: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    """What each rater gave stands beside the question."""
    for rater, value in (("甲方", "0.5"), ("乙方", "1")):
        start_rating(folder, rater)
        AnswerSheet(folder, rater).save("PS.1.a", lambda _before, value=value: {"value": value}, version_of(Answer(no_value="not assessed")))  # fmt: skip

    page = visit(server(folder, "--consensus"), "PS.1.a")

    assert sorted(page.locator(".rated tbody tr").all_inner_texts()) == ["乙方\t1\t", "甲方\t0.5\t"]


def test_the_round_of_consensus_leads_to_where_raters_differ(
    folder: AssessmentFolder, server: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    """Where ratings differ the list has a sign, and it is an open point until the consensus has a value and says why."""
    for rater, value in (("甲方", "0.5"), ("乙方", "1")):
        start_rating(folder, rater)
        for code in ("PS.1.a", "PS.1.b"):
            given = value if code == "PS.1.a" else "1"
            AnswerSheet(folder, rater).save(code, lambda _before, given=given: {"value": given}, version_of(Answer(no_value="not assessed")))  # fmt: skip
    page = visit(server(folder, "--consensus"), "PS.1.a")
    differing = page.locator('#todo section:has-text("Raters differ") a')

    flagged = page.locator('#lists a:has([aria-label="the raters differ"])')
    assert flagged.evaluate_all("rows => rows.map(row => row.dataset.code)") == ["PS.1.a"]
    assert differing.evaluate_all("rows => rows.map(row => row.dataset.code)") == ["PS.1.a"]
    assert "the raters differ" in page.locator(".rated h3").inner_text()

    page.keyboard.press("2")
    page.locator("#remark").fill("agreed on site")
    differing.wait_for(state="detached")
    assert flagged.count() == 1


def test_the_language_changes_in_place(served: Any, visit: Callable[..., Any]) -> None:
    """English and Chinese, at the same question, for the whole page."""
    page = visit(served, "PS.1.a")
    page.locator("#language").click()
    page.locator("html[lang=zh-CN] article[data-code='PS.1.a']").wait_for()
    told = page.locator("body").inner_text()

    assert all(text in told for text in ("办公室", "证据", "下一道未答"))
    assert "Evidence" not in told


def accused(page: Any, *keys: str) -> list[object]:
    """What axe-core finds wrong with the page and with the windows that *keys* open."""
    found: list[object] = []
    for key in ("", *keys):
        if key:
            page.keyboard.press(key)
            page.locator("dialog[open]").wait_for()
        violations = page.evaluate("axe.run(document)")["violations"]
        found += [(key, each["id"], [node["target"] for node in each["nodes"]][:3]) for each in violations]
        page.keyboard.press("Escape")
        page.locator("dialog[open]").wait_for(state="detached")
    return found


@pytest.mark.parametrize("options", [{}, TABLET], ids=["desktop", "tablet"])
def test_anybody_can_use_it(
    served: Any, visit: Callable[..., Any], node_package: Callable[[str, str], Path], options: dict[str, Any]
) -> None:
    """axe-core finds nothing in either language; nothing scrolls sideways; what is pressed is large enough for a thumb."""
    axe = (node_package("axe-core", AXE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = visit(served, bypass_csp=True, **options)
    for language in ("zh", "en"):
        page.goto(f"{served.base}/language?to={language}#RE.2.b")
        page.locator(f'html[lang^="{language}"] article[data-code="RE.2.b"]').wait_for()
        page.evaluate(axe)

        assert accused(page, *("o?" if language == "zh" else "")) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = page.locator("button:visible, .face:visible, .row:visible").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert len(boxes) > 50
    assert min(boxes) >= 44


def test_it_prints_every_answer_without_the_tools(
    place: AssessmentFolder, served: Any, visit: Callable[..., Any]
) -> None:
    """On paper all places stand one after the other, with reasons and evidence, and no button."""
    sheet = AnswerSheet(place)
    said = {"value": "0.8", "remark": "备注甲", "evidence": ({"grade": "B", "note": "台账乙"},)}
    sheet.save("MP7.2.a", lambda _before: said, version_of(Answer(no_value="not assessed")))
    page = visit(served, "PS.1.a")
    page.emulate_media(media="print")

    shown = page.locator("body").inner_text()
    assert all(text in shown for text in ("备注甲", "台账乙", "PS.1.a", "MP5.2.a", "MP7.5.a"))
    assert page.locator("button:visible").count() == 0


def test_keys_of_one_sign_can_be_switched_off(place: AssessmentFolder, served: Any, visit: Callable[..., Any]) -> None:
    """For who speaks to the computer: then no single sign does anything."""
    page = visit(served, "MP5.1.a")
    page.keyboard.press("?")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    page.keyboard.press("j")
    page.reload()
    page.locator('article[data-code="MP5.1.a"]').wait_for()

    assert not page.locator("#keys-on").is_checked()
    assert answer(place, "MP5.1.a").value is None


def test_all_texts_exist_in_both_languages() -> None:
    """The same keys, with the same details."""
    from factory_kit.reports.wording import wording

    for document, package in (("shared", "factory_kit.web"), ("questionnaire", "factory_kit.web.questionnaire")):
        chinese, english = (wording(document, language, package).texts for language in ("zh", "en"))
        details = [
            {key: sorted(re.findall(r"{\w+}", text)) for key, text in each.items()} for each in (chinese, english)
        ]
        assert details[0] == details[1]
        assert json.dumps(english, ensure_ascii=False).count("：") == 0
