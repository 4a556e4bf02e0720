"""Attribution of forged audio: perfect where families differ, chance where only voices do; refusals; measured traces."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from amdd.analysis.audio_attribution import accuracy_by_family, attribute, spectrum_features, traces

FAMILIES = ("real", "one", "two", "three")


def clips(people: int = 24, groups: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Family, person and group of each of ``people`` by every family."""
    family = np.tile(FAMILIES, people)
    person = np.repeat([f"p{k}" for k in range(people)], len(FAMILIES))
    group = np.repeat([f"g{k % groups}" for k in range(people)], len(FAMILIES))
    return family, person, group


def test_families_that_differ_are_attributed_and_noise_is_at_chance():
    family, person, group = clips()
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(family), 12))
    shifted = noise.copy()
    shifted[:, :4] += 6 * (family[:, None] == np.array(FAMILIES))
    good = accuracy_by_family(attribute(shifted, family, person, group)).set_index("family")
    assert good.accuracy["all"] > 0.97 and good.n["all"] == 96 and good.people["all"] == 24
    assert (good.n.drop("all") == 24).all() and good.index.tolist() == [*FAMILIES, "all"]
    chance = accuracy_by_family(attribute(noise, family, person, group)).set_index("family").loc["all"]
    assert chance.low < 0.25 < chance.high and chance.high - chance.low < 0.35
    again = attribute(noise, family, person, group)
    pd.testing.assert_frame_equal(again, attribute(noise, family, person, group))


def test_a_voice_that_only_one_family_has_does_not_help_when_it_is_held_out():
    """Each group's clips of a family share a mark of their own, as a synthesiser's voice would be."""
    family, person, group = clips()
    rng = np.random.default_rng(1)
    marks = {pair: rng.normal(size=12) for pair in sorted(set(zip(family, group)))}
    features = np.stack([marks[pair] for pair in zip(family, group)]) + 0.05 * rng.normal(size=(96, 12))
    apart = accuracy_by_family(attribute(features, family, person, group)).accuracy.iloc[-1]
    mixed = accuracy_by_family(attribute(features, family, person, person)).accuracy.iloc[-1]
    assert mixed > 0.85 and apart < 0.6


def test_too_little_material_is_refused_with_its_numbers():
    family, person, group = clips(8)
    features = np.zeros((len(family), 3))
    with pytest.raises(ValueError, match="8 people in 4 groups: expected at least 12 in two"):
        attribute(features, family, person, group)
    family, person, group = clips(16)
    features = np.zeros((len(family), 3))
    with pytest.raises(ValueError, match="in 1 groups"):
        attribute(features, family, person, np.repeat("g", len(family)))
    with pytest.raises(ValueError, match="a person is in two groups"):
        attribute(features, family, person, family)
    rare = np.where((family == "two") & (group != "g1"), "one", family)
    with pytest.raises(ValueError, match="two: only in group 'g1'"):
        attribute(features, rare, person, group)


def test_features_see_level_and_modulation():
    rng = np.random.default_rng(2)
    mel = rng.normal(0, 0.1, (32, 200))
    slow = mel + np.sin(2 * np.pi * np.arange(200) / 100)
    plain, high, waving = (spectrum_features(m) for m in (mel, mel + np.eye(32)[:, [5]], slow))
    assert plain.shape == (3 * 32 + 40,) and np.isfinite(plain).all()
    assert (high - plain)[5] == pytest.approx(1, abs=0.05) and np.abs(
        np.delete(high - plain, 5)[:95]
    ).max() < 0.05
    modulation = (waving - plain)[96:].reshape(5, 8)
    assert modulation.mean(1).argmax() == 0 and modulation[0].min() > 2
    assert np.isfinite(spectrum_features(np.full((32, 40), -1.0))).all()


def test_traces_name_the_band_of_a_tone():
    t = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * 2500 * t) * (1 + 0.5 * np.sin(2 * np.pi * 3 * t))
    found = traces(tone)
    assert found["2-3 kHz (dB)"] == pytest.approx(0, abs=0.1) and found["6-7.2 kHz (dB)"] < -40
    jumps = tone * (np.floor(t * 20) % 2 + 0.001)
    assert traces(jumps)["change of level (dB)"] > found["change of level (dB)"] + 1
