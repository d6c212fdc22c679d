"""A figure as one JSON line: medians of several runs, and the ratio to the baseline of the same run."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Figure:
    """`higher` says whether more is better; `target` is what the ratio should reach (at most, when less is better)."""

    name: str
    unit: str
    baseline_is: str
    target: float | None = None
    higher: bool = True
    values: list[float] = field(default_factory=list)
    baselines: list[float] = field(default_factory=list)

    def add(self, value: float, baseline: float | None = None) -> None:
        """One run: ours, and the baseline measured right beside it."""
        self.values.append(value)
        if baseline is not None:
            self.baselines.append(baseline)
        print(f"  {self.name}: {value:,.1f} {self.unit}" + (f" (baseline {baseline:,.1f})" if baseline else ""), file=sys.stderr)

    def line(self) -> str:
        """The JSON line. The ratio is the median of the runs' own ratios, so that a slow minute hits both sides."""
        ratios = [value / base for value, base in zip(self.values, self.baselines, strict=False) if base]
        return json.dumps(
            {
                "name": self.name,
                "value": round(statistics.median(self.values), 2),
                "unit": self.unit,
                "baseline": round(statistics.median(self.baselines), 2) if self.baselines else None,
                "baseline_is": self.baseline_is,
                "ratio": round(statistics.median(ratios), 3) if ratios else None,
                "target": self.target,
                "runs": len(self.values),
            }
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
