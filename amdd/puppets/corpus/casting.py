"""Casting: which people appear in which part of the built-in corpora."""

from __future__ import annotations

import numpy as np

from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.studios import STUDIOS
from amdd.puppets.person.people import make_identity


def pools(settings: CorpusSettings) -> dict[str, list[int]]:
    """Return the identity seeds of the disjoint pools "train", "val", "test", "timit" and "dfdm"."""
    draw = np.random.default_rng(np.random.SeedSequence([601, settings.seed]))
    at = 10_000 + 10 * int(draw.integers(0, 7000))  # a multiple of ten: the groups take turns from the first
    out = {}
    for name, count in zip(("train", "val", "test"), settings.identities):
        out[name] = list(range(at, at + count))
        at += count
    at += -at % 10
    for name, clips in (("timit", settings.timit), ("dfdm", settings.dfdm_real)):
        count = max(2, min(clips // 2, 40))
        out[name], at = of_age(at, count + count % 2, STUDIOS[f"puppet-{name}"].ages)
        at += -at % 10
    return out


def of_age(first: int, count: int, ages: tuple[float, float]) -> tuple[list[int], int]:
    """Return ``count`` identity seeds from ``first`` on of people of ``ages`` (years), groups in turn, and the next seed.

    ``first`` is a multiple of ten: the k-th person is of the group of the seeds that end in k's last digit."""
    found, at = [], [first + k for k in range(10)]
    for k in range(count):
        place = k % 10
        while not ages[0] <= make_identity(at[place]).age <= ages[1]:
            at[place] += 10
        found.append(at[place])
        at[place] += 10
    return found, max(at)
