"""The speakers of the bank, before they speak: blends of Kokoro's style vectors, pitch, formants, pace and brightness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEED = 2604
EACH = 22  # speakers of each register that are planned
SPEAKERS = 40  # speakers of the bank, the first of the plan
SENTENCES = 12  # of each speaker
PITCH = {"low": (93.0, 150.0), "high": (166.0, 262.0)}  # Hz, medians of the lowest and the highest speaker
FORMANTS = {"low": (0.94, 1.07), "high": (0.95, 1.08)}  # factors; above 1 is a shorter vocal tract


@dataclass(frozen=True)
class Speaker:
    """One speaker to be built.

    ``timbre`` and ``prosody``: weights of Kokoro's five voices (see :meth:`Kokoro.style`); ``pitch``: median in Hz;
    ``formants`` and ``speed``: factors; ``tilt``: coefficient in (-1, 1) of a first-order filter, above 0 brighter.
    """

    name: str
    register: str
    timbre: tuple[float, ...]
    prosody: tuple[float, ...]
    pitch: float
    formants: float
    speed: float
    tilt: float


def speakers(seed: int = SEED) -> list[Speaker]:
    """Return 40 speakers, low-pitched and high-pitched by turns; pitches are spaced evenly on a logarithmic scale.

    Kokoro's fifth voice is a man's, the others are women's. Low speakers have more than two thirds of the fifth.
    """
    rng = np.random.default_rng(np.random.SeedSequence([809, seed]))
    out = []
    pitches = {name: rng.permutation(np.geomspace(*ends, EACH)) for name, ends in PITCH.items()}
    for k in range(EACH):
        for register in ("low", "high"):
            least, most = FORMANTS[register]
            pitch = float(pitches[register][k])
            # A higher voice has on average a shorter vocal tract.
            place = np.log(pitch / PITCH[register][0]) / np.log(PITCH[register][1] / PITCH[register][0])
            place = np.clip(0.5 * place + 0.5 * rng.random(), 0, 1)
            out.append(
                Speaker(
                    f"{register}-{k + 1:02d}",
                    register,
                    _weights(rng, register),
                    _weights(rng, register),
                    round(pitch, 2),
                    round(float(least + (most - least) * place), 2),
                    round(float(rng.uniform(0.92, 1.1)), 3),
                    round(float(rng.uniform(-0.22, 0.3)), 3),
                )
            )
    return out[:SPEAKERS]


def _weights(rng: np.random.Generator, register: str) -> tuple[float, ...]:
    women = rng.dirichlet([0.7] * 4)
    man = rng.uniform(0.68, 1.08) if register == "low" else rng.uniform(-0.05, 0.15)
    if register == "high":  # away from the mean, so that blends do not resemble one another
        women = 1.25 * women - 0.25 / 4
    weights = np.array([*(1 - man) * women, man])
    return tuple(float(w) for w in np.round(weights / weights.sum(), 4))


def shares(texts: int, speakers: int, seed: int = SEED) -> list[list[int]]:
    """Return the numbers of the sentences of each speaker, 12 out of ``texts``.

    Shuffled lists of all sentences are dealt one after another, so that each sentence is spoken about equally often
    and by different speakers. Raises ``ValueError`` for fewer than 12 sentences.
    """
    if texts < SENTENCES:
        raise ValueError(f"{texts} sentences, expected at least {SENTENCES}")
    rng = np.random.default_rng(np.random.SeedSequence([811, seed]))
    pile: list[int] = []
    out = []
    for _ in range(speakers):
        own: list[int] = []
        while len(own) < SENTENCES:
            if not (fresh := [t for t in pile if t not in own]):
                pile += [int(t) for t in rng.permutation(texts)]
                continue
            own.append(fresh[0])
            pile.remove(fresh[0])
        out.append(own)
    return out
