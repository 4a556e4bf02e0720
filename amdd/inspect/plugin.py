"""Any other detector through the same decoding, tracking, abstention and report.

The detector is a function ``predict(frames, audio) -> score``: ``frames`` uint8 (T, S, S, 3) are the face crops of a window,
RGB; ``audio`` is its waveform float32 (n,), mono, or None; the score is the probability of forged, from 0 to 1.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import os
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from amdd.base.hashing import hash_path
from amdd.inspect.calibration import Calibration
from amdd.inspect.clip import WindowStore
from amdd.inspect.weights import Scorer
from amdd.profiles import PROFILES, Profile

ANSWER_FROM = 0.8  # no validation clips are at hand to fit it on
NOTHING_KNOWN = Calibration(
    *(1.0, 1.0, 1.0, 0.5),
    clips=0,
    people=0,
    answer_from=ANSWER_FROM,
    name_from=2.0,
    auc=math.nan,
    auc_low=math.nan,
    auc_high=math.nan,
    chance=0.0,
    answered=0,
    wrong=0,
    error_before=math.nan,
    error_after=math.nan,
)


@dataclasses.dataclass(frozen=True)
class _Plugin:
    """Stand in for a run where a plugged-in detector has none."""

    name: str
    profile: Profile


class _Unknown:
    """Unusualness that cannot be told without training clips."""

    clips = 0

    def scores(self, found: dict[str, np.ndarray], audio: np.ndarray) -> np.ndarray:
        return np.full(len(audio), math.nan)

    def surprise(self, scores: np.ndarray, audio: np.ndarray) -> np.ndarray:
        return np.full(len(audio), math.nan)


@lru_cache(maxsize=4)
def load_detector(name: str) -> Callable[..., float]:
    """Return the function ``module:function``; modules are also sought in the current folder.

    Raises ``ValueError`` with what is expected.
    """
    module, sign, function = name.partition(":")
    if not (module and sign and function):
        raise ValueError(f"detector {name!r}: expected module:function, such as my_detector:predict")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"detector {name!r}: {error}; run the command in the folder of {module.split('.')[0]}.py, or install it"
        ) from None
    if not callable(found):
        raise ValueError(f"detector {name!r}: expected a function predict(frames, audio) -> score")
    return found


def plugged(name: str, profile: Profile = PROFILES["demo"]) -> tuple[Scorer, Callable[[WindowStore], dict]]:
    """Return a scorer without network for the detector ``name``, and the function that answers windows."""
    predict = load_detector(name)
    source = getattr(sys.modules[predict.__module__], "__file__", None)
    digest = hash_path(Path(source)) if source else ""
    bare = dataclasses.replace(profile, model=dataclasses.replace(profile.model, generators=("forged",)))
    scorer: Any = Scorer(_Plugin(name, bare), NOTHING_KNOWN, _Unknown(), digest)  # type: ignore[arg-type]
    return scorer, partial(_features, name, predict)


def _features(name: str, predict: Callable[..., float], store: WindowStore) -> dict[str, np.ndarray]:
    """Return the scores of windows as logits."""
    scores = []
    for piece, track in store.pairs:
        try:
            score = float(predict(track.crops, piece.audio))
        except Exception as error:
            raise ValueError(
                f"detector {name}: {type(error).__name__}: {error} (at {piece.start:.1f} s)"
            ) from error
        if not 0 <= score <= 1:
            raise ValueError(f"detector {name}: score {score}; expected a probability from 0 to 1")
        scores.append(min(max(score, 1e-6), 1 - 1e-6))
    logit = np.log(scores) - np.log1p(-np.array(scores))
    return {"logit": logit, "attribution": np.stack([np.zeros(len(logit)), logit], 1)}
