"""The one type for a value with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from scipy import stats

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval and what both rest on.

    ``low`` and ``high`` bound the interval (95 % unless said otherwise; None or NaN where there is none), ``n`` counts
    the clips (or other units) it is over and ``people`` the identities among them; ``seed`` is the seed of the one
    training run it comes from, ``seeds`` the number of training runs it aggregates; ``unit`` is printed behind it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    seed: int | None = None
    seeds: int | None = None
    unit: str = ""
    people: int | None = None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Both ends of the interval."""
        return self.low, self.high

    @property
    def bounded(self) -> bool:
        """Whether both ends of the interval are finite."""
        return all(x is not None and math.isfinite(x) for x in (self.low, self.high))

    @property
    def finite(self) -> bool:
        """Whether the value itself is finite."""
        return math.isfinite(self.value)

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero; False without an interval."""
        if self.low is None or self.high is None or not self.bounded:
            return False
        return self.low > 0 or self.high < 0

    def with_seed(self, seed: int | None) -> Estimate:
        """Return the same estimate, marked as coming from the training run ``seed``."""
        return replace(self, seed=seed)

    def shifted(self, by: float) -> Estimate:
        """Return the estimate of the value plus ``by``, for a value judged against another than zero."""
        low, high = (None if end is None else end + by for end in self.interval)
        return replace(self, value=self.value + by, low=low, high=high)

    def at(self, confidence: float, of: float = 0.95) -> Estimate:
        """Return the estimate with the interval of another ``confidence``; ``of`` is that of its own.

        Both arms are scaled by Student's quantiles for one unit fewer than the people or seeds that it rests on (normal
        where neither is known). Exact for symmetric intervals.
        """
        units = [k for k in (self.people, self.seeds) if k is not None]
        degrees = min(units) - 1 if units else math.inf
        if not self.bounded or degrees < 1:
            return self
        assert self.low is not None and self.high is not None
        new, old = (float(stats.t.ppf((1 + c) / 2, degrees)) for c in (confidence, of))
        low, high = (self.value + (end - self.value) * new / old for end in (self.low, self.high))
        return replace(self, low=low, high=high)

    def record(self) -> dict[str, Any]:
        """Return the estimate as JSON-ready values; what is unknown is left out."""
        kept = {k: v.item() if hasattr(v, "item") else v for k, v in asdict(self).items()}
        return {
            k: round(v, 6) if isinstance(v, float) else v
            for k, v in kept.items()
            if v not in (None, "") and not (isinstance(v, float) and not math.isfinite(v))
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Estimate:
        """Return the estimate that :meth:`record` wrote; other keys of ``record`` are ignored.

        Raises ``ValueError`` where the record has no number under ``value``.
        """
        value = record.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"not the record of an estimate: value is {value!r}")
        return cls(**{k: record[k] for k in cls.__dataclass_fields__ if k in record})

    def __str__(self) -> str:
        """Return the form of papers: ``0.917 (95 % CI 0.841 to 0.970, n = 70)``."""
        notes = [f"95 % CI {self.low:.3f} to {self.high:.3f}"] if self.bounded else []
        notes += [f"n = {self.n}"] if self.n is not None else []
        notes += [f"{self.people} people"] if self.people is not None else []
        notes += [f"{self.seeds} seeds"] if self.seeds is not None else []
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.value:.3f}{unit}" + (f" ({', '.join(notes)})" if notes else "")
