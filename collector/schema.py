"""JSON Schema of the collector's configuration."""

from typing import Any

from collector.config import Settings
from contract.json_schema import REFERENCES, document


def schemas() -> dict[str, dict[str, Any]]:
    """By the name of the kind of file."""
    made = Settings.model_json_schema(ref_template=REFERENCES)
    return {"collector": document("Gongfang: the collector", made)}
