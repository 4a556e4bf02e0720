"""From a logit to a probability: one temperature and the limits of abstention, fitted on validation clips only."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from amdd.base.paths import write_text

RESAMPLES = 500
ERROR = 0.05  # share of wrong answers that is tolerated
CONFIDENCE = 0.95  # of the upper bound of that share
USUAL = 0.95  # a clip more unusual than this share of the validation clips gets no answer
GRID = np.round(np.arange(0.5, 0.991, 0.01), 2)
TEMPERATURES = np.exp(np.linspace(math.log(0.05), math.log(50), 400))


@dataclass(frozen=True)
class Calibration:
    """Numbers that turn logits into answers, with those that say how far to trust them.

    ``temperature`` divides the logit; ``low`` and ``high`` bound it (95 %, bootstrap over people). ``prevalence`` is the
    share of forgeries among the validation ``clips`` of ``people``. An answer is given from the probability
    ``answer_from`` on, for real and forged alike; ``name_from`` is the probability from which a generator is named.
    ``auc`` with its interval over people, and ``chance``, the probability of as many people with correctly ranked clips if
    the network separated nothing (:func:`chance_of`); ``answered`` and ``wrong`` count validation clips; ``error_before`` and
    ``error_after`` are the expected calibration errors; ``elsewhere`` holds the same on corpora that no part was fitted
    on, by name.
    """

    temperature: float
    low: float
    high: float
    prevalence: float
    clips: int
    people: int
    answer_from: float
    name_from: float
    auc: float
    auc_low: float
    auc_high: float
    chance: float
    answered: int
    wrong: int
    error_before: float
    error_after: float
    usual: float = USUAL
    elsewhere: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def separates(self) -> bool:
        """Whether the network separates real from forged validation clips beyond chance."""
        return self.chance < 0.05

    @property
    def bound(self) -> float:
        """Upper bound of the share of wrong answers at the limit, by the validation clips (:func:`error_bound`)."""
        return error_bound(self.wrong, self.answered)

    def probability(self, logit: float, prevalence: float | None = None) -> float:
        """Return the probability of forged, at another ``prevalence`` of forgeries if one is given."""
        return self._at(logit, self.temperature, prevalence)

    def interval(self, logit: float, prevalence: float | None = None) -> tuple[float, float]:
        """Return the ends between which the probability lies for temperatures between ``low`` and ``high``."""
        ends = sorted(self._at(logit, t, prevalence) for t in (self.low, self.high))
        return ends[0], ends[1]

    def _at(self, logit: float, temperature: float, prevalence: float | None) -> float:
        shift = 0.0 if prevalence is None else _log_odds(prevalence) - _log_odds(self.prevalence)
        return float(sigmoid(np.array(logit / temperature + shift)))


def _log_odds(share: float) -> float:
    share = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(np.asarray(x, float) / 2))


def fit_temperature(label: np.ndarray, logit: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the temperature of least log loss (Guo et al. 2017) on a grid from 0.05 to 50.

    Targets are smoothed by one clip of each kind (Platt 1999), without which perfectly separated clips would give
    certainty. ``weight`` (n,) counts clips, as a bootstrap does.
    """
    weight = np.ones(len(label)) if weight is None else np.asarray(weight, float)
    return float(_temperatures(label, logit, weight[:, None])[0])


