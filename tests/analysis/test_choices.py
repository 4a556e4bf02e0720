"""Open choices: each changes one thing, and joined mel bands are the mean of their power."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.prepared import corpus

from amdd.analysis.choices import DEFAULT, changes, chosen, coarser_mel, slug
from amdd.profiles import STUDIES, as_dict, load_profile

PROFILE = load_profile("smoke")


def flat(settings: dict, prefix: str = "") -> dict:
    out = {}
    for key, value in settings.items():
        out |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return out


def test_each_choice_changes_one_thing(tmp_path):
    prepared = corpus(tmp_path, "a", 4, 0)
    plain = flat(as_dict(PROFILE))
    assert set(STUDIES) == set(changes(PROFILE)) - {DEFAULT}
    for name in changes(PROFILE):
        settings, clips = chosen(PROFILE, prepared, name)
        changed = [k for k, v in flat(as_dict(settings)).items() if plain[k] != v]
        other = clips.record["fingerprint"] != prepared.record["fingerprint"]
        assert len(changed) + other == (name != DEFAULT), name
    with pytest.raises(ValueError, match="tokens"):
        chosen(PROFILE, prepared, "more cowbell")
    assert slug("learning rate x 3") == "learning-rate-x-3"


def test_joined_bands_are_the_mean_of_their_power(tmp_path):
    prepared = corpus(tmp_path, "a", 2, 0)
    half = coarser_mel(prepared, 2)
    top_db = prepared.settings.top_db
    whole, joined = np.asarray(prepared.mel(1), float)[0], np.asarray(half.mel(1), float)[0]
    assert joined.shape == (whole.shape[0] // 2, whole.shape[1])
    decibels = (whole - 1) * top_db / 2
    for band in range(len(joined)):
        power = (10 ** (decibels[2 * band] / 10) + 10 ** (decibels[2 * band + 1] / 10)) / 2
        np.testing.assert_allclose(joined[band], 1 + 20 * np.log10(power) / top_db, atol=2e-3)
    odd = dataclasses.replace(prepared, settings=dataclasses.replace(prepared.settings, n_mels=33))
    with pytest.raises(ValueError, match="33 mel bands"):
        coarser_mel(odd, 2)
