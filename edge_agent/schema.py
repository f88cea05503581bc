"""JSON Schema of the files that the agent reads."""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from contract.json_schema import REFERENCES, array_of, document, merged
from edge_agent import config_shape, profile_shape, stop_codes


def schemas() -> dict[str, dict[str, Any]]:
    """By the name of the kind of file."""
    return {"site": _site(), "profile": _profile(), "stop-codes": _stop_codes()}


def _site() -> dict[str, Any]:
    shapes: dict[str, type[BaseModel]] = {
        "clock": config_shape.ClockShape,
        "poll": config_shape.PollShape,
        "broker": config_shape.BrokerShape,
        "outbox": config_shape.OutboxShape,
        "signing": config_shape.SigningShape,
        "http": config_shape.HttpShape,
        "gauges": config_shape.GaugesShape,
        "endpoint_defaults": config_shape.MannersShape,
    }
    lists: dict[str, type[BaseModel]] = {
        "endpoint": config_shape.EndpointShape,
        "machine": config_shape.MachineShape,
    }
    tables = {name: _of(shape) for name, shape in shapes.items()}
    tables |= {name: array_of(_of(shape)) for name, shape in lists.items()}
    assert set(tables) == config_shape.TABLES  # noqa: S101  a table that is new there is missing here
    top = merged(_of(config_shape.TopShape), tables)
    required = [*top["required"], "outbox"]
    return document("Gongfang: a site, as the edge agent reads it", {**top, "required": required})


def _profile() -> dict[str, Any]:
    lists: dict[str, type[BaseModel]] = {
        "register": profile_shape.RegisterShape,
        "range": profile_shape.RangeShape,
        "counter": profile_shape.CounterShape,
        "quantity": profile_shape.QuantityShape,
        "gauge": profile_shape.GaugeShape,
        "state": profile_shape.StateShape,
    }
    tables = {name: array_of(_of(shape)) for name, shape in lists.items()}
    tables |= {
        "roles": _of(profile_shape.RolesShape),
        "run_time": _of(profile_shape.TimeShape),
        "stop_time": _of(profile_shape.TimeShape),
        "bits": _adapted(profile_shape.BITS),
        "stop_codes": _adapted(profile_shape.STOP_CODES),
        "expect": _adapted(profile_shape.EXPECT),
    }
    assert set(tables) == profile_shape.TABLES  # noqa: S101  a table that is new there is missing here
    top = merged(_of(profile_shape.TopShape), tables)
    required = [*top["required"], "register", "state"]
    return document(
        "Gongfang: a profile, what a machine type's registers mean", {**top, "required": required}
    )


def _stop_codes() -> dict[str, Any]:
    top = merged(_of(stop_codes.TopShape), {"code": array_of(_of(stop_codes.CodeShape))})
    required = [*top["required"], "code"]
    return document("Gongfang: stop codes, and who answers for each", {**top, "required": required})


def _of(shape: type[BaseModel]) -> dict[str, Any]:
    return shape.model_json_schema(ref_template=REFERENCES)


def _adapted(values: TypeAdapter[Any]) -> dict[str, Any]:
    return values.json_schema(ref_template=REFERENCES)
