"""Every figure of a score over a model small enough to work it out from the formulas as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations
from random import Random
from typing import Any, cast

import pytest

from factory_kit.errors import AssessmentError
from factory_kit.load.maturity import maturity_model
from factory_kit.model.action import Action, Actions, Cost
from factory_kit.model.answers import EvidenceGrade, NoValueKind, Trim
from factory_kit.model.definition import Text
from factory_kit.model.maturity import MaturityModel, Structure
from factory_kit.score import Decided, NoValue, Score, Value, score, score_record
from factory_kit.score.gain import losses_at, shortest_way, weight_of
from factory_kit.score.path import after, paths
from factory_kit.score.readings import read
from factory_kit.score.sensitivity import Margins, margins, one_steps, sensitivity, smallest_fall, weight_draws
from factory_kit.score.steps import cells_from_scores
from factory_kit.score.tree import Scope, scope_of
from factory_kit.shipped import data_dir

CMMM = maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")
NODES = {"A": (None, "2"), "A1": ("A", "1"), "A2": ("A", "3"), "B": (None, "1"), "C": (None, "1")}
ROWS = {
    "a": ("A1", 1, "steps"), "b": ("A1", 1, "yes"), "c": ("A2", 1, "steps"), "d": ("B", 1, "yes"), "e": ("C", 1, "yes"),
    "f": ("A1", 2, "steps"), "g": ("A2", 2, "steps"), "h": ("A2", 2, "yes"), "i": ("B", 2, "steps"),
    "j": ("A1", 3, "yes"), "k": ("C", 3, "steps"),
}  # fmt: skip
OPTIONS = {"steps": ("0", "1/3", "1/2", "1"), "yes": ("0", "1")}
AT_LEAST = Fraction(2, 3)
ENDS = (Fraction(2, 3), Fraction(5, 3), Fraction(5, 2))
GRADES: tuple[EvidenceGrade, ...] = ("A", "B", "C", "D")
POLICIES = ("renormalise", "inherit", "full")
OPEN = {NoValueKind.NOT_ASSESSED, NoValueKind.INCONCLUSIVE}


@lru_cache
def model(
    policy: str = "renormalise",
    *,
    stop: bool = True,
    not_applicable: str = "with_reason",
    at_least: str = "2/3",
    ends: tuple[Fraction, ...] = ENDS,
) -> MaturityModel:
    """Three levels, two plant types (C is nothing for ``two``), B may be trimmed."""
    types = {name: ("one", "two") if name != "C" else ("one",) for name in NODES}
    structure: dict[str, Any] = {
        "form": 1, "model": "small", "edition": "1", "status": "verified", "types": ("one", "two"), "levels": (1, 2, 3),
        "sources": ({"title": "made for this test", "confidence": "own"},), "options": OPTIONS,
        "not_applicable": not_applicable, "weights": {"status": "verified", "total": "4"},
        "scoring": {
            "engine": 1, "status": "verified",
            "steps": (
                {"step": "weighted_mean", "empty_cell": policy}, {"step": "gate", "at_least": at_least, "stop": stop},
                {"step": "bands", "bands": [{"at_least": str(end), "level": n} for n, end in enumerate(ends, 1)]},
            ),
        },
        "nodes": tuple(
            {"id": name, "kind": "domain", "parent": parent, "trimmable": name == "B",
             "weight": {each: {"share": share, "confidence": "own"} for each in types[name]}}
            for name, (parent, share) in NODES.items()
        ),
        "criteria": tuple(
            {"id": name, "node": node, "level": level, "options": options, "confidence": "A", "evidence": ("I",)}
            for name, (node, level, options) in ROWS.items()
        ),
    }  # fmt: skip
    return replace(CMMM, structure=Structure.model_validate(structure, strict=False))


def allowed(criterion: str) -> list[Fraction]:
    """The values of a criterion."""
    return [Fraction(text) for text in OPTIONS[ROWS[criterion][2]]]


def sheet(chance: Random) -> dict[str, Decided]:
    """Answers at random, high at the low levels; the first of each level has a value, so that something is left to score."""
    answers: dict[str, Decided] = {}
    for criterion, (_, level, _) in ROWS.items():
        draw = chance.random()
        grade = GRADES[int(chance.random() * 4)]
        if draw < 0.7 or criterion in "afj":
            values = allowed(criterion)
            value = values[-1] if chance.random() < 0.9 - 0.2 * level else values[int(chance.random() * len(values))]
            proven = values[int(chance.random() * len(values))] if chance.random() < 0.2 else None
            answers[criterion] = Value(value, grade, proven)
        elif draw < 0.95:
            answers[criterion] = NoValue(list(NoValueKind)[int(chance.random() * 4)], "a reason", grade)
    return answers


class Sum:
    """The scores of one reading by the formulas: means of cells, weighted means up the tree, level after level."""

    def __init__(self, kind: str, policy: str, left_out: set[str], values: Mapping[str, Fraction | None]) -> None:
        self.policy, self.values = policy, values
        self.nodes = [name for name in NODES if name not in left_out and (name != "C" or kind == "one")]
        self.levels: list[Fraction] = []
        for level in (1, 2, 3):
            found = self.node(None, level)
            assert found is not None
            self.levels.append(found)

    def node(self, node: str | None, level: int) -> Fraction | None:
        """The score of a node; None where nothing counts."""
        children = [name for name in self.nodes if NODES[name][0] == node]
        if not children:
            rows = [name for name, (own, at, _) in ROWS.items() if (own, at) == (node, level)]
            values = [value for value in (self.values[row] for row in rows) if value is not None]
            if rows:
                return sum(values, Fraction()) / len(values) if values else None
            below = level == 1 or self.levels[level - 2] >= AT_LEAST
            return {"renormalise": None, "full": Fraction(1), "inherit": Fraction(int(below))}[self.policy]
        weighed = [(Fraction(NODES[child][1]), self.node(child, level)) for child in children]
        kept = [(weight, found) for weight, found in weighed if found is not None]
        whole = sum((weight for weight, _ in kept), Fraction())
        return sum((weight * found for weight, found in kept), Fraction()) / whole if kept else None

    def total(self, *, stop: bool) -> Fraction:
        """Satisfied levels add 1, the others their score, nothing above the first one of these where it stops."""
        found = Fraction()
        for value in self.levels:
            found += 1 if value >= AT_LEAST else value
            if stop and value < AT_LEAST:
                break
        return found


def band(total: Fraction) -> int:
    """The level of a total."""
    return sum(total >= end for end in ENDS)


def readings(answers: Mapping[str, Decided]) -> list[dict[str, Fraction | None]]:
    """As decided, proven only, and with everything open taken as met."""
    found: list[dict[str, Fraction | None]] = [{}, {}, {}]
    for criterion in ROWS:
        answer = answers.get(criterion)
        if isinstance(answer, Value):
            carried = answer.value if answer.grade != "D" else Fraction()
            proven = carried if answer.proven is None else min(answer.proven, answer.value)
            row: tuple[Fraction | None, ...] = (answer.value, proven, answer.value)
        elif answer is not None and answer.kind is NoValueKind.NOT_APPLICABLE:
            row = (None, None if answer.grade != "D" else Fraction(), None)
        else:
            row = (Fraction(), Fraction(), Fraction(1))
        for reading, value in zip(found, row, strict=True):
            reading[criterion] = value
    return found


CASES = [
    (kind, policy, stop, trimmed, seed)
    for seed, (kind, policy, stop, trimmed) in enumerate(
        (kind, policy, stop, trimmed)
        for kind in ("one", "two")
        for policy in POLICIES
        for stop in (True, False)
        for trimmed in (False, True)
    )
]


def made(kind: str, policy: str, *, stop: bool, trimmed: bool, seed: int) -> tuple[Score, dict[str, Decided]]:
    """A score, and its answers."""
    answers = sheet(Random(seed))  # noqa: S311 - reproducible
    trims = (Trim(node="B", reason="not done here", agreed_by="assessor"),) if trimmed else ()
    return score(model(policy, stop=stop), kind, answers, trims), answers


@pytest.mark.parametrize(("kind", "policy", "stop", "trimmed", "seed"), CASES)
def test_every_figure_follows_from_the_formulas(kind: str, policy: str, stop: bool, trimmed: bool, seed: int) -> None:
    """Nodes, levels, totals and bands of all three readings, with the counts of requirements and of grades."""
    for each in range(seed * 10, seed * 10 + 10):
        found, answers = made(kind, policy, stop=stop, trimmed=trimmed, seed=each)
        sums = [Sum(kind, policy, {"B"} if trimmed else set(), reading) for reading in readings(answers)]
        for outcome, expected in zip((found.outcome, found.floor, found.ceiling), sums, strict=True):
            assert [item.value for item in outcome.levels] == expected.levels
            assert [item.satisfied for item in outcome.levels] == [value >= AT_LEAST for value in expected.levels]
            assert (outcome.total, outcome.literal) == (expected.total(stop=stop), expected.total(stop=False))
            assert sum((item.adds for item in outcome.levels), Fraction()) == outcome.total
            assert (outcome.level, outcome.literal_level) == (band(outcome.total), band(outcome.literal))
        assert {(item.node, item.level): item.value for item in found.nodes} == {
            (node, level): sums[0].node(node, level) for node in sums[0].nodes for level in (1, 2, 3)
        }
        _counts_are_right(found, answers, sums[0].nodes)


def _counts_are_right(found: Score, answers: Mapping[str, Decided], nodes: list[str]) -> None:
    rows = {name: answers.get(name, NoValue(NoValueKind.NOT_ASSESSED)) for name, row in ROWS.items() if row[0] in nodes}
    for count in found.counts:
        own = [(name, answer) for name, answer in rows.items() if ROWS[name][1] == count.level]
        kinds = [answer.kind for _, answer in own if isinstance(answer, NoValue)]
        left_out = kinds.count(NoValueKind.NOT_APPLICABLE)
        met = sum(isinstance(answer, Value) and answer.value == 1 for _, answer in own)
        assert (count.requirements, count.left_out, count.met) == (len(own) - left_out, left_out, met)
        assert (count.open, count.held_back) == (sum(kind in OPEN for kind in kinds), len(own) - left_out - met)
    assert found.unanswered == tuple(
        name for name, answer in rows.items() if isinstance(answer, NoValue) and answer.kind in OPEN
    )
    assert found.provisional is bool(found.unanswered)
    whole = sum(count.requirements for count in found.counts)
    for share in found.grades:
        count = sum(isinstance(answer, Value) and answer.grade == share.grade for answer in rows.values())
        assert (share.count, share.share) == (count, Fraction(count, whole))


@pytest.mark.parametrize("seed", range(40))
def test_gains_and_losses_are_what_the_engine_gives(seed: int) -> None:
    """Each requirement set to its highest or its lowest value alone: the score of its level moves by what was said."""
    found, answers = made("one", "renormalise", stop=True, trimmed=bool(seed % 2), seed=seed)
    decided = read(found.scope, answers).decided
    weights = weight_of(found.scope, found.cells)
    names = [row.id for row in found.scope.criteria]
    assert list(weights) == [name for name in names if decided[names.index(name)] is not None or _cell(found, name)]
    for position, item in enumerate(found.outcome.levels):
        own = [
            (name, value)
            for name, value in zip(names, decided, strict=True)
            if ROWS[name][1] == item.level and value is not None
        ]
        moved = {
            (name, to): score(found.model, "one", answers | {name: Value(Fraction(to), "B")}, found.trimming)
            .outcome.levels[position]
            .value
            - item.value
            for name, _ in own
            for to in (0, 1)
        }
        falling = sorted((name for name, value in own if value), key=lambda name: moved[name, 0])
        assert losses_at(found.scope, decided, found.cells[position], position) == tuple(falling)
        for name, value in own:
            assert moved[name, 1] == (1 - Fraction(value, found.scope.unit)) * weights[name]
        if item.level == found.outcome.stopped_at:
            rising = sorted(((name, v) for name, v in own if moved[name, 1] > 0), key=lambda one: -moved[one[0], 1])
            assert [(gain.criterion, gain.now, gain.gain) for gain in found.gains] == [
                (name, Fraction(value, found.scope.unit), moved[name, 1]) for name, value in rising
            ]
            assert found.best_gains == found.gains[:5]
            assert found.shortest_way == shortest_way(found.gains, item.value, AT_LEAST)
            reached = item.value + sum((gain.gain for gain in found.shortest_way), Fraction())
            assert reached >= AT_LEAST > reached - found.shortest_way[-1].gain
    assert (found.outcome.stopped_at is None) == (not found.gains) == (not found.shortest_way)


def _cell(found: Score, name: str) -> bool:
    """Whether anything else in the cell of a criterion counts."""
    node, level, _ = ROWS[name]
    return found.node(node, level).value is not None


@pytest.mark.parametrize("seed", range(60))
def test_what_the_level_hangs_on_is_found_by_trying(seed: int) -> None:
    """Every single step, and the fewest answers that must fall, against all of them tried out; margins to both ends."""
    policy = POLICIES[seed % 2]
    found, answers = made("one", policy, stop=bool(seed % 5), trimmed=False, seed=1000 + seed)

    def level_with(**others: Fraction) -> int:
        changed = {name: replace(cast("Value", answers[name]), value=to, proven=None) for name, to in others.items()}
        return score(found.model, "one", answers | changed).level

    valued = [name for name in ROWS if isinstance(answers.get(name), Value)]
    steps = []
    for name in valued:
        now = cast("Value", answers[name]).value
        at = allowed(name).index(now)
        near = [each for each in (at - 1, at + 1) if 0 <= each < len(allowed(name))]
        steps += [(name, now, allowed(name)[each], level_with(**{name: allowed(name)[each]})) for each in near]
    assert [(step.criterion, step.now, step.then, step.level) for step in one_steps(found, answers)] == [
        step for step in steps if step[3] != found.level
    ]
    way = smallest_fall(found, answers)
    fewest = next(
        (size for size in range(1, 5) for some in combinations(valued, size)
         if level_with(**dict.fromkeys(some, Fraction())) < found.level), 0,
    )  # fmt: skip
    assert bool(way) is bool(found.level)
    if way:
        assert level_with(**dict.fromkeys(way, Fraction())) < found.level
        assert len(way) >= fewest
        assert len(way) == fewest or policy == "inherit"
    ends = [Fraction(), *ENDS]
    assert margins(found).above == (found.total - ends[found.level] if found.level else None)
    assert margins(found).below == (ENDS[found.level] - found.total if found.level < 3 else None)


def test_printed_scores_of_leaves_are_weighed_like_reckoned_ones() -> None:
    """Exactly, over their common denominator; leaves without a score are left out and the rest is scaled up."""
    scope = scope_of(model(), "one")
    cells = cells_from_scores(scope, {"A1": Fraction(1, 3), "B": Fraction(1, 2)})

    assert scope.leaves == ("A1", "A2", "B", "C")
    assert [cells.of(node) for node in ("A", "A1", "A2", "B", "C")] == [Fraction(1, 3)] * 2 + [
        None,
        Fraction(1, 2),
        None,
    ]
    assert cells.level_score == cells.of(None) == Fraction(7, 18)
    assert cells.weights.shares == {"A": Fraction(2, 3), "A1": Fraction(2, 3), "B": Fraction(1, 3)}
    assert (cells.weight("A"), cells.weight("C"), tuple(cells.counts)) == (Fraction(2, 3), 0, (1, 0, 1, 0))


def test_shares_of_kept_siblings_add_up_to_one() -> None:
    """Exactly, whatever the numbers of the model add up to, and again without what is trimmed."""
    half, third, quarter = Fraction(1, 2), Fraction(1, 3), Fraction(1, 4)

    assert scope_of(model(), "one").shares == {"A": half, "A1": quarter, "A2": 3 * quarter, "B": quarter, "C": quarter}
    assert scope_of(model(), "two", frozenset("B")).shares == {"A": 1, "A1": quarter, "A2": 3 * quarter}
    assert scope_of(model(), "one", frozenset("B")).shares["C"] == third


@pytest.mark.parametrize(
    ("left_out", "kept"),
    [({"A"}, "BC"), ({"A1", "A2"}, "BC"), ({"A1"}, ["A", "A2", "B", "C"]), ({"A2", "B"}, ["A", "A1", "C"])],
)
def test_a_node_counts_while_something_is_left_below_it(left_out: set[str], kept: Sequence[str]) -> None:
    """What lies below a node that is left out goes with it; a node goes when all that lies below it does."""
    assert list(Scope(model(), "one", frozenset(left_out)).shares) == list(kept)


def test_leaves_are_weighed_in_the_order_of_the_model() -> None:
    """Where children do not stand with their parents too: leaves that cost the same are told in this order."""
    nodes = {node.id: node for node in model().structure.nodes}
    mixed = model().structure.model_copy(update={"nodes": tuple(nodes[name] for name in ("A", "C", "B", "A2", "A1"))})
    scope = scope_of(replace(model(), structure=mixed), "one")
    cells = cells_from_scores(scope, dict.fromkeys(scope.leaves, Fraction(1)))

    assert scope.leaves == ("C", "B", "A2", "A1")
    assert [leaf for leaf, _ in cells.weights.inside[None][1]] == [0, 1, 2, 3]


def test_the_first_node_that_cannot_be_trimmed_is_named() -> None:
    """By its name, whatever the order of the set."""
    with pytest.raises(AssessmentError, match="'P' cannot be trimmed"):
        scope_of(model(), "one", frozenset("ZYXWVUTSRQP"))


def test_draws_of_weights_are_those_of_the_seed() -> None:
    """The levels of two hundred draws, counted; a node that is nothing for the type of plant is left alone."""
    found, answers = made("two", "renormalise", stop=True, trimmed=False, seed=3)
    drawn = weight_draws(found, answers, seed=5)

    assert (drawn.draws, drawn.spread, drawn.seed, drawn.stayed, dict(drawn.levels)) == (
        200,
        20,
        5,
        84,
        {0: 97, 1: 19, 3: 84},
    )
    assert list(drawn.levels) == [0, 1, 3]
    assert drawn.share == Fraction(drawn.stayed, 200)


def test_two_hundred_draws_are_usual() -> None:
    """From the seed 1, beside the other answers to what the level hangs on."""
    found, answers = made("two", "renormalise", stop=True, trimmed=False, seed=3)
    whole = sensitivity(found, answers)

    assert (whole.weights, whole.margins) == (weight_draws(found, answers), margins(found))
    assert (whole.one_steps, whole.smallest_fall) == (one_steps(found, answers), smallest_fall(found, answers))
    assert (whole.weights.draws, whole.weights.seed) == (200, 1)
    assert sensitivity(found, answers, draws=3, seed=9).weights == weight_draws(found, answers, draws=3, seed=9)


def test_a_total_on_the_end_of_its_band_is_not_above_it() -> None:
    """One more is missing to the next end, and nothing to this one."""
    strict = model(ends=(Fraction(1), Fraction(2), Fraction(3)))

    assert margins(score(strict, "one", full(1))) == Margins(Fraction(0), Fraction(1))
    assert margins(score(strict, "one", full(1, 2, 3))) == Margins(Fraction(0), None)


class Ends:
    """The least for the first weight, the most for the fourth."""

    def __init__(self, seed: int) -> None:
        self.draws = iter((0.0, 0.5, 0.5, 1 - 2**-53))
        assert seed == 1

    def random(self) -> float:
        """The next draw."""
        return next(self.draws)


@pytest.mark.parametrize(("at_least", "level"), [("3/7", 1), ("15003/35003", 0)])
def test_a_weight_moves_by_a_fifth_at_most(monkeypatch: pytest.MonkeyPatch, at_least: str, level: int) -> None:
    """Nothing of A and all of B: with 0.8 x 2 for A and 1.2 x 1 for B level 1 has 3/7, and not a thousandth more."""
    monkeypatch.setattr("factory_kit.score.sensitivity.Random", Ends)
    answers: dict[str, Decided] = {name: Value(Fraction(int(name == "d"))) for name in ROWS}
    found = score(model(at_least=at_least, ends=(Fraction(1), Fraction(2), Fraction(3))), "two", answers)

    assert found.level == 0
    drawn = weight_draws(found, answers, draws=1)
    assert (drawn.levels, drawn.stayed) == ({level: 1}, 1 - level)


RECORD = {
    "form": 1,
    "engine": 1,
    "type": "one",
    "trimming": [{"agreed_by": "assessor", "node": "B", "reason": "not done here"}],
    "score": {
        "level": 0,
        "levels": [
            {"adds": "1/3", "level": 1, "satisfied": False, "value": "1/3"},
            {"adds": "0", "level": 2, "satisfied": False, "value": "0.5"},
            {"adds": "0", "level": 3, "satisfied": True, "value": "2/3"},
        ],
        "literal": "11/6",
        "literal_level": 2,
        "total": "1/3",
    },
    "floor": {
        "level": 0,
        "levels": [
            {"adds": "1/3", "level": 1, "satisfied": False, "value": "1/3"},
            {"adds": "0", "level": 2, "satisfied": False, "value": "0.125"},
            {"adds": "0", "level": 3, "satisfied": True, "value": "2/3"},
        ],
        "literal": "35/24",
        "literal_level": 1,
        "total": "1/3",
    },
    "ceiling": {
        "level": 3,
        "levels": [
            {"adds": "1", "level": 1, "satisfied": True, "value": "2/3"},
            {"adds": "1", "level": 2, "satisfied": True, "value": "0.875"},
            {"adds": "1", "level": 3, "satisfied": True, "value": "1"},
        ],
        "literal": "3",
        "literal_level": 3,
        "total": "3",
    },
    "nodes": {
        "A": {"1": "0.5", "2": "0.5", "3": "1"},
        "A1": {"1": "1", "2": "0.5", "3": "1"},
        "A2": {"1": "1/3", "2": "0.5"},
        "C": {"1": "0", "3": "0"},
    },
    "counts": [
        {"held_back": 2, "left_out": 0, "level": 1, "met": 2, "open": 1, "requirements": 4},
        {"held_back": 2, "left_out": 0, "level": 2, "met": 1, "open": 1, "requirements": 3},
        {"held_back": 1, "left_out": 0, "level": 3, "met": 1, "open": 1, "requirements": 2},
    ],
    "grades": {"A": 4, "B": 0, "C": 1, "D": 1},
    "no_values": {"inconclusive": ["h"], "not applicable": [], "not assessed": ["e", "k"], "unknown": []},
    "provisional": True,
}


def test_the_record_of_a_score_is_plain_text() -> None:
    """Every number that matters as an exact text, nodes without a criterion left out, what is named in order of its name."""
    found, _ = made("one", "renormalise", stop=True, trimmed=True, seed=3)

    record = score_record(found)
    assert record.pop("model") == {"edition": "1", "id": "small", "sha256": CMMM.sha256}
    assert repr(record) == repr(RECORD)


def test_nodes_of_a_record_stand_in_order_of_their_names() -> None:
    """Whatever their order in the model; a node of which nothing applies is left out."""
    nodes = {node.id: node for node in model().structure.nodes}
    mixed = model().structure.model_copy(update={"nodes": tuple(nodes[name] for name in ("B", "A", "C", "A2", "A1"))})
    apart = dict.fromkeys("ek", NoValue(NoValueKind.NOT_APPLICABLE, "a reason", "B"))
    record = score_record(score(replace(model(), structure=mixed), "one", apart))

    assert list(cast("dict[str, object]", record["nodes"])) == ["A", "A1", "A2", "B"]


def test_answers_that_the_model_does_not_allow_are_refused() -> None:
    """A value between the options, proof of such a value, and not applicable without a reason or where there is none."""
    for answer, said in [
        (Value(Fraction(1, 4), "B"), r"1/4|0.25 is not allowed, expected one of 0, 1/3, 1/2, 1"),
        (Value(Fraction(1), "B", Fraction(1, 4)), "0.25 is not allowed"),
        (NoValue(NoValueKind.NOT_APPLICABLE), "a: 'not applicable' needs a reason"),
    ]:
        with pytest.raises(AssessmentError, match=said):
            score(model(), "one", {"a": answer})
    with pytest.raises(AssessmentError, match="a: this model knows no 'not applicable'; answer it"):
        score(model(not_applicable="never"), "one", {"a": NoValue(NoValueKind.NOT_APPLICABLE, "a reason")})


@pytest.mark.parametrize(
    ("kind", "trimmed", "answers", "said"),
    [
        ("three", "", {}, "small@1: 'three' is no plant type of this model, expected one of one, two"),
        ("one", "Z", {}, "'Z' cannot be trimmed, it is no node of the model for the type one"),
        ("two", "C", {}, "'C' cannot be trimmed, it is no node of the model for the type two"),
        ("one", "A1", {}, "A1 must not be trimmed; assess it"),
        ("one", "BB", {}, "B is trimmed twice; keep one reason"),
        ("one", "", {"z": Value(Fraction(1))}, "'z' is no criterion of this model"),
        (
            "one", "", dict.fromkeys("jk", NoValue(NoValueKind.NOT_APPLICABLE, "a reason")),
            "no requirement of level 3 is left to score; check what is not applicable",
        ),
    ],
)  # fmt: skip
def test_a_plant_that_the_model_does_not_know_is_refused(
    kind: str, trimmed: str, answers: Mapping[str, Decided], said: str
) -> None:
    """Its type, its trimming, its criteria, and a level of which nothing is left."""
    nodes = ("B", "B") if trimmed == "BB" else (trimmed,) if trimmed else ()
    trims = [Trim(node=node, reason="not done here", agreed_by="assessor") for node in nodes]

    with pytest.raises(AssessmentError, match=said):
        score(model(), kind, answers, trims)


def test_the_same_score_made_again_is_equal() -> None:
    """What it was worked out with is neither compared nor shown."""
    found = score(model(), "one", {})
    scope_of.cache_clear()

    assert score(model(), "one", {}) == found
    assert "scope=" not in repr(found)
    assert "cells=" not in repr(found)


def test_a_score_tells_five_gains_and_what_the_ceiling_raised() -> None:
    """The largest gains; all that has no value, whatever the reason, but not what is not applicable."""
    kinds = [NoValueKind.NOT_APPLICABLE, NoValueKind.UNKNOWN, NoValueKind.INCONCLUSIVE, NoValueKind.NOT_ASSESSED]
    answers: dict[str, Decided] = {name: NoValue(kind, "a reason") for name, kind in zip("abcd", kinds, strict=True)}
    found = score(model(), "one", answers | {"e": Value(Fraction(1))})

    assert found.raised_in_ceiling == len(ROWS) - 2
    assert replace(found, gains=found.gains * 3).best_gains == (found.gains * 3)[:5]
    assert len(found.gains * 3) > 5


def test_a_node_that_does_not_count_has_no_score() -> None:
    """C is nothing for plants of the second type."""
    found = score(model(), "two", {})

    assert found.node("A1", 1).value == 0
    with pytest.raises(KeyError):
        found.node("C", 1)


def action(name: str, cost: str, raises: Mapping[str, str], *needs: str, months: int = 1, high: str = "") -> Action:
    """Something a plant can do."""
    text = Text(zh="措施", en="action")
    return Action(
        id=name, label=text, cost=Cost(low=cost, high=high or cost), months=months, needs=needs, raises=dict(raises)
    )


ACTIONS = (
    action("late", "2", {"f": "1", "g": "1"}, "early", months=3),
    action("early", "1", {"h": "1"}, months=2, high="2"),
    action("done", "1", {"a": "1"}),
    action("dear", "20", {"f": "1", "g": "1", "h": "1", "i": "1"}, "done", months=9),
    action("half", "1", {"i": "1/2"}),
    action("other", "3", {"i": "1", "h": "1"}),
    action("none", "1", {"e": "1"}),
)


def full(*levels: int, **others: Decided) -> dict[str, Decided]:
    """All requirements of some levels met, nothing of the others."""
    usual = {name: Value(Fraction(int(row[1] in levels)), "B") for name, row in ROWS.items()}
    return usual | others


def test_plans_are_the_cheapest_sets_in_an_order_that_can_be_done() -> None:
    """What is needed first, costs added at both ends, months of the longest chain; what the plant has is neither asked nor proposed."""
    answers = full(1, e=NoValue(NoValueKind.NOT_APPLICABLE, "a reason", "B"))
    found = score(model(), "one", answers)
    actions = Actions.model_construct(actions=ACTIONS)
    plans = paths(found, answers, actions, 2)

    assert [
        ([each.id for each in plan.actions], plan.raised, plan.cost_low, plan.cost_high, plan.cost, plan.months)
        for plan in plans
    ] == [
        (["early", "late"], (("h",), ("f", "g")), 3, 4, Fraction(7, 2), 5),
        (["dear"], (("f", "g", "h", "i"),), 20, 20, 20, 9),
    ]
    assert all(plan.score == score(model(), "one", after(answers, plan.actions)) for plan in plans)
    assert paths(found, answers, actions, 2, plans=1) == plans[:1]
    assert paths(found, answers, actions, 1) == paths(found, answers, actions, 3) == ()
    assert paths(found, answers, Actions.model_construct(actions=()), 2) == ()


def test_what_the_engine_does_not_confirm_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Level 2 asks here for a part of level 3 too, which only the dear action gives; the search ends after so many tries."""
    strict = model(ends=(Fraction(2, 3), Fraction(21, 10), Fraction(5, 2)))
    answers = full(1)
    actions = Actions.model_construct(
        actions=(
            action("cheap", "1", {"f": "1", "g": "1", "h": "1"}),
            action("dear", "5", {"f": "1", "g": "1", "h": "1", "k": "1/3"}),
        )
    )
    found = score(strict, "one", answers)

    assert [[each.id for each in plan.actions] for plan in paths(found, answers, actions, 2)] == [["dear"]]
    monkeypatch.setattr("factory_kit.score.path.TRIES", 2)
    known = Actions.model_construct(actions=(*actions.actions, action("done", "1", {"a": "1"})))
    assert [[each.id for each in plan.actions] for plan in paths(found, answers, known, 2)] == [["dear"]]
    monkeypatch.setattr("factory_kit.score.path.TRIES", 1)
    assert paths(found, answers, actions, 2) == ()


