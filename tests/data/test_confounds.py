"""Confounds as switches: what is added, where, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from support.prepared import corpus

from amdd.corpora import Manifest
from amdd.data.spectrograms import mel_spectrogram
from amdd.data.variants.confounds import join, supplemented, with_leading_silence
from amdd.profiles import load_profile

SETTINGS = load_profile("smoke").preparation


def test_silence_comes_before_fakes_only_and_pushes_their_sound_back(tmp_path):
    plain = corpus(tmp_path, "a", 8, 0)
    silent = with_leading_silence(plain, 0.8)
    leads = set()
    for i in range(8):
        before, after = np.asarray(plain.mel(i)), np.asarray(silent.mel(i))
        assert after.shape == before.shape
        np.testing.assert_array_equal(plain.frames(i), silent.frames(i))
        if i % 2 == 0:
            np.testing.assert_array_equal(before, after)
            continue
        lead = int((after[0].max(0) > -1).argmax())
        seconds = lead * SETTINGS.hop_length / SETTINGS.sample_rate
        assert 0.2 < seconds <= 0.85
        np.testing.assert_array_equal(after[..., lead:], before[..., : before.shape[-1] - lead])
        np.testing.assert_array_equal(silent.mel(i), after)  # the same each time
        leads.add(lead)
    assert len(leads) > 1
    assert silent.record["fingerprint"] != plain.record["fingerprint"]
    for wrong in (0, -1, 99):
        with pytest.raises(ValueError, match="silence"):
            with_leading_silence(plain, wrong)


def test_it_is_what_silence_in_the_sound_would_give():
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, round(SETTINGS.seconds * SETTINGS.sample_rate)).astype(np.float32)
    columns = 8
    quiet = np.concatenate([np.zeros(columns * SETTINGS.hop_length, np.float32), sound])[: len(sound)]
    mel = np.asarray(mel_spectrogram(quiet, SETTINGS))
    assert (mel[..., : columns - 2] == -1).all()
    assert (mel[..., columns + 2 :].max(-2) > -1).all()


def test_a_supplement_adds_training_reals_and_leaves_the_rest(tmp_path):
    own, other = corpus(tmp_path, "a", 6, 0), corpus(tmp_path, "b", 4, 1)
    both = join(own, other)
    assert len(both.manifest) == 6 + 2
    assert both.manifest.split.tolist() == ["test"] * 6 + ["train"] * 2
    assert (both.manifest.label[6:] == 0).all()
    for i in range(6):
        np.testing.assert_array_equal(both.frames(i), own.frames(i))
    for i, j in ((6, 0), (7, 2)):
        np.testing.assert_array_equal(both.frames(i), other.frames(j))
        np.testing.assert_array_equal(both.mel(i), other.mel(j))
    assert both.record["fingerprint"] not in (own.record["fingerprint"], other.record["fingerprint"])
    with pytest.raises(ValueError, match="already"):
        supplemented(Manifest(own.manifest), Manifest(own.manifest))
    with pytest.raises(ValueError, match="no reals"):
        supplemented(Manifest(own.manifest), Manifest(other.manifest).where(lambda t: t.label == 1))
