"""Training: it learns, ends the same however often it is killed, and says what does not fit."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from support.prepared import write_prepared

from amdd.analysis.predict import embed, predict
from amdd.data.prepare import open_prepared
from amdd.profiles import Profile, load_profile
from amdd.training import TERMS, VARIANTS, train, variant_profile
from amdd.training.outcome import named_among_generators
from amdd.training.runs import CheckpointError, load_run

SMALL = [
    "model.visual_backbone=resnet18",
    "model.weights=random",
    "model.dim=32",
    "model.heads=4",
    "model.hidden=16",
    "training.epochs=3",
    "training.gradients=false",  # they cost four steps an epoch; test_arms.py has them
    "training.precision=fp32",
    "preparation.frames=2",
    "preparation.size=32",
    "preparation.n_mels=16",
]


def profile(*more: str) -> Profile:
    return load_profile("smoke", [*SMALL, *more])


LIGHT = ["model.visual_backbone=shufflenet_v2_x0_5", "model.audio_backbone=shufflenet_v2_x0_5"]


def make_prepared(out: Path, seed: int = 0, clips: int = 36) -> Path:
    """Clips whose generator shows: each leaves a pattern of its own in the crops."""
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
    frames = rng.integers(90, 160, (clips, 2, 32, 32, 3), np.uint8)
    for k, name in enumerate(generator):
        if name != "real":
            frames[k, :, :: 2 + names.index(name), :, names.index(name) - 1] = 250
    mels = rng.uniform(-1, 1, (clips, 1, 16, 40))
    write_prepared(out, table, frames, mels, settings=profile().preparation)
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
    assert {
        *TERMS,
        "validation_auc",
        "validation_balanced_accuracy",
        "validation_named",
        "learning_rate",
    } <= {*history}
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
    import amdd.training.loop

    monkeypatch.setattr(amdd.training.loop, "_loop", lambda *a: pytest.fail("trained again"))
    again = train(profile(), prepared, finished.folder, 0, progress=False)
    assert again.record == finished.record
    # What is only evaluated later does not make it another run.
    train(profile("evaluation.bootstrap=7"), prepared, finished.folder, 0, progress=False)


def test_it_learns_what_can_be_seen(prepared, tmp_path):
    # With these settings each of three seeds is far from the bounds below, with one thread and with two.
    settings = ["training.epochs=24", "training.learning_rate=0.002", "training.batch_size=8"]
    settings += [LIGHT[1], "training.augment=false", "model.dropout=0"]
    run = train(profile(*settings), prepared, tmp_path / "learn", 0, progress=False)
    found = predict(run, prepared, prepared.manifest.split == "train")
    from amdd.stats import auc

    assert auc(found.label, found.score) > 0.95
    history = run.history
    assert history.total.iloc[-1] < 0.7 * history.total.iloc[0]
    # Names are judged by the loss in training, not by the kept epoch's answers: that epoch is chosen by how well it
    # tells fakes from reals, and with small batches its running statistics are too rough for names. Whoever knows
    # only what the sampler draws, half reals and a sixth each, has the entropy of these shares.
    blind = -(0.5 * np.log(0.5) + 3 / 6 * np.log(1 / 6))
    assert history.attribution.iloc[0] > 0.8 * blind
    assert history.attribution.iloc[-5:].mean() < 0.85 * blind


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


def doomed(prepared: str, run: str, threads: int, kill_at: int, where: str, every: float) -> None:
    """Train, and die at one of the places that matter; called in a process of its own."""
    import amdd.training.checkpoint
    import amdd.training.loop

    torch.set_num_threads(threads)
    step, save, count = amdd.training.loop.training_step, amdd.training.checkpoint.save_file, 0

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def dying_step(*given):
        nonlocal count
        count += 1
        if (count, where) == (kill_at, "before the step"):
            die()
        terms = step(*given)
        if (count, where) == (kill_at, "after the step"):
            die()
        return terms

    def dying_save(tensors, path, metadata):
        save(tensors, path, metadata=metadata)
        if count == kill_at and where == "while the state is written":
            os.truncate(path, os.path.getsize(path) // 2)
            die()

    amdd.training.loop.training_step, amdd.training.checkpoint.save_file = dying_step, dying_save
    train(profile(*LIGHT), open_prepared(Path(prepared)), Path(run), 0, progress=False, save_every=every)


@pytest.mark.slow
def test_killed_at_any_step_it_ends_with_the_very_same_weights(prepared, tmp_path):
    """kill -9 at random steps, at each of the places that matter, with states of each step and of each epoch."""
    finished = train(profile(*LIGHT), prepared, tmp_path / "through", 0, progress=False)
    run, rng = tmp_path / "killed", np.random.default_rng(3)
    context = multiprocessing.get_context("forkserver")  # which imports everything once for all of them
    context.set_forkserver_preload([__name__])
    fates = [
        (int(rng.integers(2, 6)), "after the step", 0.0),  # in the first epoch, a state after every step
        (int(rng.integers(2, 6)), "while the state is written", 0.0),
        (
            int(rng.integers(3, 7)),
            "before the step",
            1e9,
        ),  # a state after every epoch only: steps are done twice
    ]
    for kill_at, where, every in [*fates, (0, "", 0.0)]:
        arguments = (str(prepared.root), str(run), torch.get_num_threads(), kill_at, where, every)
        process = context.Process(target=doomed, args=arguments)
        process.start()
        process.join(300)
        assert process.exitcode == (-9 if where else 0), where
        assert (run / "run.json").exists() == (not where)
    assert (run / "weights.safetensors").read_bytes() == (
        finished.folder / "weights.safetensors"
    ).read_bytes()
    ours, theirs = pd.read_parquet(run / "history.parquet"), finished.history
    pd.testing.assert_frame_equal(ours.drop(columns="seconds"), theirs.drop(columns="seconds"))
    here, there = predict(load_run(run), prepared), predict(finished, prepared)
    pd.testing.assert_frame_equal(here, there)


def test_a_resumed_run_keeps_the_arithmetic_that_it_began_with(prepared, tmp_path, monkeypatch):
    import amdd.training.loop as loop

    step, taken = loop.training_step, []

    def interrupted(model, objective, optimiser, batch, device, precision, clip_norm):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(precision)
        return step(model, objective, optimiser, batch, device, precision, clip_norm)

    choices = iter([("bf16", "the first machine"), ("fp32", "the second machine")])
    monkeypatch.setattr(loop, "choose_precision", lambda wish, device: next(choices))
    monkeypatch.setattr(loop, "training_step", interrupted)
    short = profile(*LIGHT, "training.epochs=1")
    with pytest.raises(KeyboardInterrupt):
        train(short, prepared, tmp_path / "run", 0, progress=False, save_every=0.0)
    taken.append("interrupted")
    record = train(short, prepared, tmp_path / "run", 0, progress=False).record
    assert (record["precision"], record["precision_reason"]) == ("bf16", "the first machine")
    assert set(taken) == {"bf16", "interrupted"} and len(taken) > 3


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


@pytest.mark.parametrize(("sampler", "share"), [("halves", 0.5), ("classes", 0.25)])
def test_reals_are_drawn_as_often_as_the_setting_says(prepared, tmp_path, monkeypatch, sampler, share):
    drawn = []

    def step(model, objective, optimiser, batch, *rest):
        drawn.extend(batch["generator"].tolist())
        optimiser.step()
        return dict.fromkeys(TERMS, 0.0)

    monkeypatch.setattr("amdd.training.loop.training_step", step)
    changed = profile(*LIGHT, f"training.sampler={sampler}", "training.epochs=8")
    train(changed, prepared, tmp_path / "run", 0, progress=False)
    counts = np.bincount(drawn, minlength=4) / len(drawn)
    assert abs(counts[0] - share) < 0.1
    assert np.abs(counts[1:] - (1 - share) / 3).max() < 0.1


def test_an_unknown_sampler_is_an_error_that_names_the_known_ones(prepared, tmp_path):
    with pytest.raises(ValueError, match="halves, classes"):
        train(profile("training.sampler=thirds"), prepared, tmp_path / "run", progress=False)


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


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("truncated", "not a complete safetensors file"),
        ("foreign", "foreign tensors .*surprise"),
        ("missing", "missing tensors .*detection_head"),
        ("wider", "the model needs"),
        ("another network", "another architecture"),
        ("pickle", "not a complete safetensors file"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_the_cure(finished, tmp_path, spoil, message):
    import shutil

    from safetensors.torch import load_file, save_file

    from amdd.model import AMDD

    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    path = folder / "weights.safetensors"
    tensors = load_file(path)
    if spoil == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif spoil == "foreign":
        save_file({**tensors, "surprise": torch.zeros(3)}, path)
    elif spoil == "missing":
        save_file({k: v for k, v in tensors.items() if not k.startswith("detection_head")}, path)
    elif spoil == "wider":
        save_file({**tensors, "detection_head.0.bias": torch.zeros(17)}, path)
    elif spoil == "another network":
        other = AMDD(dataclasses.replace(finished.profile.model, visual_backbone="shufflenet_v2_x0_5"))
        save_file(other.state_dict(), path)
    else:
        torch.save({"a": 1}, path)
    with pytest.raises(CheckpointError, match=message) as told:
        load_run(folder)
    assert "weights.safetensors" in str(told.value)


@pytest.mark.parametrize("spoil", ["truncated", "another architecture"])
def test_a_state_that_does_not_fit_says_what_to_delete(prepared, tmp_path, spoil):
    from torch import nn

    from amdd.training.checkpoint import State

    def state(width):
        model, objective = nn.Linear(width, 2), nn.Linear(1, 1)
        optimiser = torch.optim.AdamW(model.parameters())
        return State(
            tmp_path, model, objective, optimiser, torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 5)
        )

    whole = state(3)
    whole.save(whole.load(6) | {"step": 4})
    assert state(3).load(6)["step"] == 4
    if spoil == "truncated":
        whole.path.write_bytes(whole.path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"delete the folder"):
        state(3 if spoil == "truncated" else 4).load(6)


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
import os, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path[:0] = [{tests!r}, {support!r}]
from test_training import profile
from amdd.data.prepare import open_prepared
from amdd.training import train
move = os.replace
def slowly(source, target):
    time.sleep(4.0 if Path(target).name == "config.json" else 0.0)
    move(source, target)
os.replace = slowly
time.sleep(2.0 * int(os.environ["RANK"]))
train(profile(*{settings!r}), open_prepared(Path({prepared!r})), Path({run!r}), 0, progress=False)
"""


