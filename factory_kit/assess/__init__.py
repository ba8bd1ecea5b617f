"""Assessments: answers, machine evidence and decisions become a score that can be rebuilt years later."""
