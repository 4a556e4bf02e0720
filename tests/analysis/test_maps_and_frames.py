"""Grad-CAM against captum's, frame scores against one forward pass a frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from captum.attr import LayerGradCam
from support.prepared import write_prepared

from amdd.analysis.frame_scores import frame_scores
from amdd.analysis.gradcam import agreement, gradcam, mask_of, score_maps
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
    assert list(empty.columns) == ["generator", "person", "energy", "pointing", "iou", "area"]
    assert not len(empty)