def torchrun(script: Path, processes: int = 2) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.run(
        [*command, str(script)],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )


@pytest.mark.slow
def test_two_processes_train_the_model_that_one_process_trains(prepared, tmp_path):
    # Dropout is drawn by each process for itself; all else is the same computation in another order, whose last
    # bits AdamW's first steps, which look at signs, carry into the weights. The folder holds another configuration's
    # run, which the first process removes, and its slow disk gives the second one time to remove too much.
    settings = ["training.epochs=1", "model.dropout=0"]
    script, run = tmp_path / "train.py", tmp_path / "two"
    places = {
        "tests": str(Path(__file__).parent),
        "support": str(Path(__file__).parent.parent),
        "prepared": str(prepared.root),
        "run": str(run),
    }
    script.write_text(DISTRIBUTED.format(settings=settings, **places))
    (run / "state").mkdir(parents=True)
    (run / "config.json").write_text('{"hash": "another"}')
    (run / "run.json").write_text("{}")
    done = torchrun(script)
    assert done.returncode == 0, done.stderr[-3000:]
    two = load_run(run)
    assert (two.record["processes"], two.record["steps"]) == (2, 6)
    one = train(profile(*settings), prepared, tmp_path / "one", 0, progress=False)
    for term in (*TERMS, "validation_loss"):
        assert two.history[term][0] == pytest.approx(one.history[term][0], rel=1e-2), term
    ours, theirs = predict(two, prepared).logit, predict(one, prepared).logit
    np.testing.assert_allclose(ours, theirs, atol=0.1 * theirs.std())


