"""Readings of machine states by standards: named, versioned data, with a second axis where a standard has modes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from factory_kit.model.connector import MachineState
from factory_kit.model.definition import Definition, Source, Text, mistake

__all__ = ["StateProfile", "StateRule"]


class StateRule(Definition):
    """Raw states, in raw modes where these decide, that mean one of our states."""

    state: tuple[str, ...] = Field(min_length=1)
    """Raw numbers or texts, written as texts."""
    mode: tuple[str, ...] = ()
    """Raw modes; empty: any mode, or none at all."""
    means: Annotated[MachineState, Field(strict=False, alias="is")]


class StateProfile(Definition):
    """The file ``states.yaml`` of a folder ``assessments/states/<id>/``: the first rule that fits decides."""

    profile: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*@[1-9][0-9]*$")
    """Name and version; a changed reading gets a new version, since every record names the one it used."""
    label: Text
    sources: tuple[Source, ...] = Field(min_length=1)
    note: Text | None = None
    rules: tuple[StateRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_rule_can_decide(self) -> StateProfile:
        decided: set[tuple[str, str]] = set()
        for rule in self.rules:
            pairs = {(state, mode) for state in rule.state for mode in rule.mode or ("",)}
            late = sorted(state for state, mode in pairs if (state, mode) in decided or (state, "") in decided)
            if late:
                raise mistake("the state {state!r} is already decided by a rule before", state=late[0])
            decided |= pairs
        return self

    @property
    def name(self) -> str:
        """The profile without its version."""
        return self.profile.partition("@")[0]

    def reads(self, state: str, mode: str | None = None) -> MachineState:
        """What the raw *state* means in the raw *mode* (None: not known); what no rule names is unknown."""
        fitting = (rule for rule in self.rules if state in rule.state and (not rule.mode or mode in rule.mode))
        return next((rule.means for rule in fitting), MachineState.UNKNOWN)

    @property
    def without_modes(self) -> dict[str, MachineState]:
        """Raw state to state where no mode is read: what a connector's ``state_mapping`` holds."""
        return {state: self.reads(state) for rule in self.rules for state in rule.state if not rule.mode}
