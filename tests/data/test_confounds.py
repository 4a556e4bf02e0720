"""Confounds as switches: what is added, where, and that nothing else changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.prepared import corpus

from amdd.corpora import Manifest
from amdd.data.spectrograms import mel_spectrogram
from amdd.data.variants.confounds import (
    camera_arms,
    folds_of_people,
    join,
    of_strangers,
    supplemented,
    with_leading_silence,
)
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
    fewer = join(own, other, ("train",))
    assert fewer.manifest.split.tolist() == ["train"] * 2
    np.testing.assert_array_equal(fewer.frames(0), other.frames(0))
    marks = [store.record["fingerprint"] for store in (own, other, both, fewer)]
    assert len(set(marks)) == 4
    with pytest.raises(ValueError, match="already"):
        supplemented(Manifest(own.manifest), Manifest(own.manifest))
    with pytest.raises(ValueError, match="no reals"):
        supplemented(Manifest(own.manifest), Manifest(other.manifest).where(lambda t: t.label == 1))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 9)), min_size=1, max_size=30), st.integers(2, 3))
def test_no_fold_divides_people_who_are_swapped_with_each_other(clips, count):
    table = pd.DataFrame(
        {
            "clip_id": [f"clip {k}" for k in range(len(clips))],
            "identity": [f"p{a}" for a, _ in clips],
            "donor": [f"p{b}" if b >= 0 else "" for _, b in clips],
        }
    )
    fold = folds_of_people(table, count)
    if (fold < 0).any():
        assert (fold < 0).all()
        return
    assert set(fold) == set(range(count))
    seen: dict[str, set[int]] = {}
    for name in ("identity", "donor"):
        for person, k in zip(table[name], fold):
            seen.setdefault(person, set()).add(int(k))
    seen.pop("", None)
    assert all(len(folds) == 1 for folds in seen.values())


def cast(store, people, splits=None, donors=None):
    table = store.manifest.assign(identity=people)
    if splits:
        table = table.assign(split=splits)
    return dataclasses.replace(store, manifest=table.assign(donor=donors or ""))


def test_each_person_of_the_camera_is_tested_without_his_own_reals(tmp_path):
    own = cast(corpus(tmp_path, "a", 6, 0), list("uvwxyz"), ["train"] * 3 + ["val", "test", "test"])
    other = cast(corpus(tmp_path, "b", 8, 1), list("aabbccdd"), donors=["", "b", "", "a", "", "d", "", "c"])
    arms = camera_arms(own, other)
    assert list(arms) == ["plain", "supplemented", "fold 0", "fold 1"]
    assert arms["plain"] is own
    of = {name: store.manifest[store.manifest.split == "train"] for name, store in arms.items()}
    assert len(of["supplemented"]) == 3 + 4
    assert set(arms["supplemented"].manifest.split) == {"train", "val"}  # what training reads, and no more
    added = {k: set(of[k].identity) - set("uvwxyz") for k in ("fold 0", "fold 1")}
    assert sorted(map(sorted, added.values())) == [["a", "b"], ["c", "d"]]
    assert (of["fold 0"].label[of["fold 0"].corpus == other.manifest.corpus[0]] == 0).all()
    # Row numbers of one are those of the others: what is computed once serves all.
    assert len({len(arms[k].manifest) for k in ("supplemented", "fold 0", "fold 1")}) == 1

    table = other.manifest[["clip_id", "identity"]]
    told = {k: table.assign(said=k) for k in ("fold 0", "fold 1")}
    joined = of_strangers(told, other)
    assert joined.clip_id.tolist() == table.clip_id.tolist()
    for clip in joined.itertuples():
        assert clip.identity not in added[clip.said]


def test_a_corpus_of_one_group_of_people_has_no_strangers(tmp_path):
    own = cast(corpus(tmp_path, "a", 4, 0), list("uvwx"), ["train"] * 2 + ["val", "test"])
    other = cast(corpus(tmp_path, "b", 4, 1), list("aabb"), donors=["", "b", "", "a"])
    assert list(camera_arms(own, other)) == ["plain", "supplemented"]
    fakes = dataclasses.replace(other, manifest=other.manifest.assign(label=1))
    assert camera_arms(own, fakes) == {}


def test_a_supplement_that_was_prepared_with_the_rest_is_taken_apart(tmp_path):
    own = cast(corpus(tmp_path, "a", 6, 0), list("uvwxyz"), ["train"] * 3 + ["val", "test", "test"])
    other = cast(corpus(tmp_path, "b", 8, 1), list("aabbccdd"))
    both = join(own, other)
    arms = camera_arms(both, other)
    train = {k: s.manifest[s.manifest.split == "train"] for k, s in arms.items()}
    assert set(train["plain"].corpus) == set(own.manifest.corpus)
    assert arms["supplemented"] is both
    people = [set(train[k].identity) & set("abcd") for k in ("fold 0", "fold 1")]
    assert people[0] | people[1] == set("abcd") and not people[0] & people[1]