def proposed(answers: Mapping[str, Decided], level: int, *actions: Action, **limits: int) -> list[list[str]]:
    """The ids of each plan."""
    found = score(model(), "one", answers)
    plans = paths(found, answers, Actions.model_construct(actions=actions), level, **limits)
    return [[each.id for each in plan.actions] for plan in plans]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_equal_costs_are_told_apart_by_number_and_place(order: tuple[int, ...]) -> None:
    """One action rather than two, the earlier one rather than the later; but never a dearer one."""
    raises = [{"f": "1", "g": "1"}, {"h": "1"}, {"f": "1", "g": "1", "h": "1"}, {"f": "1", "g": "1", "h": "1"}]

    def chosen(*costs: str) -> list[str]:
        actions = [action(f"a{at}", costs[at], raises[at]) for at in order]
        return proposed(full(1), 2, *actions, plans=1)[0]

    assert chosen("1", "1", "2", "2") == ["a2" if order.index(2) < order.index(3) else "a3"]
    assert chosen("1", "1", "2", "3") == ["a2"]
    assert sorted(chosen("1", "1", "2.4", "2.4")) == ["a0", "a1"]


def test_fewer_actions_come_first_though_they_stand_last() -> None:
    """Three at the end of a long file against four at its head, at the same cost; none of a row does without the others."""
    rows = [
        [action(f"{name}{at}", cost, {"k": "1/3"}, *[f"{name}{at - 1}"] * (at > 0)) for at in range(count - 1)]
        + [action(f"{name}{count - 1}", cost, {"f": "1", "g": "1", "h": "1"}, f"{name}{count - 2}")]
        for name, count, cost in (("early", 4, "0.75"), ("late", 3, "1"))
    ]
    between = [action(f"other{at}", "1", {"j": "1"}) for at in range(6)]

    assert proposed(full(1), 2, *rows[0], *between, *rows[1], plans=1) == [["late0", "late1", "late2"]]


