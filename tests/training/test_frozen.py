"""A visual backbone that is used in part: its frozen blocks, their maps that are computed once, cells of a map."""

import dataclasses

import numpy as np
import pytest
import torch

from amdd.analysis.predict import predict, predict_all
from amdd.base.machine import one_thread
from amdd.data.dataset import ClipDataset
from amdd.data.variants.confounds import join
from amdd.data.variants.corruptions import corrupted
from amdd.model import AMDD
from amdd.model.backbones import Trunk
from amdd.profiles import SettingsError, load_profile
from amdd.training import Training, frozen, train_all
from amdd.training.frozen import frozen_maps, maps_for, standardise
from amdd.training.inference import scores_of
from amdd.training.runs import load_run
from tests.support.prepared import split_corpus

SETTINGS = ["training.precision=fp32", "training.device=cpu", "training.epochs=2", "model.dropout=0"]
BLOCKS = ["model.visual_blocks=9", "model.visual_frozen=7", "model.visual_cells=2"]
BLOCKS += ["model.audio_backbone=mobilenet_v2", "model.audio_blocks=8", "model.audio_frozen=8"]
PROFILE = load_profile("smoke", [*SETTINGS, *BLOCKS])


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return split_corpus(tmp_path_factory.mktemp("frozen"))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return AMDD(PROFILE.model)


def test_the_maps_give_the_scores_that_the_crops_give(clips, model, tmp_path):
    rows = np.arange(2, 9)
    maps = frozen_maps(model, clips, rows, tmp_path)
    assert maps.visual.shape[:2] == (7, 2) and len(maps.audio) == 7
    long, short = (scores_of(model, clips, rows, PROFILE, "cpu", maps=m)["logit"] for m in (None, maps))
    assert np.abs(long - short).max() < 0.1 * np.abs(np.diff(long)).min()  # half precision, and in order


def test_the_second_map_is_that_of_the_mirror_image(clips, model, tmp_path):
    maps = frozen_maps(model, clips, [3], tmp_path)
    crops = ClipDataset(clips, [3], PROFILE.preparation)[0]["frames"]
    trunk = model.visual_encoder.trunk.eval()
    for k, pictures in enumerate((crops, crops.flip(-1))):
        assert np.allclose(maps.visual[0, k], trunk.body[:7](pictures), atol=2e-2)


