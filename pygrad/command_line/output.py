"""What commands print: a JSON object on stdout, and on stderr which files were written."""

from __future__ import annotations

import json
import math
import sys
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Named(Protocol):
    """A NamedTuple, which is an object in JSON."""

    def _asdict(self) -> dict[str, Any]: ...


def print_json(facts: dict[str, Any]) -> None:
    print(json.dumps(_in_json(facts), indent=2, allow_nan=False))


def _in_json(item: Any) -> Any:
    if isinstance(item, float):
        return float(item) if math.isfinite(item) else str(float(item))
    if isinstance(item, dict):
        return {str(key): _in_json(part) for key, part in item.items()}
    if isinstance(item, Named):
        return _in_json(item._asdict())
    return [_in_json(part) for part in item] if isinstance(item, (list, tuple)) else item


def print_written(path: str) -> None:
    print(f"written: {path}", file=sys.stderr)