def test_processes_that_cannot_share_a_batch_are_an_error(prepared, tmp_path, monkeypatch):
    import amdd.training.loop

    monkeypatch.setattr(amdd.training.loop, "join", lambda: (0, 3))
    with pytest.raises(ValueError, match="3 processes can't share batches of 4"):
        train(profile(), prepared, tmp_path / "run", progress=False)


def test_clips_of_different_length_train_together(prepared):
    """The batch is filled up, masked, and a step on it gives what the longer frames' content can't change."""
    from amdd.data.dataset import ClipDataset, collate
    from amdd.model import AMDD
    from amdd.model.losses import Objective
    from amdd.training import training_step

    settings = profile("model.dropout=0")
    items = [
        ClipDataset(prepared, None, settings.preparation, settings.model.classes[1:])[k] for k in range(4)
    ]
    items[1]["frames"] = items[1]["frames"][:1]
    batch = collate(items)
    assert batch["frames_present"].tolist() == [[True, True], [True, False], [True, True], [True, True]]
    assert "frames_present" not in collate(items[2:])
    found = []
    for filling in (0.0, 9.0):
        batch["frames"][1, 1] = filling
        torch.manual_seed(0)
        model = AMDD(settings.model)
        objective = Objective(settings.training.loss, 3, 2 * settings.model.dim)
        optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
        found.append(training_step(model, objective, optimiser, batch, torch.device("cpu"), "fp32", 1.0))
    assert found[0] == found[1]


def test_named_among_generators_leaves_real_and_strangers_out():
    logits = np.array([[9, 0, 1, 0], [0, 5, 1, 0], [9, 1, 0, 2], [0, 0, 0, 1], [1, 9, 0, 0]], float)
    classes = np.array([2, 2, 3, -1, 0])  # right, wrong, right; a stranger; a real
    assert named_among_generators(logits, classes) == pytest.approx(2 / 3)
    assert np.isnan(named_among_generators(logits, np.array([0, 0, 0, -1, 0])))
