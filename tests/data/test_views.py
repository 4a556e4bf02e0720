"""Prepared corpora seen otherwise, and what happens to pictures on their way."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler

import cv2
import numpy as np
import pandas as pd
import pytest
from support.prepared import corpus

from amdd.data.prepare import ClipStore
from amdd.data.variants import (
    join,
    view,
    with_foreign_audio,
    with_shuffled_frames,
    with_silence,
    without_audio,
)
from amdd.data.variants.corruptions import LEVELS, corrupt, corrupted


def with_people(tmp_path, n: int = 12, name: str = "a"):
    plain = corpus(tmp_path, name, n, 0)
    plain.manifest["identity"] = [f"p{k // 3}" for k in range(n)]
    plain.manifest["audio_present"] = True
    return plain


def doubled(i: int, mel: np.ndarray) -> np.ndarray:
    return mel * 2 + i


def test_a_view_changes_what_it_says_and_nothing_else(tmp_path):
    plain = with_people(tmp_path)
    other = view(plain, "doubled", mel=doubled)
    twice = view(other, "again", mel=doubled)
    for i in range(len(plain)):
        np.testing.assert_array_equal(other.frames(i), plain.frames(i))
        np.testing.assert_array_equal(other.mel(i), plain.mel(i) * 2 + i)
        np.testing.assert_array_equal(twice.mel(i), other.mel(i) * 2 + i)
    marks = {p.record["fingerprint"] for p in (plain, other, twice)}
    assert len(marks) == 3
    assert len(ForkingPickler.dumps(twice)) > 0  # a loader's process can be given it
    with pytest.raises(ValueError, match=r"no array smell.*expected one of: frames, mel"):
        view(plain, "x", smell=doubled)
    with pytest.raises(ValueError, match="rows for 12 clips"):
        view(plain, "x", pd.DataFrame({"clip_id": [1]}))


def test_without_sound_marks_every_clip(tmp_path):
    plain = with_people(tmp_path)
    assert not without_audio(plain).manifest.audio_present.any()
    assert plain.manifest.audio_present.all()


def test_silence_is_heard_and_shuffled_frames_are_the_same_frames(tmp_path):
    plain = with_people(tmp_path)
    plain.manifest["audio_present"] = False
    quiet, mixed = with_silence(plain), with_shuffled_frames(plain, 3)
    assert quiet.manifest.audio_present.all()
    orders = set()
    for i in range(len(plain)):
        assert (np.asarray(quiet.mel(i)) == -1).all()
        assert quiet.mel(i).shape == plain.mel(i).shape
        before, after = np.asarray(plain.frames(i)), np.asarray(mixed.frames(i))
        order = [next(k for k in range(len(before)) if np.array_equal(before[k], f)) for f in after]
        assert sorted(order) == list(range(len(before)))
        np.testing.assert_array_equal(after, mixed.frames(i))
        orders.add(tuple(order))
    assert len(orders) > 1
    assert len(ForkingPickler.dumps(mixed)) > 0


def test_foreign_sound_is_somebody_elses(tmp_path):
    plain = with_people(tmp_path)
    rows = np.arange(3, 12)
    lent = with_foreign_audio(plain, rows, seed=4)
    people = plain.manifest.identity.to_numpy()
    for i in range(3):
        np.testing.assert_array_equal(lent.mel(i), plain.mel(i))
    for i in rows:
        owner = [j for j in range(12) if np.array_equal(plain.mel(j), lent.mel(int(i)))]
        assert len(owner) == 1
        assert people[owner[0]] != people[i]
        assert owner[0] in rows
        np.testing.assert_array_equal(lent.frames(int(i)), plain.frames(int(i)))
    with pytest.raises(ValueError, match="two people"):
        with_foreign_audio(plain, np.arange(3))


# --- corruptions -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A smooth picture that moves, with an edge and some texture."""
    rng = np.random.default_rng(0)
    base = cv2.GaussianBlur(rng.integers(0, 255, (80, 96, 3)).astype(np.float32), (0, 0), 2)
    base = (base - base.min()) / np.ptp(base) * 255
    base[20:60, 30:70, 0] = 220
    return np.stack([np.roll(base, k, 1) for k in range(4)]).astype(np.uint8)


@pytest.mark.parametrize("kind", LEVELS)
def test_harsher_levels_are_farther_from_the_picture_and_come_again(frames, kind):
    far = []
    for level in range(1, 6):
        out = corrupt(frames, kind, level, 7)
        assert out.shape == frames.shape
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(out, corrupt(frames, kind, level, 7))
        far.append(np.abs(out.astype(float) - frames).mean())
    assert far[0] > 0
    assert far == sorted(far)
    assert far[4] > 1.2 * far[0]


def test_the_ends_of_the_scale_are_what_their_names_say(frames):
    grey = corrupt(frames, "saturation", 5)
    assert (grey.max(-1) - grey.min(-1)).max() <= 1
    flat = corrupt(frames, "contrast", 5)
    np.testing.assert_allclose(flat, frames * 0.35, atol=0.51)
    noisy = corrupt(np.full((2, 64, 64, 3), 128, np.uint8), "noise", 3)
    assert abs(noisy.std() - 255 * np.sqrt(0.005)) < 1
    blurred = corrupt(frames, "blur", 1)
    np.testing.assert_allclose(blurred[0], cv2.GaussianBlur(frames[0], (7, 7), 0), atol=1)
    squares = corrupt(frames, "blocks", 1)
    changed = (squares != frames).any(-1).mean((1, 2))
    assert (changed <= 16 * 64 / (80 * 96)).all()
    assert (changed > 0.03).all()


def test_odd_sides_are_compressed_too(frames):
    odd = frames[:, :79, :95]
    assert corrupt(odd, "compression", 1).shape == odd.shape


def test_what_there_is_not_is_an_error_that_names_what_there_is(frames):
    with pytest.raises(ValueError, match="saturation, contrast"):
        corrupt(frames, "glitter", 1)
    with pytest.raises(ValueError, match="1 to 5"):
        corrupt(frames, "blur", 6)


def test_a_corrupted_corpus_keeps_its_sound_and_differs_clip_by_clip(tmp_path):
    plain = with_people(tmp_path, name="b")
    noisy = corrupted(plain, "noise", 5, seed=1)
    gaps = [noisy.frames(i).astype(int) - plain.frames(i) for i in range(3)]
    assert all(np.abs(g).mean() > 5 for g in gaps)
    assert not np.array_equal(gaps[0], gaps[1])
    np.testing.assert_array_equal(noisy.mel(0), plain.mel(0))
    np.testing.assert_array_equal(noisy.frames(2), corrupted(plain, "noise", 5, seed=1).frames(2))
    with pytest.raises(ValueError, match="no corruption"):
        corrupted(plain, "glitter", 1)


def test_variants_are_clip_stores(tmp_path):
    plain = with_people(tmp_path)
    other = with_people(tmp_path, name="b")
    stores = [plain, view(plain, "x"), without_audio(plain), corrupted(plain, "blur", 1), join(plain, other)]
    for store in stores:
        assert isinstance(store, ClipStore)
        assert len(store) == len(store.manifest) and store.settings == plain.settings
    assert len({store.record["fingerprint"] for store in stores}) == len(stores)
    assert not isinstance(plain.manifest, ClipStore)
