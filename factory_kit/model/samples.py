"""Recorded or computed samples of a connector: what the device said, and what must come out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, RootModel, model_validator

from factory_kit.model.definition import Definition, mistake

__all__ = ["ConnectorSample", "ConnectorSamples"]

Word = Annotated[int, Field(ge=0, le=0xFFFF)]
Raw = int | float | bool | str | None


class ConnectorSample(Definition):
    """One observation: registers from an address on (Modbus) or values by address (OPC UA), and the values of points."""

    origin: str = Field(min_length=1)
    """Where it comes from: a manual with page, a device with firmware and date, or ``simulated``."""
    words: dict[str, tuple[Word, ...]] = Field(default_factory=dict)
    values: dict[str, Raw] = Field(default_factory=dict)
    expect: dict[str, Raw] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_form(self) -> ConnectorSample:
        if bool(self.words) == bool(self.values):
            raise mistake("give either words (Modbus) or values (OPC UA)")
        return self


class ConnectorSamples(RootModel[tuple[ConnectorSample, ...]]):
    """The file ``samples.yaml`` of a connector."""
