"""The rules of receiving, by number, so that a provider can quote them; each says what is wrong in one sentence.

R01 to R14 as numbered in this project; ``data/rules.yaml`` states each in a sentence. What needs earlier receipts (R10, R11,
R14) or the registers (R03, R13) is checked beside the ledger, one submission after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

from factory_kit.district.definitions import Campaign
from factory_kit.i18n import N_, _
from factory_kit.load.checked import yaml_file
from factory_kit.model.assessment import Assessment
from factory_kit.model.credit_code import Fault, fault, organisation_sign_fits
from factory_kit.model.definition import Definition, Text, exact
from factory_kit.seal.findings import What
from factory_kit.seal.ring import SignatureState
from factory_kit.seal.verify import Report, SignatureCheck

__all__ = [
    "NO_BUNDLE",
    "Rebuilt",
    "Ruling",
    "Weight",
    "about_campaign",
    "about_code",
    "about_content",
    "about_file",
    "about_macros",
    "about_people",
    "about_signatures",
    "plain",
    "rule_texts",
]

MACROS = (
    ".docm",
    ".dotm",
    ".xlsm",
    ".xltm",
    ".xlsb",
    ".xlam",
    ".pptm",
    ".exe",
    ".dll",
    ".js",
    ".vbs",
    ".bat",
    ".cmd",
    ".ps1",
    ".sh",
    ".jar",
    ".scr",
    ".lnk",
    ".hta",
)
UNREADABLE = (What.UNSAFE, What.CONTAINER)
NO_BUNDLE = N_(
    "the file is no bundle as factory-kit assess seal writes it, or was repacked or cut short on the way; ask its sender for that file unchanged ({because})"
)
FITTING = (SignatureState.VALID, SignatureState.UNKNOWN_KEY)


Weight = Literal["rejects", "returns", "warns"]
"""rejects: the file itself is no good; returns: the submission can be corrected; warns: it is accepted all the same."""


@dataclass(frozen=True)
class Ruling:
    """What one rule says about a submission: a sentence as template and details, and what follows from it."""

    rule: str
    message: str
    details: Mapping[str, str | int] = field(default_factory=dict)
    weight: Weight = "returns"

    def text(self) -> str:
        """The sentence in the language in force; ``because`` is a sentence of its own, filled from the same details, about ``place``."""
        details = dict(self.details)
        if "because" in details:
            because = _(str(details["because"])).format(**self.details)
            details["because"] = f"{details['place']}: {because}" if details.get("place") else because
        return _(self.message).format(**details)


@dataclass(frozen=True)
class Rebuilt:
    """What came out when the score of a bundle was rebuilt from the bundle alone."""

    same: bool
    differences: Sequence[str]
    level: int
    floor: int
    total: str
    """S, rounded down as the model shows it."""
    open: int
    """Requirements without an answer."""
    contradictions: Sequence[str]
    simulated: bool
    outside: int
    """Evidence records that speak for days outside the period."""
    expired: int = 0
    """Pieces of evidence that had expired before the period ended."""
    not_applicable: int = 0
    requirements: int = 0
    """How many the model has."""
    thin: Sequence[str] = ()
    """Coverage of each machine record that gives a value, as decimal text."""
    documents: Sequence[str] = ()
    """The sha256 of documents that answers rest on."""
    next_at: str = ""
    """The total at which the next level begins; empty at the highest, and for models without totals."""
    answers: str = ""
    """A hash of all answers: equal for equal answers, whoever gave them."""
    verified: bool = False
    """Whether the model was compared with its standard."""
    ladders: Sequence[Mapping[str, Any]] = ()
    """Where the plant stands on each ladder it answered: ``ladder``, ``level``, ``proven``, ``at_best``, ``verified``, ``zh``, ``en``."""
    scenes: Sequence[str] = ()
    """Typical scenes that are built, by the ladder of smart factories."""
    domains: Mapping[str, str] = field(default_factory=dict)
    """By node of the model the mean of its scores over the levels that ask for something, as exact text."""
    sent_level: int | None = None
    sent_total: str | None = None
    """What the score in the bundle says, where it is another one and says so."""


def about_file(report: Report, kind: str) -> Iterator[Ruling]:
    """R01 and R02, as far as the file itself goes; *kind* is what a bundle is called in its manifest."""
    for finding in report.findings:
        if finding.what in UNREADABLE:
            yield Ruling("R01", NO_BUNDLE, {**plain(finding.details), "because": finding.message}, "rejects")
        else:
            yield Ruling("R02", finding.message, plain(finding.details), "rejects")
    if report.manifest is not None and report.manifest.kind != kind:
        message = N_("the file is a sealed {kind}, not an assessment")
        yield Ruling("R01", message, {"kind": report.manifest.kind}, "rejects")


def about_signatures(report: Report, assessment: Assessment, campaign: Campaign) -> Iterator[Ruling]:
    """R02: who must have signed, and whether their signatures count here."""
    needed = ("enterprise",) if assessment.provider is None else ("enterprise", "provider")
    for role in needed:
        checks = [
            check for check in report.signatures if check.role == role and check.state is not SignatureState.MISSING
        ]
        if not checks:
            yield Ruling("R02", N_("the signature of the {role} is missing"), {"role": role})
        elif not any(_counts(check, campaign) for check in checks):
            details = {"role": role, "state": checks[0].state.value, "key": checks[0].key_id}
            yield Ruling("R02", N_("the signature of the {role} does not count here ({state}, key {key})"), details)


def about_code(assessment: Assessment) -> Iterator[Ruling]:
    """R03: the credit code (GB 32100-2015)."""
    code = assessment.plant.credit_code
    wrong = fault(code)
    if wrong is None and not organisation_sign_fits(code):
        message = N_("the inner organisation code of {code} has another check sign than expected; look it up once")
        yield Ruling("R03", message, {"code": code}, "warns")
    if wrong is Fault.CHECK:
        yield Ruling(
            "R03", N_("the credit code {code} is wrong: its last sign does not fit the others"), {"code": code}
        )
    elif wrong is not None:
        yield Ruling(
            "R03",
            N_("the credit code {code} is wrong: 18 digits or capitals are expected, without I, O, S, V, Z"),
            {"code": code},
        )


def about_campaign(assessment: Assessment, campaign: Campaign) -> Iterator[Ruling]:
    """R04 and R08: model, type and kind that the campaign takes."""
    model = assessment.model
    allowed = {(each.id, each.edition): each.sha256 for each in campaign.models}
    name = f"{model.id}@{model.edition}"
    if (model.id, model.edition) not in allowed:
        yield Ruling("R04", N_("the model {model} is not asked for in this campaign"), {"model": name})
    elif allowed[model.id, model.edition] != model.sha256:
        yield Ruling("R04", N_("the content of the model {model} is not the one of this campaign"), {"model": name})
    if assessment.type not in campaign.types:
        yield Ruling(
            "R04", N_("assessments of type {type} are not asked for in this campaign"), {"type": assessment.type}
        )
    if assessment.kind != campaign.kind:
        message = (
            N_("this campaign is a demonstration and takes demo bundles only")
            if campaign.kind == "demo"
            else N_("this campaign is a real one and takes no demo bundles")
        )
        yield Ruling("R08", message)


def about_people(assessment: Assessment) -> Iterator[Ruling]:
    """R07 and R13: days on site, two different people, nobody who assesses the plant that pays them."""
    period = assessment.period
    outside = [day for day in assessment.on_site if not period.start <= day <= period.end]
    if outside:
        message = N_("the day on site {day} lies outside the period of the assessment")
        yield Ruling("R07", message, {"day": str(outside[0])})
    assessors = [person for person in assessment.people if person.role != "plant contact"]
    if assessment.type == "on-site" and len({person.name for person in assessors}) < 2:
        yield Ruling("R07", N_("an on-site assessment needs two different assessors, one is named"))
    employed = [person.name for person in assessors if person.employer == "plant"]
    if employed and assessment.type != "self":
        message = N_("{name} assesses the plant and is employed by it")
        yield Ruling("R13", message, {"name": employed[0]})


def about_macros(names: Iterable[tuple[str, bytes]]) -> Iterator[Ruling]:
    """R01: no program inside, neither by its name nor inside an office document."""
    for name, data in names:
        if name.lower().endswith(MACROS) or _holds_macros(data):
            yield Ruling(
                "R01", N_("{name} holds macros or is a program; send documents without"), {"name": name}, "rejects"
            )


def _holds_macros(data: bytes) -> bool:
    """Office documents with macros keep them in a part of that name, which stands unpacked in the directory of the zip."""
    return data[:4] == b"PK\3\4" and b"vbaproject" in data.lower()


def about_content(rebuilt: Rebuilt, campaign: Campaign) -> Iterator[Ruling]:
    """R05 to R09: completeness, the rebuilt score, dates, simulated evidence, contradictions."""
    if rebuilt.open > campaign.most_open:
        details: dict[str, str | int] = {"open": rebuilt.open, "most": campaign.most_open}
        yield Ruling("R05", N_("{open} requirements have no answer, at most {most} may be open"), details)
    if rebuilt.requirements and Fraction(rebuilt.not_applicable, rebuilt.requirements) > exact(
        campaign.most_not_applicable
    ):
        shares: dict[str, str | int] = {
            "count": rebuilt.not_applicable,
            "of": rebuilt.requirements,
            "most": campaign.most_not_applicable,
        }
        yield Ruling(
            "R05", N_("{count} of {of} requirements are called not applicable, at most the share {most} may be"), shares
        )
    if not rebuilt.same:
        yield _another_score(rebuilt)
    if campaign.unverified_models == "trial" and not rebuilt.verified:
        message = N_("the model was not compared with its standard yet: its scores count as trial in this campaign")
        yield Ruling("R04", message, {}, "warns")
    if rebuilt.outside:
        message = N_("{count} evidence records speak for days outside the period of the assessment")
        yield Ruling("R07", message, {"count": rebuilt.outside}, "warns" if campaign.kind == "demo" else "returns")
    if rebuilt.expired:
        message = N_("{count} pieces of evidence had expired before the period ended; they count as declared")
        yield Ruling("R07", message, {"count": rebuilt.expired}, "warns")
    thin = [coverage for coverage in rebuilt.thin if exact(coverage) < exact(campaign.least_coverage)]
    if thin:
        message = N_("{count} machine records know less of their time than {least}: the first {coverage}")
        yield Ruling("R08", message, {"count": len(thin), "least": campaign.least_coverage, "coverage": thin[0]})
    if rebuilt.simulated and campaign.kind == "real":
        yield Ruling("R08", N_("evidence was computed from simulated samples"))
    if rebuilt.contradictions:
        details = {"criteria": ", ".join(rebuilt.contradictions)}
        yield Ruling("R09", N_("answers stand above what machine evidence shows: {criteria}"), details, "warns")


def _another_score(rebuilt: Rebuilt) -> Ruling:
    """R06 in the figures people know; where these agree, by the first place that differs."""
    sent = (rebuilt.sent_level, rebuilt.sent_total)
    if None not in sent and sent != (rebuilt.level, rebuilt.total):
        message = N_(
            "the score sent (level {sent_level}, {sent_total}) is not the one its answers and evidence give (level {level}, {total}); score and seal anew"
        )
        names = ("sent_level", "sent_total", "level", "total")
        return Ruling("R06", message, {name: str(getattr(rebuilt, name)) for name in names})
    first = rebuilt.differences[0] if rebuilt.differences else ""
    message = N_("the score sent does not follow from its answers and evidence ({first}); score and seal anew")
    return Ruling("R06", message, {"first": first})


def _counts(check: SignatureCheck, campaign: Campaign) -> bool:
    """A provider's key may have to be known here; enterprises sign with any key that fits."""
    if check.role == "provider" and campaign.trusted_keys_only:
        return check.state is SignatureState.VALID
    return check.state in FITTING


class _Rules(Definition):
    form: Literal[1]
    rules: dict[str, Text]


@cache
def rule_texts() -> Mapping[str, Text]:
    """What each rule asks for, in one sentence, by its number."""
    return yaml_file(Path(__file__).resolve().parent / "data" / "rules.yaml", _Rules, "rules.yaml").rules


def plain(details: Mapping[str, object]) -> dict[str, str | int]:
    """*details* as a ledger can keep them."""
    return {key: value if isinstance(value, str | int) else str(value) for key, value in details.items()}
