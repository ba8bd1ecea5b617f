"""The assessment report (评估报告): from score, answers and machine evidence to a document in zh and en."""

from __future__ import annotations

from factory_kit.reports.assessment.day import shown_day
from factory_kit.reports.assessment.findings import found_in
from factory_kit.reports.assessment.material import Day, MachineDay, Material
from factory_kit.reports.assessment.view import AssessmentReport, view

__all__ = ["AssessmentReport", "Day", "MachineDay", "Material", "found_in", "shown_day", "view"]
