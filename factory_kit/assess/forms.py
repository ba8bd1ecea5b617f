"""The two files of a new assessment that people go on writing: YAML with the questions as comments, in Chinese and English."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

from factory_kit.model.answers import Answer, Answers, EvidenceItem, Trim
from factory_kit.model.assessment import Assessment
from factory_kit.model.definition import Language
from factory_kit.model.maturity import Criterion, MaturityModel
from factory_kit.model.site import Plant

__all__ = ["NOT_ASSESSED", "TO_FILL_IN", "answer_line", "answers_text", "assessment_text", "trimming_line"]

TO_FILL_IN = "（待填写 to be filled in）"
"""Stands where a name is still missing; nothing is sealed while it does."""

NOT_ASSESSED = Answer(no_value="not assessed")
"""What an answer is before anybody gave one."""

LANGUAGES: tuple[Language, ...] = ("zh", "en")

HOW_TO_ANSWER = """\
# 答卷。每条要求填一种： / Answers. Each requirement takes one of:
#   {value: "0.8", evidence: [{grade: B, note: 设备台账 2026 版}]}            # 得分 / the value
#   {no_value: not applicable, reason: 本厂不做产品设计}                      # 不适用，须写理由 / needs a reason
#   {no_value: unknown}                                                     # 问过，无法证明 / asked, nobody could show it
#   {decision: accept-machine}                                              # 采用设备数据建议的得分 / take what the machine evidence proposes
#   {value: "1", decision: override-machine, reason: 新设备上周入账}          # 不采用，须写理由 / decide otherwise, with a reason
# 证据等级 grade：B 文件（已查看） C 现场观察或访谈 D 仅声明 / B document seen, C observed or interviewed, D declared only
# 没有改动的条目是“未评” / what stays "not assessed" makes the score provisional
"""


def assessment_text(assessment: Assessment) -> str:
    """``assessment.yaml`` for *assessment*, with what may be added as comments."""
    model, plant, period = assessment.model, assessment.plant, assessment.period
    provider = assessment.provider
    shown_provider = f"{{name: {_said(provider.name)}, credit_code: {_said(provider.credit_code)}}}" if provider else ""
    lines = [
        "# 评估：哪家工厂、对照哪个模型版本、何时、由谁。 / Who is assessed against which model edition, when, by whom.",
        "form: 1",
        f"id: {_said(assessment.id)}      # 随机编号，不要改 / drawn at random, do not change",
        f"kind: {assessment.kind}",
        f"type: {assessment.type}       # self 自评 | provider 服务商 | on-site 现场 | re-assessment 复评",
        f"model: {{id: {_said(model.id)}, edition: {_said(model.edition)}, sha256: {_said(model.sha256)}}}",
        *_plant(plant),
        f"units: [{', '.join(map(_said, assessment.units))}]       # 所属街道、镇、园区代码 / codes of street, town, park",
        f"period: {{start: {period.start}, end: {period.end}}}      # 证据所说的日期 / the days the evidence speaks for",
        f"on_site: [{_dates(assessment.on_site)}]        # 到厂日期 / days in the plant",
        f"provider: {shown_provider}" if provider else '# provider: {name: 某某诊断服务公司, credit_code: ""}',
        "people:       # role: lead | assessor | plant contact; employer: provider | plant | authority | other",
        *(
            f"  - {{name: {_said(each.name)}, role: {each.role}, employer: {each.employer}}}"
            for each in assessment.people
        ),
    ]
    if assessment.supersedes:
        lines += [
            f"supersedes: {_said(assessment.supersedes)}",
            f"supersedes_reason: {_said(assessment.supersedes_reason)}",
        ]
    return "\n".join(lines) + "\n"


def answers_text(model: MaturityModel, kind: str, plant_type: str, assessor: str, given: Answers | None = None) -> str:
    """``answers.yaml`` with every criterion that counts for *plant_type*: as in *given*, the rest not assessed."""
    answers = given.answers if given else {}
    trimming = given.trimming if given else ()
    structure = model.structure
    head = [
        "form: 1",
        f"model: {_said(structure.model)}",
        f"edition: {_said(structure.edition)}",
        f"model_sha256: {_said(model.sha256)}",
        f"kind: {kind}",
        f"type: {plant_type}",
        f"assessor: {_said(assessor)}",
        f"{trimming_line(trimming)}     # {{node: MD1, reason: 来图加工，不做产品设计, agreed_by: 李工}}",
        "answers:",
    ]
    return HOW_TO_ANSWER + "\n".join([*_options(model), *head, *_questions(model, plant_type, answers)]) + "\n"


def _questions(model: MaturityModel, plant_type: str, given: Mapping[str, Answer]) -> Iterator[str]:
    nodes = {node.id for node in model.structure.nodes if plant_type in node.weight}
    asked = [criterion for criterion in model.structure.criteria if criterion.node in nodes]
    for node, criteria in groupby(asked, key=lambda criterion: criterion.node):
        yield f"\n  # ===== {node} {_both(model, node)} ====="
        for criterion in criteria:
            yield from _question(model, criterion)
            yield f"  {criterion.id}: {answer_line(given.get(criterion.id, NOT_ASSESSED))}"


def _question(model: MaturityModel, criterion: Criterion) -> Iterator[str]:
    marks = " / ".join(model.texts[language].levels[str(criterion.level)].mark for language in LANGUAGES)
    proofs = "、".join(model.texts["zh"].evidence[kind] for kind in criterion.evidence)
    english = ", ".join(model.texts["en"].evidence[kind] for kind in criterion.evidence)
    yield f"  # {criterion.id}（{marks}）{_both(model, criterion.id)}（证据：{proofs} / {english}）"


def _options(model: MaturityModel) -> Iterator[str]:
    """The values that may be given, once per set of options."""
    yield "# 可取的值 / Values:"
    for name, values in model.structure.options.items():
        for value in values:
            yield f'#   "{value}"  {" / ".join(model.texts[language].options[name][value] for language in LANGUAGES)}'


def answer_line(answer: Answer) -> str:
    """*answer* on one line, as it stands after the code of its criterion."""
    parts = []
    if answer.value is not None:
        parts.append(f"value: {_said(answer.value)}")
    if answer.no_value is not None:
        parts.append(f"no_value: {answer.no_value}")
    if answer.decision != "assessor":
        parts.append(f"decision: {answer.decision}")
    if answer.reason:
        parts.append(f"reason: {_said(answer.reason)}")
    if answer.evidence:
        parts.append(f"evidence: [{', '.join(map(_evidence, answer.evidence))}]")
    if answer.remark:
        parts.append(f"remark: {_said(answer.remark)}")
    return f"{{{', '.join(parts)}}}"


def trimming_line(trimming: Sequence[Trim]) -> str:
    """What is left out, on one line."""
    return f"trimming: [{', '.join(map(_trim, trimming))}]"


def _trim(trim: Trim) -> str:
    return f"{{node: {trim.node}, reason: {_said(trim.reason)}, agreed_by: {_said(trim.agreed_by)}}}"


def _evidence(item: EvidenceItem) -> str:
    parts = [f"grade: {item.grade}", f"note: {_said(item.note)}"]
    if item.period is not None:
        parts.append(f"period: {{start: {item.period.start}, end: {item.period.end}}}")
    parts += [f"{name}: {day}" for name, day in (("received", item.received), ("expires", item.expires)) if day]
    if item.sha256:
        parts.append(f"sha256: {_said(item.sha256)}")
    return f"{{{', '.join(parts)}}}"


def _both(model: MaturityModel, code: str) -> str:
    return " / ".join(model.label(code, language) for language in LANGUAGES)


def _plant(plant: Plant) -> list[str]:
    return [
        "plant:",
        f"  id: {_said(plant.id)}",
        f"  name: {{zh: {_said(plant.name.zh)}, en: {_said(plant.name.en)}}}",
        f"  credit_code: {_said(plant.credit_code)}",
        f"  site_no: {_said(plant.site_no)}",
        f"  type: {plant.type}",
        f"  industry: {{code: {_said(plant.industry.code)}, edition: {_said(plant.industry.edition)}}}",
        f"  timezone: {_said(plant.timezone)}",
    ]


def _dates(days: Sequence[date]) -> str:
    return ", ".join(map(str, days))


def _said(text: str) -> str:
    """*text* in quotation marks that YAML reads back unchanged: JSON texts are YAML texts."""
    return json.dumps(text, ensure_ascii=False)