def test_plans_may_share_an_action() -> None:
    """Only the whole set of a plan is not proposed again; three are enough."""
    base = action("base", "1", {"f": "1", "g": "1"})
    others = [action(name, str(cost), {"h": "1"}) for cost, name in enumerate("wxyz", 1)]

    assert proposed(full(1), 2, base, *others) == [["base", "w"], ["base", "x"], ["base", "y"]]


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine confirms the first set that is found, or there is no plan."""
    monkeypatch.setattr("factory_kit.score.path.TRIES", 1)


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize("left_open", [None, NoValue(NoValueKind.UNKNOWN, "a reason")])
def test_the_first_set_that_is_tried_is_right(left_open: Decided | None) -> None:
    """What has no answer, or an answer without a value, counts as nothing."""
    answers = {name: answer for name, answer in full(1).items() if name not in "fgh"}
    answers |= dict.fromkeys("fgh", left_open) if left_open else {}
    two = action("two", "1", {"f": "1", "g": "1"}), action("too", "2", {"h": "1"})

    assert proposed(answers, 2, *two) == [["two", "too"]]


@pytest.mark.usefixtures("one_try")
def test_what_rises_halfway_counts_half() -> None:
    """The cheaper action is not enough, though it raises what the dearer one raises."""
    low, high = (
        action(name, cost, dict.fromkeys("fgi", to)) for name, cost, to in (("low", "1", "1/2"), ("high", "5", "1"))
    )

    assert proposed(full(1), 2, low, high) == [["high"]]


@pytest.mark.usefixtures("one_try")
def test_each_level_needs_its_own() -> None:
    """What is gained at one level helps no other one; what is met there already need not be gained."""
    one, two = action("one", "1", dict.fromkeys("abcde", "1")), action("two", "5", {"f": "1", "g": "1", "h": "1"})

    assert proposed(full(), 2, one, two) == [["one", "two"]]
    assert proposed(full(1, h=Value(Fraction(1))), 2, action("rest", "1", {"f": "1", "g": "1"})) == [["rest"]]


@pytest.mark.usefixtures("one_try")
def test_what_does_not_apply_is_no_gain() -> None:
    """Though the requirement beside it counts, and what raises it would be cheaper."""
    answers = full(c=Value(Fraction(1)), d=Value(Fraction(1)), b=NoValue(NoValueKind.NOT_APPLICABLE, "a reason"))
    vain, real = action("vain", "1", {"b": "1", "k": "1"}), action("real", "2", {"a": "1"})

    assert proposed(answers, 1, vain, real) == [["real"]]


def test_what_the_plant_has_in_the_main_is_not_asked_for() -> None:
    """Half of i is enough for this model, and e does not apply; but if anything more is missing the need is one."""
    easy = model(at_least="1/2")
    answers = full(1, i=Value(Fraction(1, 2)), e=NoValue(NoValueKind.NOT_APPLICABLE, "a reason"))
    top = action("top", "1", {"f": "1", "g": "1", "h": "1"}, "base")

    for more, expected in (({}, ["top"]), ({"k": "1/3"}, ["base", "top"])):
        base = action("base", "1", {"i": "1", "e": "1", **more})
        (plan,) = paths(score(easy, "one", answers), answers, Actions.model_construct(actions=(top, base)), 2)
        assert [each.id for each in plan.actions] == expected


def test_a_plan_tells_what_rises() -> None:
    """Neither what is there already nor what does not apply."""
    answers = full(1, f=Value(Fraction(1, 2)), i=NoValue(NoValueKind.NOT_APPLICABLE, "a reason"))
    only = Actions.model_construct(actions=(action("only", "1", {"f": "1/2", "g": "1", "h": "1", "i": "1"}),))

    (plan,) = paths(score(model(), "one", answers), answers, only, 2)
    assert plan.raised == (("g", "h"),)


def test_what_does_not_count_for_the_plant_needs_no_action() -> None:
    """C is nothing for plants of the second type, so that what raises it alone is no help, and costs nothing either."""
    answers = full(1, 2)
    found = score(model(), "two", answers)
    only = action("only", "1", {"k": "1"})
    both = action("both", "2", {"j": "1", "k": "1"})

    (plan,) = paths(found, answers, Actions.model_construct(actions=(only, both)), 3)
    assert plan.actions == (both,)


def test_what_actions_raise_is_declared_and_never_lowered() -> None:
    """A higher value stays, proof stays what it was, what does not apply is left alone, what was open is declared."""
    steps = action("all", "1", {"a": "1/2", "c": "1/2", "f": "1/2", "g": "1/2", "i": "1/2", "k": "1"})
    third, whole = Fraction(1, 3), Fraction(1)
    now: dict[str, Decided] = {
        "a": Value(whole, "B"),
        "c": Value(third, "C"),
        "f": Value(third, "D"),
        "g": Value(third, "A", Fraction()),
        "i": NoValue(NoValueKind.NOT_APPLICABLE, "a reason"),
        "k": NoValue(NoValueKind.UNKNOWN, "a reason", "B"),
        "j": Value(whole, "B"),
    }

    half = Fraction(1, 2)
    assert after(now, [steps]) == now | {
        "a": Value(whole, "B", whole),
        "c": Value(half, "C", third),
        "f": Value(half, "D"),
        "g": Value(half, "A", Fraction()),
        "k": Value(whole),
    }
    assert after({}, [steps])["a"] == Value(half)
