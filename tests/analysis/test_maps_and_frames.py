"""Grad-CAM against captum's, frame scores against one forward pass a frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from captum.attr import LayerGradCam
from support.prepared import write_prepared

from amdd.analysis import gradcam as maps
from amdd.analysis.frame_scores import frame_scores
from amdd.analysis.gradcam import (
    agreement,
    central_blob,
    gradcam,
    mask_of,
    restored_logits,
    score_maps,
)
from amdd.data.dataset import ClipDataset, collate
from amdd.model import AMDD
from amdd.profiles import load_profile
from amdd.training.inference import scores_of
from amdd.training.runs import Run

SMALL = [
    "model.visual_backbone=resnet18",
    "model.weights=random",
    "model.dim=32",
    "model.heads=4",
    "model.hidden=16",
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Six clips of noise, one of them without audio, and an untrained network."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "clip_id": [f"c{k}" for k in range(6)],
            "generator": ["real", "faceswap", "wav2lip"] * 2,
            "label": [0, 1, 1] * 2,
            "identity": list("aabbcc"),
            "split": "test",
            "audio_present": [True] * 5 + [False],
        }
    )
    frames = rng.integers(0, 255, (6, 3, 64, 64, 3), np.uint8)
    mels = rng.uniform(-1, 1, (6, 1, 16, 40))
    folder = tmp_path_factory.mktemp("scene")
    clips = write_prepared(folder / "p", table, frames, mels)
    profile = load_profile("smoke", SMALL)
    torch.manual_seed(0)
    model = AMDD(profile.model).eval().requires_grad_(False)
    return clips, Run(folder, profile, "full", 0, model)


@pytest.mark.parametrize("towards", ["detection", "faceswap"])
def test_maps_are_those_of_captum(scene, towards):
    clips, run = scene
    batch = collate([ClipDataset(clips, [1], run.profile.preparation, run.profile.model.generators)[0]])
    model = run.model

    def output(frames):
        found = model(frames, batch["mel"], batch["audio_present"])
        if towards == "detection":
            return found.detection_logit
        return found.attribution_logits[:, run.profile.model.classes.index(towards)]

    frames = batch["frames"].clone().requires_grad_(True)
    oracle = LayerGradCam(output, model.visual_encoder.trunk)
    expected = oracle.attribute(frames, relu_attributions=True).detach()[:, 0].numpy()
    expected /= expected.max()
    np.testing.assert_allclose(gradcam(run, clips, 1, towards), expected, atol=1e-4)


def test_a_frame_score_is_that_of_the_clip_with_the_other_frames_masked(scene):
    clips, run = scene
    for row in (0, 5):  # with and without audio
        batch = collate([ClipDataset(clips, [row], run.profile.preparation, run.profile.model.generators)[0]])
        expected = []
        for k in range(3):
            present = torch.tensor([[j == k for j in range(3)]])
            with torch.no_grad():
                out = run.model(batch["frames"], batch["mel"], batch["audio_present"], present)
            expected.append(float(torch.sigmoid(out.detection_logit)))
        found = frame_scores(run, clips, row)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert len({round(x, 6) for x in found}) == 3


def test_predictions_do_not_depend_on_the_batches(scene):
    clips, run = scene
    alone = [scores_of(run.model, clips, [k], run.profile, run.device)["logit"][0] for k in range(6)]
    together = scores_of(run.model, clips, None, run.profile, run.device)
    np.testing.assert_allclose(together["logit"], alone, atol=1e-5)
    assert together["label"].tolist() == [0, 1, 1, 0, 1, 1]


def test_no_clips_have_no_scores_but_the_same_columns(scene):
    clips, run = scene
    some = scores_of(run.model, clips, [0, 1], run.profile, run.device, embeddings=True)
    none = scores_of(run.model, clips, [], run.profile, run.device, embeddings=True)
    assert set(none) == set(some)
    assert {key: value.shape[1:] for key, value in none.items()} == {k: v.shape[1:] for k, v in some.items()}
    assert all(len(value) == 0 for value in none.values())


def test_agreement_of_known_maps():
    mask = np.zeros((2, 8, 8), np.uint8)
    mask[:, 2:4, 2:4] = 1
    uniform = agreement(np.ones((2, 8, 8)), mask)
    assert uniform["energy"] == pytest.approx(uniform["area"]) == pytest.approx(4 / 64)
    inside = agreement(mask.astype(float), mask)
    assert inside["energy"] == inside["pointing"] == inside["iou"] == 1
    outside = agreement(1.0 - mask, mask)
    assert outside["energy"] == outside["pointing"] == 0


def test_clips_without_a_mask_are_not_scored(scene):
    clips, run = scene
    fakes = clips.manifest[clips.manifest.label == 1]
    assert mask_of(clips, fakes.iloc[0], {}) is None
    empty = score_maps(run, clips, fakes, {}, 10)
    assert list(empty.columns)[:6] == ["generator", "person", "energy", "pointing", "iou", "area"]
    assert not len(empty)


def test_maps_are_scored_beside_a_blob_and_the_maps_of_other_people(scene, monkeypatch):
    clips, run = scene
    mask = np.zeros((3, 64, 64), np.uint8)
    mask[:, 8:24, 8:24] = 1
    heats = {}

    def heat(run, clips, row):
        heats[row] = np.random.default_rng(row).random((3, 4, 4))
        return heats[row]

    monkeypatch.setattr(maps, "mask_of", lambda *_: mask)
    monkeypatch.setattr(maps, "gradcam", heat)
    fakes = clips.manifest[clips.manifest.label == 1]  # one or two of each of three people
    found = score_maps(run, clips, fakes, {}, 10)
    person = fakes.identity.to_list()
    for k, row in enumerate(found.itertuples()):
        others = [h for h, who in zip(heats.values(), person) if who != person[k]]
        assert row.others == pytest.approx(np.mean([agreement(h, mask)["energy"] for h in others]))
    middle = np.zeros((1, 64, 64), np.uint8)
    middle[:, 24:40, 24:40] = 1
    blob = agreement(central_blob(64)[None], middle)
    assert blob["energy"] > 2 * blob["area"] and blob["pointing"] == 1
    assert found.blob.nunique() == 1 and found.blob[0] < agreement(np.ones((3, 4, 4)), mask)["area"]


@pytest.mark.parametrize("shift", [0, 6])
def test_a_fake_with_its_forged_pixels_restored_scores_as_its_real(tmp_path, scene, monkeypatch, shift):
    """Real and fake differ inside a square alone; the fake's crops may lie elsewhere in the frame than the real's."""
    _, run = scene
    rng = np.random.default_rng(2)
    wide = np.repeat(np.repeat(rng.integers(0, 255, (3, 20, 20, 3), np.uint8), 4, 1), 4, 2)
    forged = wide.copy()
    forged[:, 24:40, 24:40] = 255 - forged[:, 24:40, 24:40]
    frames = np.stack([wide[:, :64, :64], forged[:, shift : 64 + shift, shift : 64 + shift]])
    table = pd.DataFrame({"clip_id": ["1_a", "1_b"], "generator": ["real", "faceswap"], "label": [0, 1]})
    table = table.assign(identity="a", split="test", audio_present=True)
    clips = write_prepared(tmp_path / "pair", table, frames, np.zeros((2, 1, 16, 40)))
    geometry = np.tile(np.eye(2, 3), (2, 3, 1, 1))
    geometry[1, :, :, 2] = -shift
    monkeypatch.setattr(type(clips), "geometry", lambda self, row: geometry[row])
    monkeypatch.setattr(type(clips), "frame_indices", lambda self, row: np.arange(3))
    mask = np.zeros((3, 64, 64), np.uint8)
    mask[:, 24 - shift : 40 - shift, 24 - shift : 40 - shift] = 1
    monkeypatch.setattr(maps, "mask_of", lambda *_: mask)
    row = restored_logits(run, clips, [(1, 0)], {}).iloc[0]
    gap = abs(row.fake - row.real)
    assert abs(row.outside - row.fake) < 0.02 * gap + 1e-4 or shift  # the border of a moved crop is made up
    if not shift:
        assert row.inside == pytest.approx(row.real, abs=0.01 * gap + 1e-5)
    else:
        whole = scores_of(run.model, clips, [1], run.profile, run.device)["logit"][0]
        assert row.fake == pytest.approx(whole, abs=1e-4)
        restored = frames[1].copy()
        restored[:, 22 - shift : 42 - shift, 22 - shift : 42 - shift] = wide[:, 22:42, 22:42]
        other = write_prepared(
            tmp_path / "restored", table, np.stack([frames[0], restored]), np.zeros((2, 1, 16, 40))
        )
        expected = scores_of(run.model, other, [1], run.profile, run.device)["logit"][0]
        assert row.inside == pytest.approx(expected, abs=1e-4)


def test_a_fake_whose_frames_are_other_moments_is_left_out(scene, monkeypatch):
    clips, run = scene
    monkeypatch.setattr(type(clips), "frame_indices", lambda self, row: np.arange(3) + row)
    monkeypatch.setattr(maps, "mask_of", lambda *_: np.ones((3, 64, 64), np.uint8))
    assert restored_logits(run, clips, [(1, 0)], {}).empty
