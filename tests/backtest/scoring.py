"""What the scorer beside the project says of leads, held against the targets."""

import importlib.util
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests.backtest.calibration import Bin, expected_error, reliability
from tests.backtest.packs import SHARED

_TARGETS = Path(__file__).with_name("targets.toml")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One figure of one kind, and what it is held against."""

    kind: str
    figure: str
    reference: float
    must: float
    aim: float
    at_most: bool = False

    def verdict(self, value: float) -> str:
        """aim, must, missed, or none where there is nothing to say."""
        if np.isnan(value):
            return "none"
        sign = -1 if self.at_most else 1
        if sign * value >= sign * self.aim:
            return "aim"
        return "must" if sign * value >= sign * self.must else "missed"


def targets() -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The targets, and the controls that must draw no lead."""
    table = tomllib.loads(_TARGETS.read_text(encoding="utf-8"))
    return tuple(Target(**row) for row in table["target"]), tuple(table["controls"]["never"])


def scorer() -> ModuleType:
    """The scorer beside the project."""
    name = "backtest_scorer"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, SHARED / "backtest" / "score.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        spec.loader.exec_module(module)
        sys.dont_write_bytecode = wrote
    return sys.modules[name]


def calibrations(packs: Sequence[Path], leads: Sequence[Path]) -> dict[str, tuple[list[Bin], float]]:
    """Reliability of the scores of inspection kinds, by kind and of all; right is who finds any violation."""
    judge = scorer()
    parts = [judge.load_pack(pack, f"{number}:") for number, pack in enumerate(packs)]
    found: dict[str, list[tuple[float, bool]]] = {}
    for number, (part, file) in enumerate(zip(parts, leads, strict=True)):
        frame = judge.open_leads(judge.load_leads(file, f"{number}:"))
        for row in judge.judge(frame, part.truth).itertuples():
            if row.kind in judge.INSPECTION and row.verdict != "ignore":
                right = row.verdict in ("hit", "repeat")
                found.setdefault(row.kind, []).append((row.score, right))
                found.setdefault("all, that kind", []).append((row.score, right))
                found.setdefault("all, any violation", []).append((row.score, right or bool(row.any_hit)))
    result: dict[str, tuple[list[Bin], float]] = {}
    for kind, pairs in sorted(found.items()):
        score, right = (np.array(column) for column in zip(*pairs, strict=True))
        bins = reliability(score.astype(float), right.astype(bool))
        result[kind] = bins, expected_error(bins)
    return result


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The targets with what was reached, its interval and the verdict, kind by kind."""
    wanted, never = targets()
    yield f"{'kind':20} {'figure':27} {'reached':>8} {'95 %':>13} {'ref':>6} {'must':>6} {'aim':>6}"
    for one in wanted:
        value = _figure(result, one)
        low_high = result.get("intervals", {}).get(one.kind, {}).get(one.figure)
        interval = "" if low_high is None else f"{low_high[0]:.2f} to {low_high[1]:.2f}"
        yield (
            f"{one.kind:20} {one.figure:27} {value:8.2f} {interval:>13} {one.reference:6.2f} {one.must:6.2f}"
            f" {one.aim:6.2f}  {one.verdict(value)}"
        )
    for name in never:
        entry = result["controls"].get(name, {"flagged": 0, "units": 0, "as": {}})
        what = ", ".join(f"{kind} {count}" for kind, count in entry["as"].items())
        yield f"{'control':20} {name:27} {entry['flagged']:4d} of {entry['units']:<4d} {what}"


def _figure(result: Mapping[str, Any], target: Target) -> float:
    figures = (
        result["pooled"] if target.kind.startswith("inspection") else result["kinds"].get(target.kind, {})
    )
    return float(figures.get(target.figure, float("nan")))
