"""The pages of the other gradings: answered with the keyboard, saved at once, usable by anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.ladder_sheet import LadderSheets
from factory_kit.assess.sheet import AnswerSheet
from factory_kit.load.ladder import ladder_folders
from factory_kit.shipped import data_dir

pytestmark = pytest.mark.wire
KEY = "smart-factory@2025"
PAGE = "/ladders/smart-factory%402025"
AXE = "4.11.0"
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}
OVERLAY = """\
form: 1
model: gbt-39116
edition: "2020"
source: 授权文本
criteria:
  PS.1.a: |
    授权文本甲乙丙 <script>alert(1)</script> & "引号" {{ 7*7 }}
"""


@pytest.fixture(scope="module")
def place(make: Callable[[Path], AssessmentFolder], tmp_path_factory: pytest.TempPathFactory) -> AssessmentFolder:
    """One assessment for all tests here, with the user's own wording of one requirement and a certificate."""
    folder = make(tmp_path_factory.mktemp("web") / "plant")
    local = folder.path.parents[1] / "assessments" / "models" / "gbt-39116" / "2020" / "text.local.yaml"
    local.parent.mkdir(parents=True)
    local.write_text(OVERLAY, encoding="utf-8")
    with folder.assessment_file.open("a", encoding="utf-8") as file:
        file.write('certificates:\n  - {kind: dcmm, grade: 二级, number: "<b>&㵘", valid_until: 2020-01-01}\n')
    return folder


@pytest.fixture(scope="module")
def served(place: AssessmentFolder, module_server: Callable[..., Any]) -> Any:
    """A server for all tests here."""
    return module_server(place)


@pytest.fixture(scope="module")
def sheets(place: AssessmentFolder) -> LadderSheets:
    """What is on disk."""
    found = LadderSheets(place, [data_dir("assessments")])
    found.begin(KEY)
    return found


def test_every_ladder_is_listed_and_begun_with_a_click(
    sheets: LadderSheets, served: Any, visit: Callable[..., Any]
) -> None:
    """All shipped ladders and the certificates as they are; a button begins one and leads to its page."""
    page = visit(served)
    page.locator('a[href="/ladders"]').click()
    page.locator(".gradings li").first.wait_for()

    assert page.locator(".gradings li").count() == len(ladder_folders([data_dir("assessments")]))
    assert page.locator("tbody tr").inner_text().split("\t")[:3] == ["DCMM", "二级", "<b>&㵘"]
    assert "expired" in page.locator("tbody tr").inner_text()
    page.locator('button[data-begin$="siri%402020"]').click()
    page.locator("form.item").first.wait_for()
    assert sheets.begun("siri@2020")
    assert page.locator("form.item").count() == 16


def test_items_are_answered_with_the_keyboard(sheets: LadderSheets, served: Any, visit: Callable[..., Any]) -> None:
    """Tab and arrows choose, typing is saved without being asked, and where the plant stands follows."""
    page = visit(served)
    page.goto(served.base + PAGE)
    form = page.locator("form.item").first
    item = form.get_attribute("data-item")
    form.locator('input[value="no:not assessed"]').focus()
    page.keyboard.press("ArrowRight")
    form.locator(".state", has_text="Saved").wait_for()
    first, version = sheets.answers(KEY).answers[item], form.get_attribute("data-version")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("台账 <i>&㵘")
    page.locator("#standing", has_text="1 of").wait_for()
    page.locator(f'form.item[data-item="{item}"]:not([data-version="{version}"])').wait_for()

    found = sheets.answers(KEY).answers[item]
    assert first.value is not None
    assert found.value == first.value
    assert [(each.grade, each.note) for each in found.evidence] == [("B", "台账 <i>&㵘")]


def test_a_part_is_left_out_with_its_reason_and_counted_again(
    place: AssessmentFolder, served: Any, visit: Callable[..., Any]
) -> None:
    """Without a reason nothing happens; with one it stands in the answers as written, all else as before; and back again."""
    before = place.answers_file.read_text(encoding="utf-8")
    page = visit(served)
    page.goto(f"{served.base}/ladders")
    form = page.locator('form.part[data-node="MD1"]')
    form.locator("button").click()
    form.locator(".state.wrong").wait_for()
    assert place.answers_file.read_text(encoding="utf-8") == before

    form.locator('input[name="reason"]').fill('来图加工 "甲" & <b>]')
    page.keyboard.press("Enter")
    form.locator(".chip", has_text="left out").wait_for()
    after = AnswerSheet(place).scored()
    assert [(each.node, each.reason, each.agreed_by) for each in after.answers.trimming] == [
        ("MD1", '来图加工 "甲" & <b>]', "李工")
    ]
    assert '来图加工 "甲" & <b>]' in form.inner_text()
    form.locator("button").click()
    form.locator('input[name="reason"]').wait_for()
    assert place.answers_file.read_text(encoding="utf-8") == before


