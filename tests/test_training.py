"""Training: it learns, ends the same however often it is killed, and says what does not fit."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from amdd.evaluation import embed, predict
from amdd.prepare import open_prepared
from amdd.profiles import PreparationSettings, Profile, load_profile
from amdd.runs import CheckpointError, load_run
from amdd.training import TERMS, VARIANTS, train, variant_profile

SMALL = [
    "model.visual_backbone=resnet18",
    "model.weights=random",
    "model.dim=32",
    "model.heads=4",
    "model.hidden=16",
    "training.epochs=3",
    "training.precision=fp32",
    "preparation.frames=2",
    "preparation.size=32",
    "preparation.n_mels=16",
]


def profile(*more: str) -> Profile:
    return load_profile("smoke", [*SMALL, *more])


def make_prepared(out: Path, seed: int = 0, clips: int = 36) -> Path:
    """Clips whose generator shows: each leaves a pattern of its own in the crops."""
    (out / "shards").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    names = ["real", "faceswap", "wav2lip", "fsgan"]
    generator = [names[k % 4] for k in range(clips)]
    split = [
        "train" if k < clips * 2 // 3 else ("val" if k < clips * 5 // 6 else "test") for k in range(clips)
    ]
    table = pd.DataFrame({"clip_id": [f"c{k}" for k in range(clips)], "generator": generator, "split": split})
    table["label"] = (table.generator != "real").astype(int)
    table["identity"] = [f"p{k % 7}" for k in range(clips)]
    table["donor"] = table["quality"] = table["group"] = table["category"] = ""
    table["audio_present"] = np.arange(clips) % 9 != 0
    table["shard"], table["row"] = 0, np.arange(clips)
    frames = rng.integers(90, 160, (clips, 2, 32, 32, 3), np.uint8)
    for k, name in enumerate(generator):
        if name != "real":
            frames[k, :, :: 2 + names.index(name), :, names.index(name) - 1] = 250
    np.save(out / "shards" / "00000.frames.npy", frames)
    np.save(out / "shards" / "00000.mel.npy", rng.uniform(-1, 1, (clips, 1, 16, 40)).astype("f2"))
    table.to_parquet(out / "manifest.parquet")
    (out / "failures.csv").write_text("clip,clip_id,corpus,video,stage,reason,thumbnail\n")
    (out / "prepared.json").write_text(json.dumps({"settings": asdict(PreparationSettings())}))
    return out


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return open_prepared(make_prepared(tmp_path_factory.mktemp("training") / "p"))


@pytest.fixture(scope="module")
def finished(prepared, tmp_path_factory):
    return train(profile(), prepared, tmp_path_factory.mktemp("runs") / "full-seed0", 0, progress=False)


def test_a_finished_run_has_its_record_and_history(finished, prepared):
    history = finished.history
    assert len(history) == 3
    assert {*TERMS, "validation_auc", "validation_balanced_accuracy", "learning_rate"} <= {*history}
    record = finished.record
    assert record["clips"] == {"train": 24, "val": 6}
    assert record["best_epoch"] in (1, 2, 3)
    assert record["steps"] == 3 * 6
    assert "random" in record["weights"]["visual"]
    assert {"commit", "library", "python", "threads", "packages"} <= record.keys()
    best = history.validation_auc.max()
    assert history.validation_auc[record["best_epoch"] - 1] == best
    assert not (finished.folder / "state").exists()


def test_a_finished_run_is_not_trained_again(finished, prepared, monkeypatch):
    import amdd.training

    monkeypatch.setattr(amdd.training, "_loop", lambda *a: pytest.fail("trained again"))
    again = train(profile(), prepared, finished.folder, 0, progress=False)
    assert again.record == finished.record
    # What is only evaluated later does not make it another run.
    train(profile("evaluation.bootstrap=7"), prepared, finished.folder, 0, progress=False)


def test_it_learns_what_can_be_seen(prepared, tmp_path):
    run = train(
        profile("training.epochs=25", "training.learning_rate=0.001", "training.augment=false"),
        prepared,
        tmp_path / "learn",
        0,
        progress=False,
    )
    found = predict(run, prepared, prepared.manifest.split == "train")
    from amdd.metrics import auc

    assert auc(found.label, found.score) > 0.95
    fakes = found[found.label == 1]
    assert (fakes.attribution == fakes.generator).mean() > 0.6
    assert run.history.total.iloc[-1] < 0.6 * run.history.total.iloc[0]


def test_predictions_do_not_depend_on_the_batch_or_the_company(finished, prepared):
    all_rows = predict(finished, prepared)
    alone = pd.concat([predict(finished, prepared, [k]) for k in (0, 9, 20)])
    np.testing.assert_allclose(alone.logit, all_rows.logit.iloc[[0, 9, 20]], atol=2e-5)
    assert all_rows.filter(regex="^p_").sum(axis=1).to_numpy() == pytest.approx(1)


def test_clips_without_sound_have_no_audio_projection(finished, prepared):
    spoken = prepared.manifest.audio_present.to_numpy()
    found = embed(finished, prepared)
    assert np.isfinite(found["fused"]).all()
    assert (found["audio_projection"][~spoken] == 0).all()
    assert np.linalg.norm(found["audio_projection"][spoken], axis=1) == pytest.approx(1, abs=1e-4)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(finished, prepared, tmp_path):
    same = train(profile(), prepared, tmp_path / "same", 0, progress=False)
    other = train(profile(), prepared, tmp_path / "other", 1, progress=False)
    weights = (finished.folder / "weights.safetensors").read_bytes()
    assert (same.folder / "weights.safetensors").read_bytes() == weights
    assert (other.folder / "weights.safetensors").read_bytes() != weights


RESUME = """
import sys
from pathlib import Path
import torch
torch.set_num_threads({threads})
sys.path.insert(0, {tests!r})
from test_training import profile
from amdd.prepare import open_prepared
from amdd.training import train
train(profile(), open_prepared(Path({prepared!r})), Path({run!r}), 0, progress=False, save_every=0.0)
"""


@pytest.mark.slow
def test_killed_at_any_step_it_ends_with_the_very_same_weights(finished, prepared, tmp_path):
    run = tmp_path / "killed"
    code = RESUME.format(
        tests=str(Path(__file__).parent),
        prepared=str(prepared.root),
        run=str(run),
        threads=torch.get_num_threads(),
    )
    rng = np.random.default_rng(3)
    state, kills = run / "state" / "state.safetensors", 0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code])
        begun = state.stat().st_mtime_ns if state.exists() else 0
        limit = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < limit:
            if state.exists() and state.stat().st_mtime_ns != begun:
                time.sleep(float(rng.uniform(0.0, 0.6)))  # somewhere in a step, or while a state is written
                break
            time.sleep(0.005)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
        if (run / "run.json").exists():
            break
    assert kills >= 1, "it was never killed"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    assert (run / "weights.safetensors").read_bytes() == (
        finished.folder / "weights.safetensors"
    ).read_bytes()
    ours, theirs = pd.read_parquet(run / "history.parquet"), finished.history
    pd.testing.assert_frame_equal(ours.drop(columns="seconds"), theirs.drop(columns="seconds"))


def test_variants_are_weights_set_to_zero_and_nothing_else():
    whole = profile()
    for name, changed in VARIANTS.items():
        loss = variant_profile(whole, name).training.loss
        assert dataclasses.replace(loss, **{k: getattr(whole.training.loss, k) for k in changed}) == (
            whole.training.loss
        )
        assert all(getattr(loss, k) == 0 for k in changed)
    with pytest.raises(ValueError, match="without_attribution"):
        variant_profile(whole, "without_everything")


def test_without_the_attribution_loss_its_head_is_never_trained(prepared, tmp_path):
    run = train(
        profile("training.weight_decay=0"), prepared, tmp_path / "wo", 0, "without_attribution", False
    )
    from amdd.model import AMDD

    torch.manual_seed(0)
    begun = AMDD(profile().model)
    for name, value in run.model.attribution_head.state_dict().items():
        assert torch.equal(value, begun.attribution_head.state_dict()[name]), name
    moved = run.model.detection_head.state_dict()
    assert any(not torch.equal(v, begun.detection_head.state_dict()[k]) for k, v in moved.items())


@pytest.mark.parametrize("spoil", ["truncated", "foreign", "pickle"])
def test_weights_that_do_not_fit_are_refused_with_the_cure(finished, tmp_path, spoil):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    path = folder / "weights.safetensors"
    if spoil == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif spoil == "foreign":
        save_file({**load_file(path), "surprise": torch.zeros(3)}, path)
    else:
        torch.save({"a": 1}, path)
    with pytest.raises(CheckpointError, match=r"weights\.safetensors"):
        load_run(folder)


def test_an_unfinished_run_is_not_loaded(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="train it first"):
        load_run(tmp_path)


def test_nothing_to_choose_on_is_an_error_not_a_crash(tmp_path):
    folder = make_prepared(tmp_path / "p")
    table = pd.read_parquet(folder / "manifest.parquet")
    table.assign(split="train").to_parquet(folder / "manifest.parquet")
    with pytest.raises(ValueError, match="val"):
        train(profile(), open_prepared(folder), tmp_path / "run", progress=False)


DISTRIBUTED = """
import os, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, {tests!r})
from test_training import profile
from amdd.prepare import open_prepared
from amdd.training import train
train(profile("training.epochs=1"), open_prepared(Path({prepared!r})), Path({run!r}), 0, progress=False)
"""


@pytest.mark.slow
def test_two_processes_train_one_model(prepared, tmp_path):
    script = tmp_path / "train.py"
    run = tmp_path / "two"
    script.write_text(
        DISTRIBUTED.format(tests=str(Path(__file__).parent), prepared=str(prepared.root), run=str(run))
    )
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(script),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    record = load_run(run).record
    assert record["processes"] == 2
    assert record["steps"] == 6