def _temperatures(label: np.ndarray, logit: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the temperature (m,) of least loss for each column of ``weights`` (n, m)."""
    fake, z = np.asarray(label) == 1, np.asarray(logit, float)[None] / TEMPERATURES[:, None]
    fakes, reals = weights[fake].sum(0), weights[~fake].sum(0)
    loss = np.logaddexp(0, z) @ weights
    loss -= (z[:, fake] @ weights[fake]) * (fakes + 1) / (fakes + 2)
    loss -= (z[:, ~fake] @ weights[~fake]) / (reals + 2)
    return TEMPERATURES[loss.argmin(0)]


def temperature_interval(
    label: np.ndarray, logit: np.ndarray, people: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the temperature over resamples of ``people`` (n,)."""
    names, member = np.unique(np.asarray(people).astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(names), (RESAMPLES, len(names)))
    times = np.stack([np.bincount(row, minlength=len(names)) for row in drawn])
    found = _temperatures(label, logit, times[:, member].T.astype(float))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def chance_of(label: np.ndarray, logit: np.ndarray, people: np.ndarray) -> float:
    """Return the one-sided p-value of a sign test over people: by chance, one half have their forged clips above their real
    ones (an AUC above one half).

    The interval of an AUC over a handful of people contains one half even where all clips are ranked correctly.
    """
    from scipy.stats import binomtest

    from amdd.stats import auc

    people, label = np.asarray(people).astype(str), np.asarray(label, int)
    each = [auc(label[people == p], logit[people == p]) for p in np.unique(people)]
    known = [x for x in each if np.isfinite(x) and x != 0.5]
    if not known:
        return 1.0
    return float(binomtest(sum(x > 0.5 for x in known), len(known), 0.5, "greater").pvalue)


def error_bound(wrong: int, answered: int) -> float:
    """Return the upper end of a one-sided interval (Clopper and Pearson 1934) of the share of wrong answers."""
    from scipy.stats import binomtest

    if not answered:
        return 1.0
    return float(binomtest(wrong, answered, alternative="less").proportion_ci(CONFIDENCE, "exact").high)


def answer_limit(label: np.ndarray, probability: np.ndarray) -> tuple[float, int, int]:
    """Return the lowest probability from which answers are given, and the counts of answered and wrong clips there.

    At it the bound of :func:`error_bound` on these clips is at most :data:`ERROR` (selective classification, Geifman and
    El-Yaniv 2017; without their correction for choosing among limits). Where no limit reaches that, since the clips are too
    few or the network is too weak, it is the one with the least bound; the highest where all answers are wrong.
    """
    label, sure = np.asarray(label) == 1, np.maximum(probability, 1 - probability)
    wrong = (probability >= 0.5) != label
    found = []
    for limit in GRID:
        given = sure >= limit
        answered, errors = int(given.sum()), int(wrong[given].sum())
        found.append((error_bound(errors, answered), float(limit), answered, errors))
        if found[-1][0] <= ERROR:
            break
    best = min(found)
    return found[-1][1:] if found[-1][0] <= ERROR or best[0] == 1 else best[1:]


def name_limit(generator: np.ndarray, shares: np.ndarray, classes: tuple[str, ...]) -> float:
    """Return the class probability from which a generator is named: the 5th percentile over validation fakes that are named
    correctly, from one half to 0.95."""
    named = np.array(classes)[shares.argmax(1)]
    good = shares.max(1)[(named == generator) & (generator != "real")]
    return float(np.clip(np.quantile(good, 0.05), 0.5, 0.95)) if len(good) else 1.0


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def fit(
    table: pd.DataFrame, found: dict[str, np.ndarray], classes: tuple[str, ...], seed: int = 0
) -> Calibration:
    """Return the calibration on validation clips: rows of the manifest ``table`` (``label``, ``generator``, ``identity``,
    ``clip_id``) and the network's ``logit`` and ``attribution`` logits for them.

    Raises ``ValueError`` unless both reals and fakes are among them.
    """
    from amdd.stats import calibration_error, clusters_of, people_of
    from amdd.stats.measures import columns_of, interval_of

    label, logit = table["label"].to_numpy(int), found["logit"].astype(float)
    if len(set(label.tolist())) < 2:
        raise ValueError("calibration needs validation clips of both kinds, real and forged")
    people = people_of(table)
    temperature = fit_temperature(label, logit)
    low, high = temperature_interval(label, logit, people, seed)
    probability = sigmoid(logit / temperature)
    limit, answered, wrong = answer_limit(label, probability)
    scored = table.assign(score=sigmoid(logit), attribution="", known=False)
    auc = interval_of(columns_of(scored), "auc", people)
    return Calibration(
        temperature=temperature,
        low=min(low, temperature),
        high=max(high, temperature),
        prevalence=float(label.mean()),
        clips=len(label),
        people=len(clusters_of(people)),
        answer_from=limit,
        name_from=name_limit(table["generator"].to_numpy(str), softmax(found["attribution"]), classes),
        auc=auc.value,
        auc_low=_number(auc.low, 0.0),
        auc_high=_number(auc.high, 1.0),
        chance=chance_of(label, logit, people),
        answered=answered,
        wrong=wrong,
        error_before=calibration_error(label, sigmoid(logit)),
        error_after=calibration_error(label, probability),
    )


def elsewhere(label: np.ndarray, logit: np.ndarray, fitted: Calibration) -> dict[str, float]:
    """Return the calibration errors, raw and with the frozen temperature, on clips of another corpus; with the numbers of
    clips ``answered`` at the limit and ``wrong`` among them, and of clips below it that would be wrong, ``withheld_wrong``."""
    from amdd.stats import calibration_error

    label, logit = np.asarray(label, int), np.asarray(logit, float)
    probability = sigmoid(logit / fitted.temperature)
    given = np.maximum(probability, 1 - probability) >= fitted.answer_from
    wrong = (probability >= 0.5) != (label == 1)
    return {
        "clips": len(label),
        "error_before": calibration_error(label, sigmoid(logit)),
        "error_after": calibration_error(label, probability),
        "answered": int(given.sum()),
        "wrong": int((wrong & given).sum()),
        "withheld_wrong": int((wrong & ~given).sum()),
        "own_temperature": fit_temperature(label, logit),
    }


def _number(value: float | None, otherwise: float) -> float:
    return otherwise if value is None or not math.isfinite(value) else float(value)


def save_calibration(found: Calibration, path: Path) -> None:
    """Write it as JSON."""
    write_text(path, json.dumps(asdict(found), indent=1) + "\n")


def load_calibration(path: Path) -> Calibration:
    """Return what :func:`save_calibration` wrote. Raises ``ValueError`` for a file of another form."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(**record)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path.name}: not a calibration of this version ({error}); pack the run again"
        ) from None
