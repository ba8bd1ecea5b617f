"""Diagnosis: what the machines' data say about lost time, wasted energy and failing sensors, as ranked findings."""
