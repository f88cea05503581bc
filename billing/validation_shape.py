"""``[validation]`` of billing.toml: limits that only the site knows, and which findings block."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from billing.blocking import Effect
from billing.feasible import Frozen, Limits
from billing.findings import Rule
from billing.toml_values import Name, Quantity, Table


class _Feasible(Table):
    kind: Name
    quantity: Quantity
    per_hour: Annotated[int, Field(ge=1)]


class _Frozen(Table):
    kind: Name
    quantities: Annotated[tuple[Quantity, ...], Field(min_length=1)] = ("produced",)
    run_min: Annotated[int, Field(ge=1)]


class ValidationTable(Table):
    estimated_hours: Annotated[int, Field(ge=0, le=744)] = 4
    rules: dict[Rule, Effect] = {}  # noqa: RUF012  pydantic copies it
    feasible: tuple[_Feasible, ...] = ()
    frozen: tuple[_Frozen, ...] = ()

    @model_validator(mode="after")
    def _says_everything_once(self) -> Self:
        named = [(one.kind, one.quantity) for one in self.feasible]
        if len(named) != len(set(named)):
            raise ValueError("keep one [[validation.feasible]] for each kind and quantity")
        if len(self.frozen) != len({one.kind for one in self.frozen}):
            raise ValueError("keep one [[validation.frozen]] for each kind")
        return self

    def limits(self) -> Limits:
        return Limits(
            feasible={(one.kind, one.quantity): one.per_hour for one in self.feasible},
            frozen={
                one.kind: Frozen(quantities=frozenset(one.quantities), after_ms=one.run_min * 60_000)
                for one in self.frozen
            },
            estimated_ms=self.estimated_hours * 3_600_000,
        )