def test_maps_depend_neither_on_the_number_of_threads_nor_on_who_asks_for_them(clips, model, tmp_path):
    found, before = [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            found.append(frozen_maps(model, clips, np.arange(12), tmp_path / str(threads)))
        finally:
            torch.set_num_threads(before)
    with one_thread(), torch.no_grad():
        trunk = model.audio_encoder.trunk.eval().to(memory_format=torch.channels_last)
        alone = trunk.of_frozen(torch.from_numpy(np.array(clips.mel(5), np.float32))[None])[0].half().numpy()
    assert np.array_equal(found[0].audio, found[1].audio) and np.array_equal(found[0].audio[5], alone)
    assert np.array_equal(found[0].visual, found[1].visual)
    of_settings = frozen_maps(PROFILE.model, clips, np.arange(12), tmp_path / "settings")
    assert np.array_equal(of_settings.audio, found[0].audio) and np.array_equal(
        of_settings.visual, found[0].visual
    )


def test_maps_of_joined_corpora_are_those_of_each_and_are_computed_once(clips, model, tmp_path, monkeypatch):
    other = split_corpus(tmp_path / "other")
    names = "other/" + other.manifest.clip_id
    other = dataclasses.replace(other, manifest=other.manifest.assign(clip_id=names, corpus="other"))
    both = join(clips, other, ("train", "val"))
    rows = np.flatnonzero((both.manifest.split == "train").to_numpy())
    own = np.flatnonzero((clips.manifest.split == "train").to_numpy())
    reals = np.flatnonzero((other.manifest.label == 0).to_numpy())
    first = frozen_maps(model, clips, own, tmp_path / "maps")
    computed = []
    monkeypatch.setattr(
        frozen, "_compute", lambda *a, real=frozen._compute: computed.append(len(a[2])) or real(*a)
    )
    found = frozen_maps(model, both, rows, tmp_path / "maps")
    assert computed == [len(reals)] * 2  # of either backbone
    second = frozen_maps(model, other, reals, tmp_path / "alone")
    for name in ("visual", "audio"):
        expected = np.concatenate([getattr(first, name), getattr(second, name)])
        np.testing.assert_array_equal(getattr(found, name), expected)
    some = frozen_maps(model, both, rows[-1:], tmp_path / "maps")
    np.testing.assert_array_equal(some.visual[0], second.visual[-1])
    plain = dataclasses.replace(PROFILE.model, visual_frozen=0, audio_frozen=0)
    assert frozen_maps(plain, both, rows, tmp_path / "maps") == frozen.FrozenMaps(None, None)


def test_augmentation_of_maps_is_the_flip_and_draws_are_repeated(clips, model, tmp_path):
    maps = frozen_maps(model, clips, np.arange(12), tmp_path)
    data = ClipDataset(clips, None, PROFILE.preparation, augment=True, maps=maps)
    seen = set()
    for k in range(12):
        first, again = data[k]["frames"], data[k]["frames"]
        assert torch.equal(first, again)
        seen.add([np.array_equal(first, maps.visual[k, m].astype(np.float32)) for m in (0, 1)].index(True))
    assert seen == {0, 1}


def test_maps_are_kept_for_the_same_clips_and_no_others(clips, model, tmp_path):
    frozen_maps(model, clips, [0, 1], tmp_path)
    then = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(then) == 2
    frozen_maps(PROFILE.model, clips, [0, 1], tmp_path)  # by the settings alone
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == then
    frozen_maps(model, clips, [1, 0], tmp_path)
    other = AMDD(dataclasses.replace(PROFILE.model, visual_frozen=6))
    frozen_maps(other, clips, [0, 1], tmp_path)
    kinds = [file.name.partition("-")[0] for file in tmp_path.iterdir()]
    assert kinds.count("visual") == 3 and kinds.count("audio") == 2  # the audio blocks are the same


def test_training_leaves_the_visual_frozen_and_moves_the_others(clips, tmp_path):
    jobs = [Training(PROFILE, clips, tmp_path / v, 0, v) for v in ("full", "without_fingerprint")]
    run = train_all(jobs, workers=2)[0]
    assert (
        len(list((tmp_path / "frozen").glob("visual*.npy"))) == 2
    )  # training and validation clips, once for both
    before, after = Trunk("mobilenet_v2").state_dict(), run.model.visual_encoder.trunk.state_dict()
    moved = {int(n.split(".")[1]) for n, v in after.items() if not torch.equal(v, before[n])}
    assert moved == {7, 8}
    heard = AMDD(dataclasses.replace(PROFILE.model)).audio_encoder.trunk.state_dict()
    assert all(torch.equal(v, heard[n]) for n, v in run.model.audio_encoder.trunk.state_dict().items())


def test_a_trunk_without_pretrained_weights_is_trained_whole(clips, tmp_path):
    s = dataclasses.replace(PROFILE.model, weights="random")
    model = AMDD(s)
    assert not frozen_maps(model, clips, [0], tmp_path)
    assert all(p.requires_grad for p in model.visual_encoder.trunk.parameters())


@pytest.mark.parametrize("blocks, frozen", [(20, 0), (0, 20), (5, 6)])
def test_more_blocks_than_there_are_is_refused(blocks, frozen):
    with pytest.raises(ValueError, match="mobilenet_v2 has 19 blocks"):
        Trunk("mobilenet_v2", "random", blocks=blocks, frozen=frozen)


def test_cells_keep_where_in_the_crop_a_trace_was():
    """A mean over the crop is the same wherever a bright square lies; cells tell the places apart."""
    frames = torch.zeros(2, 1, 3, 64, 64)
    frames[0, :, :, 8:24, 8:24] = 1
    frames[1, :, :, 40:56, 40:56] = 1
    mel = torch.zeros(2, 1, 32, 40)
    apart = {}
    for cells in (1, 2):
        torch.manual_seed(0)
        s = dataclasses.replace(PROFILE.model, visual_cells=cells, visual_blocks=2, visual_frozen=0)
        model = AMDD(s).eval()
        with torch.no_grad():
            one, other = model(frames, mel).visual_embedding
        apart[cells] = float((one - other).norm() / one.norm())
    assert apart[1] < 0.1 * apart[2]


def test_constant_features_are_standardised_over_the_training_frames(clips, tmp_path):
    s = dataclasses.replace(PROFILE.model, visual_blocks=7, visual_frozen=7)
    model = AMDD(s)
    maps = frozen_maps(s, clips, np.arange(8), tmp_path)
    standardise(model, maps)
    for encoder, some in ((model.visual_encoder, maps.visual), (model.audio_encoder, maps.audio)):
        every = torch.from_numpy(some.astype(np.float32).reshape(-1, *some.shape[-3:]))
        features = encoder.features(every)
        assert torch.allclose(features.mean(0), torch.zeros(features.shape[1]), atol=1e-3)
        spread = features.std(0, unbiased=False)
        assert torch.all(
            (spread - 1).abs().lt(1e-2) | spread.lt(1e-2)
        )  # or the feature is the same everywhere


def test_a_run_of_constant_features_is_loaded_with_its_statistics(clips, tmp_path):
    profile = dataclasses.replace(
        PROFILE, model=dataclasses.replace(PROFILE.model, visual_blocks=7, visual_frozen=7)
    )
    run = train_all([Training(profile, clips, tmp_path / "constant", 0)])[0]
    again = load_run(tmp_path / "constant")
    scale = again.model.visual_encoder.features.scale
    assert not torch.equal(scale, torch.ones_like(scale))
    one, other = (scores_of(r.model, clips, [8, 9], r.profile, "cpu")["logit"] for r in (run, again))
    assert np.array_equal(one, other)


def test_predictions_of_several_runs_share_the_maps_and_equal_those_without(clips, tmp_path):
    jobs = [Training(PROFILE, clips, tmp_path / v, 0, v) for v in ("full", "without_fingerprint")]
    runs = train_all(jobs, workers=1)
    before = set((tmp_path / "frozen").iterdir())
    tables = [predict(run, clips, [8, 9, 11]) for run in runs]
    (made,) = [f for f in set((tmp_path / "frozen").iterdir()) - before if f.name.startswith("visual")]
    assert np.load(made).shape[:2] == (3, 1)  # once, and without mirror images
    for run, table in zip(runs, tables):
        plain = scores_of(run.model, clips, [8, 9, 11], run.profile, "cpu")["logit"]
        assert np.allclose(table.logit, plain, atol=1e-3) and len(set(table.logit)) == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_views_side_by_side_get_the_predictions_that_each_gets_alone(clips, tmp_path, workers):
    run = train_all([Training(PROFILE, clips, tmp_path / "full", 0)])[0]
    views = [corrupted(clips, kind, 5) for kind in ("blur", "saturation", "noise")]
    found = predict_all(run, views, [8, 9, 11], workers)
    for view, table in zip(views, found):
        alone = predict(run, view, [8, 9, 11])
        assert list(table.clip_id) == list(alone.clip_id)
        assert np.allclose(table.logit, alone.logit, atol=1e-4)
    assert len({tuple(t.logit.round(4)) for t in found}) == 3


def test_a_run_that_was_trained_whole_takes_no_maps(clips, tmp_path):
    s = dataclasses.replace(PROFILE.model, weights="random")
    run = train_all([Training(dataclasses.replace(PROFILE, model=s), clips, tmp_path / "whole", 0)])[0]
    assert maps_for(run, clips, [0], tmp_path / "frozen") is None
    assert np.isfinite(predict(run, clips, [0]).logit).all()


def test_settings_that_freeze_more_than_is_used_are_refused_before_anything_runs():
    with pytest.raises(SettingsError, match="audio_frozen=9: expected at most audio_blocks=8"):
        load_profile("smoke", ["model.audio_blocks=8", "model.audio_frozen=9"])


def test_frozen_blocks_keep_their_statistics_in_the_first_step_of_a_new_network(clips):
    fresh = AMDD(PROFILE.model)
    trunk = fresh.visual_encoder.trunk
    assert fresh.training and trunk.frozen
    blocks = [[m.training for m in block.modules()] for block in trunk.body]
    assert not any(map(any, blocks[: trunk.frozen])) and all(map(all, blocks[trunk.frozen :]))


LEVELS = {"visual_blocks": 7, "visual_frozen": 7, "visual_levels": (2, 7), "visual_cells": 2}


def test_levels_are_means_and_deviations_of_the_maps_of_their_blocks():
    trunk = Trunk("mobilenet_v2", blocks=7, frozen=7, levels=(2, 7), cells=2).eval()
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    expected, maps = [], pictures
    for number, block in enumerate(trunk.body, 1):
        maps = block(maps)
        if number in (2, 7):
            half = maps.shape[-1] // 2
            quarters = [maps[..., a : a + half, b : b + half] for a in (0, half) for b in (0, half)]
            for value in (lambda q: q.mean((2, 3)), lambda q: q.var((2, 3), unbiased=False).sqrt()):
                expected.append(torch.stack([value(q) for q in quarters], -1).unflatten(-1, (2, 2)))
    assert trunk.width == sum(part.shape[1] for part in expected)
    assert torch.allclose(trunk(pictures), torch.cat(expected, 1), atol=1e-4)


def test_levels_computed_once_give_the_scores_of_the_crops(clips, tmp_path):
    model = AMDD(dataclasses.replace(PROFILE.model, **LEVELS)).eval()
    maps = frozen_maps(model, clips, np.arange(6), tmp_path)
    standardise(model, maps)
    long, short = (
        scores_of(model, clips, np.arange(6), PROFILE, "cpu", maps=m)["logit"] for m in (None, maps)
    )
    assert np.abs(long - short).max() < 0.1 * np.abs(np.diff(long)).min()
    frozen_maps(
        dataclasses.replace(PROFILE.model, **LEVELS | {"visual_cells": 3}), clips, np.arange(6), tmp_path
    )
    frozen_maps(
        dataclasses.replace(PROFILE.model, **LEVELS | {"visual_levels": ()}), clips, np.arange(6), tmp_path
    )
    assert len(list(tmp_path.glob("visual-*.npy"))) == 3  # other cells and other levels are other maps


@pytest.mark.parametrize(
    "change",
    [
        {"visual_levels": (4, 2, 7)},
        {"visual_levels": (2, 2, 7)},
        {"visual_levels": (2,)},
        {"visual_frozen": 0},
    ],
)
def test_levels_that_fit_no_frozen_backbone_are_refused_with_the_cure(change):
    with pytest.raises(ValueError, match=r"visual_levels=.*empty"):
        dataclasses.replace(PROFILE.model, **LEVELS | change)


def test_dropout_of_features_acts_in_training_alone(clips):
    pictures = torch.rand(1, 2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    torch.manual_seed(0)
    encoder = AMDD(dataclasses.replace(PROFILE.model, **LEVELS, feature_dropout=0.5)).visual_encoder
    first, second = (encoder.train()(pictures)[0] for _ in range(2))
    assert not torch.equal(first, second)
    first, second = (encoder.eval()(pictures)[0] for _ in range(2))
    assert torch.equal(first, second)