def test_what_always_counts_is_not_left_out(place: AssessmentFolder, served: Any) -> None:
    """A node that the model never leaves out, and one it does not have, are refused in words."""
    visitor = served.visitor()
    before = place.answers_file.read_bytes()
    content = json.dumps({"out": "yes", "reason": "x", "by": "y"}).encode()
    answers = [visitor.ask("POST", f"/scope/{node}", content) for node in ("MP1", "none")]

    assert [each.status for each in answers] == [422, 422]
    assert "must not be trimmed" in answers[0].json["message"]
    assert place.answers_file.read_bytes() == before


def test_what_cannot_be_saved_is_said_where_it_stands(
    sheets: LadderSheets, served: Any, visit: Callable[..., Any]
) -> None:
    """Not applicable without a reason is not written, and says so at its item until it is mended."""
    page = visit(served)
    page.goto(served.base + PAGE)
    form = page.locator("form.item").nth(2)
    item = form.get_attribute("data-item")
    form.locator('input[value="no:not applicable"]').check(force=True)
    form.locator(".state.wrong", has_text="need a reason").wait_for()
    assert sheets.answers(KEY).answers[item].no_value == "not assessed"

    form.locator('input[name="reason"]').fill("本厂不做")
    form.locator(".state:not(.wrong)", has_text="Saved").wait_for()
    assert sheets.answers(KEY).answers[item].no_value == "not applicable"


def test_an_answer_on_an_old_version_is_a_conflict(sheets: LadderSheets, served: Any) -> None:
    """Two people at one item: the later one is told, and nothing is lost."""
    visitor = served.visitor()
    page = visitor.ask("GET", PAGE).text
    item, seen = re.findall(r'data-item="([^"]+)" data-version="([0-9a-f]+)"', page)[5]

    def save(value: str, version: str) -> Any:
        content = {"choice": value, "seen": version, "grade": "C", "note": "", "reason": ""}
        return visitor.ask("POST", f"{PAGE}/items/{item}", json.dumps(content).encode())

    assert save("value:1", seen).status == 200
    late = save("value:0", seen)
    assert (late.status, late.json["message"] != "") == (409, True)
    assert sheets.answers(KEY).answers[item].value == "1"


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        (f"{PAGE}/items/none", {"choice": "value:1", "seen": ""}, 422),
        (f"{PAGE}/items/basic.1", {"choice": "machine:", "seen": ""}, 400),
        (f"{PAGE}/items/basic.1", {"choice": "value:1", "grade": "A", "seen": ""}, 422),
        (f"{PAGE}/figures", {"figure": "x", "number": "NaN"}, 422),
        ("/ladders/none/begin", {}, 404),
        ("/ladders/..%2f..%2fsite/begin", {}, 404),
        ("/ladders/dcmm%402018/items/x", {"choice": "value:1", "seen": ""}, 404),
    ],
)
def test_what_is_no_answer_is_refused(
    sheets: LadderSheets, served: Any, path: str, content: dict[str, str], status: int
) -> None:
    """No such item, the machine, a grade that only machines give, no number, no such ladder, one that was not begun."""
    before = {each: each.read_bytes() for each in sheets.folder.path.rglob("*.yaml")}
    visitor = served.visitor()

    assert visitor.ask("POST", path, json.dumps(content).encode()).status == status
    visitor.csrf = ""
    assert visitor.ask("POST", path, json.dumps(content).encode()).status == 403
    assert {each: each.read_bytes() for each in sheets.folder.path.rglob("*.yaml")} == before


def test_the_standards_own_wording_is_shown_and_leaves_nowhere(place: AssessmentFolder, served: Any) -> None:
    """The user's licensed text stands beside its question as text, on no other one, and in no file of the assessment."""
    visitor = served.visitor()
    asked = visitor.ask("GET", "/questions/PS.1.a").text

    assert "授权文本甲乙丙 &lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;引号&#34; {{ 7*7 }}" in asked
    assert "授权文本甲乙丙" not in visitor.ask("GET", "/questions/PS.1.b").text
    assert all("授权文本甲乙丙".encode() not in each.read_bytes() for each in place.path.rglob("*") if each.is_file())


def test_a_blind_rater_sees_no_other_grading(place: AssessmentFolder, server: Callable[..., Any]) -> None:
    """Neither the link nor the pages."""
    visitor = server(place, "--rater", "甲方").visitor()

    assert '"/ladders"' not in visitor.ask("GET", "/").text
    assert {visitor.ask("GET", path).status for path in ("/ladders", PAGE)} == {404}


@pytest.mark.parametrize("options", [{}, TABLET], ids=["desktop", "tablet"])
@pytest.mark.usefixtures("sheets")
def test_anybody_can_use_the_pages(
    served: Any, visit: Callable[..., Any], node_package: Callable[[str, str], Path], options: dict[str, Any]
) -> None:
    """axe-core finds nothing in either language; nothing scrolls sideways; what is pressed is large enough for a thumb."""
    axe = (node_package("axe-core", AXE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = visit(served, bypass_csp=True, **options)
    for language in ("zh", "en"):
        page.goto(f"{served.base}/language?to={language}")
        for path in ("/ladders", PAGE):
            page.goto(served.base + path)
            page.evaluate(axe)
            found = page.evaluate("axe.run(document)")["violations"]
            assert [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = page.locator("main input:visible, main select:visible, main .choices span:visible").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert len(boxes) > 50
    assert min(boxes) >= 44
