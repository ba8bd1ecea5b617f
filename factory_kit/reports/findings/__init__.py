"""What the machines say: findings and their pictures, for the assessment report and as a report of their own."""

from __future__ import annotations

from factory_kit.reports.findings.parts import Told, findings_parts
from factory_kit.reports.findings.view import findings_section, findings_view

__all__ = ["Told", "findings_parts", "findings_section", "findings_view"]
