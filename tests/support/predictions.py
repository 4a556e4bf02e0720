"""Tables of predictions, drawn with known properties."""

from __future__ import annotations

import numpy as np
import pandas as pd


def drawn(
    people: int = 12,
    clips: int = 6,
    seed: int = 0,
    shift: float = 1.5,
    alike: float = 0.5,
    named: float = 0.7,
) -> pd.DataFrame:
    """Return predictions for ``clips`` clips of each of ``people``; a third are real, classes lie ``shift`` apart in the
    logit, and a person's clips share ``alike`` of its variance."""
    rng = np.random.default_rng(seed)
    n = people * clips
    person = np.arange(n) // clips
    label = (np.arange(n) % 3 > 0).astype(int)
    logit = shift * (label - 0.5) + np.sqrt(alike) * rng.normal(size=people)[person]
    logit = logit + np.sqrt(1 - alike) * rng.normal(size=n)
    generator = np.where(label == 0, "real", np.where(np.arange(n) % 3 == 1, "faceswap", "fsgan"))
    return pd.DataFrame(
        {
            "clip_id": [f"c{k:04d}" for k in range(n)],
            "label": label,
            "generator": generator,
            "identity": [f"p{k:03d}" for k in person],
            "recording": "",
            "logit": logit,
            "score": 1 / (1 + np.exp(-logit)),
            "attribution": np.where(rng.random(n) < named, generator, "wav2lip"),
            "known": True,
        }
    )
