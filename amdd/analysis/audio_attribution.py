"""Attribution of forged audio to the family that made it, from audio alone.

A linear classifier on a few statistics of a spectrogram measures how well the families are separated. People, and the
voices of synthesisers, are held out together, so that no voice that is tested was in training.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.signal import stft
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from amdd import stats

GROUPS = 8  # of mel bands, for modulation spectra
MODULATIONS = 5  # octaves below the highest modulation frequency
LEAST_PEOPLE = 12
TRACES = {
    "2-3 kHz": (2000, 3000),
    "4-6 kHz": (4000, 6000),
    "6-7.2 kHz": (6000, 7200),
    "7.2-8 kHz": (7200, 8000),
}


def spectrum_features(mel: np.ndarray) -> np.ndarray:
    """Return features (3 M + 40,) of a log-mel spectrogram (M, F): for each band mean, deviation and the deviation of its
    change from window to window, and the log modulation spectra of eight groups of bands in five octaves."""
    x = np.asarray(mel, np.float64)
    loud = x[:, x.mean(0) >= np.percentile(x.mean(0), 30)]  # pauses hold the room, not the voice
    change = np.diff(x, axis=1).std(1)
    groups = np.stack([part.mean(0) for part in np.array_split(x, GROUPS)])
    power = (
        np.abs(np.fft.rfft((groups - groups.mean(1, keepdims=True)) * np.hanning(x.shape[1]), axis=1)) ** 2
    )
    top = power.shape[1]
    edges = [max(1, round(top / 2**k)) for k in range(MODULATIONS, -1, -1)]
    bands = [power[:, a : max(b, a + 1)].mean(1) for a, b in zip(edges, edges[1:])]
    return np.concatenate([loud.mean(1), loud.std(1), change, np.log(np.stack(bands) + 1e-9).ravel()])


def attribute(
    features: np.ndarray, families: np.ndarray, people: np.ndarray, held_out: np.ndarray, seed: int = 0
) -> pd.DataFrame:
    """Return one row per clip: ``generator`` (the true family), ``attribution``, ``known`` (True) and ``identity``.

    ``features`` (n, d); ``families``, ``people`` and ``held_out`` (n,) names. Each group of ``held_out`` is predicted by a
    logistic regression trained on the others' clips. Raises ``ValueError`` for fewer than 12 people or two groups, for a
    person in two groups, and for a family that one group alone has.
    """
    families, people, held_out = (np.asarray(x).astype(str) for x in (families, people, held_out))
    count, groups = len(set(people)), sorted(set(held_out))
    if count < LEAST_PEOPLE or len(groups) < 2:
        raise ValueError(f"{count} people in {len(groups)} groups: expected at least {LEAST_PEOPLE} in two")
    if len(set(zip(people, held_out))) > count:
        raise ValueError("a person is in two groups: people are held out with their group")
    found = np.empty(len(families), object)
    for group in groups:
        test = held_out == group
        absent = set(families) - set(families[~test])
        if absent:
            raise ValueError(
                f"{', '.join(sorted(absent))}: only in group {str(group)!r}, expected in two or more"
            )
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, random_state=seed))
        found[test] = model.fit(features[~test], families[~test]).predict(features[test])
    return pd.DataFrame({"generator": families, "attribution": found, "known": True, "identity": people})


def accuracy_by_family(predictions: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Return the share attributed correctly with its interval over people, by family and over all.

    ``predictions`` as :func:`attribute` returns them; columns ``family``, ``n``, ``people``, ``accuracy``, ``low``, ``high``.
    """
    hits = (predictions.generator == predictions.attribution).to_numpy(float)
    parts = {
        name: (predictions.generator == name).to_numpy() for name in dict.fromkeys(predictions.generator)
    }
    rows = []
    for name, chosen in (parts | {"all": np.ones(len(hits), bool)}).items():
        found = stats.share(hits[chosen], predictions.identity[chosen].to_numpy(), confidence)
        row = {"family": name, "n": found.n, "people": found.people}
        rows.append(row | {"accuracy": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(rows)


def traces(audio: np.ndarray, sample_rate: int = 16_000) -> dict[str, float]:
    """Return measured traces of ``audio`` (n,): the power of four bands in dB relative to all, the level's change that nine
    in ten steps of 8 ms stay below (dB), and the irregularity of the spectrum from 4 to 6 kHz."""
    frequency, _, spectrum = stft(audio, sample_rate, nperseg=512, noverlap=384)
    power = np.abs(spectrum) ** 2
    level = power.sum(0)
    loud = power[:, level > np.percentile(level, 40)] + 1e-14
    row = {
        f"{name} (dB)": float(10 * np.log10(loud[(frequency >= a) & (frequency < b)].sum() / loud.sum()))
        for name, (a, b) in TRACES.items()
    }
    change = np.abs(np.diff(10 * np.log10(level + 1e-9)))
    row["change of level (dB)"] = float(np.percentile(change, 90))
    fine = np.log(loud[(frequency >= 4000) & (frequency < 6000)])
    row["irregularity"] = float(np.diff(fine, axis=0).std(0).mean())
    return row
