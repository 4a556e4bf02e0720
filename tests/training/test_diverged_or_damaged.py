"""Training that diverges, runs whose files are gone or damaged, clips prepared otherwise, own generators, arms."""

from __future__ import annotations

import json
import logging

import numpy as np
import pandas as pd
import pytest
import torch
from test_training import LIGHT, make_prepared, profile

from amdd.analysis.predict import embed, predict
from amdd.base.lock import Busy
from amdd.data.prepare import open_prepared
from amdd.model.losses import Objective
from amdd.training import Diverged, optimiser_of, schedule_of, train
from amdd.training.runs import load_run

SHORT = [*LIGHT, "training.epochs=1", "training.gradients=false"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return open_prepared(make_prepared(tmp_path_factory.mktemp("faults") / "p"))


@pytest.fixture(scope="module")
def finished(prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "full-seed0"
    return train(profile(*SHORT), prepared, folder, 0, progress=False)


def spoil(monkeypatch, name: str, value: float, after: int = 2) -> None:
    """From the ``after``-th step on the loss term ``name`` is ``value``."""
    honest, calls = Objective.forward, []

    def forward(self, outputs, batch, update=True):
        terms = honest(self, outputs, batch, update)
        calls.append(1)
        if len(calls) >= after:
            terms[name] = terms[name] * value
            weights = self.weights | {"total": 1}
            terms["total"] = terms["total"] + terms[name] * (weights[name] > 0)
        return terms

    monkeypatch.setattr(Objective, "forward", forward)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["contrastive", "detection"])
def test_a_loss_that_is_not_finite_stops_training(prepared, tmp_path, monkeypatch, name, value):
    from amdd.training.checkpoint import State

    spoil(monkeypatch, name, value)
    folder = tmp_path / "run"
    with pytest.raises(Diverged) as error:
        train(profile(*SHORT), prepared, folder, 0, progress=False)
    message = str(error.value)
    for words in (
        "training run stopped",
        "step 2 (epoch 1)",
        name,
        "(learning rate 9.33e-05)",
        "learning_rate",
        str(folder / "state"),
    ):
        assert words in message
    assert not (folder / "run.json").exists() and not (folder / "weights.safetensors").exists()
    kept = []
    honest = State.load
    monkeypatch.setattr(State, "load", lambda self, n: kept.append(self.model) or honest(self, n))
    with pytest.raises(Diverged):
        train(profile(*SHORT), prepared, folder, 0, progress=False)
    assert all(torch.isfinite(p).all() for p in kept[0].parameters())


def test_a_gradient_that_is_not_finite_changes_no_weight(prepared, tmp_path, monkeypatch):
    """The loss may be finite where its gradient is not, as sqrt is at zero."""
    honest = Objective.forward

    def forward(self, outputs, batch, update=True):
        terms = honest(self, outputs, batch, update)
        return terms | {"total": terms["total"] + torch.sqrt(outputs.fused.sum() * 0)}

    monkeypatch.setattr(Objective, "forward", forward)
    with pytest.raises(Diverged, match=r"step 1 .*norm of the gradient nan"):
        train(profile(*SHORT), prepared, tmp_path / "run", 0, progress=False)


def test_a_high_learning_rate_ends_in_the_error_and_not_in_weights(prepared, tmp_path):
    with pytest.raises(Diverged, match="learning rate"):
        train(
            profile(*LIGHT, "training.epochs=30", "training.learning_rate=10", "training.clip_norm=1000000"),
            prepared, tmp_path / "run", 0, progress=False,
        )  # fmt: skip
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    "damage",
    [
        "no weights",
        "short weights",
        "other weights",
        "no history",
        "bad config",
        "empty config",
        "bad record",
    ],
)
def test_a_finished_run_that_does_not_load_is_trained_again(prepared, finished, tmp_path, damage, caplog):
    import shutil

    folder = tmp_path / "full-seed0"
    shutil.copytree(finished.folder, folder)
    weights = folder / "weights.safetensors"
    if damage == "no weights":
        weights.unlink()
    elif damage == "short weights":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "other weights":
        weights.write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    elif damage == "no history":
        (folder / "history.parquet").write_bytes(b"PAR1")
    elif damage == "bad config":
        (folder / "config.json").write_text("[1, 2")
    elif damage == "empty config":
        (folder / "config.json").write_text("{}")
    else:
        (folder / "run.json").write_bytes(b"\xff\xfe")
    with caplog.at_level(logging.WARNING, "amdd"):
        again = train(profile(*SHORT), prepared, folder, 0, progress=False)
    if "config" not in damage:
        assert "trained again" in caplog.text
    for name, value in again.model.state_dict().items():
        assert torch.equal(value, finished.model.state_dict()[name])
    assert len(again.history) == 1


def test_two_processes_do_not_train_in_one_folder(prepared, tmp_path):
    import subprocess
    import sys

    code = f"from amdd.base.lock import exclusive\nwith exclusive({str(tmp_path / 'run')!r}): print('held', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=rf"process {other.pid} .*name another folder"):
            train(profile(*SHORT), prepared, tmp_path / "run", 0, progress=False)
    finally:
        other.kill()
        other.wait()
    train(profile(*SHORT), prepared, tmp_path / "run", 0, progress=False)


# --- clips prepared otherwise --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("margin", 2.0), ("size", 48), ("detector", "face-alignment"), ("n_mels", 8), ("sampling", "clip"), ("frames", 1),
     ("seconds", 2.0), ("trim_silence", True), ("top_db", 60.0), ("hop_length", 256), ("face_device", "cuda")],
)  # fmt: skip
def test_clips_prepared_otherwise_are_refused(finished, prepared, monkeypatch, name, value):
    import dataclasses

    other = dataclasses.replace(prepared, settings=dataclasses.replace(prepared.settings, **{name: value}))
    with pytest.raises(ValueError, match=rf"{name}={value!r} instead of .*any_preparation"):
        predict(finished, other)
    with pytest.raises(ValueError, match=name):
        embed(finished, other)
    if name not in ("size", "n_mels"):
        assert len(predict(finished, other, any_preparation=True)) == len(prepared)


@pytest.mark.parametrize(
    ("name", "value"), [("workers", 7), ("shard", 3), ("frames", 12), ("follow_fakes", False)]
)
def test_what_does_not_change_the_form_of_a_clip_may_differ(finished, prepared, name, value):
    import dataclasses

    other = dataclasses.replace(prepared, settings=dataclasses.replace(prepared.settings, **{name: value}))
    pd.testing.assert_frame_equal(predict(finished, other), predict(finished, prepared))


# --- own generators and arms ---------------------------------------------------------------------------------


def renamed(prepared, names: dict[str, str]):
    import dataclasses

    table = prepared.manifest.assign(generator=prepared.manifest.generator.replace(names))
    return dataclasses.replace(prepared, manifest=table)


def test_generators_of_a_run_are_those_of_its_training_clips(prepared, tmp_path):
    own = renamed(prepared, {"faceswap": "zgan", "wav2lip": "Agan", "fsgan": "_x"})
    run = train(profile(*SHORT), own, tmp_path / "run", 0, progress=False)
    assert run.profile.model.generators == ("Agan", "_x", "zgan")
    config = json.loads((run.folder / "config.json").read_text())
    assert config["profile"]["model"]["generators"] == ["Agan", "_x", "zgan"]
    found = predict(load_run(run.folder), own)
    assert {"p_real", "p_Agan", "p__x", "p_zgan"} <= {*found} and found.known.all()
    with pytest.raises(ValueError, match=r"faceswap.*Agan, _x, zgan"):
        train(profile(*SHORT, "model.generators=faceswap,fsgan"), own, tmp_path / "other", 0, progress=False)


def test_one_generator_is_enough(prepared, tmp_path):
    one = renamed(prepared, {"faceswap": "xgan", "wav2lip": "xgan", "fsgan": "xgan"})
    run = train(profile(*SHORT), one, tmp_path / "run", 0, progress=False)
    assert run.profile.model.classes == ("real", "xgan")
    assert set(predict(run, one).attribution) <= {"real", "xgan"}


@pytest.mark.parametrize(
    "arm", ["training.loss.attribution_labels=shuffled", "training.loss.attribution_target=binary",
            "training.loss.attribution_target=generators", "training.draw_frames=1", "training.warmup=4",
            "training.backbone_rate=0.1", "training.loss.contrastive_clips=real"],
)  # fmt: skip
def test_each_arm_is_another_run_from_the_same_start(prepared, finished, tmp_path, arm):
    run = train(profile(*SHORT, arm), prepared, tmp_path / "run", 0, progress=False)
    config = json.loads((run.folder / "config.json").read_text())
    assert config["hash"] != json.loads((finished.folder / "config.json").read_text())["hash"]
    assert any(not torch.equal(v, finished.model.state_dict()[k]) for k, v in run.model.state_dict().items())
    assert np.isfinite(run.history.to_numpy(float)).all()


def test_learning_rate_rises_then_falls_as_the_formula_says():
    model = torch.nn.Linear(2, 2)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    schedule = schedule_of(optimiser, 20, 5)
    rates = []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    np.testing.assert_allclose(rates[:5], 0.1 * np.arange(1, 6) / 5)
    np.testing.assert_allclose(rates[5:], 0.05 * (1 + np.cos(np.pi * np.arange(15) / 15)))


def test_backbones_have_their_own_rate_and_every_parameter_stands_once(finished):
    settings = profile(*SHORT, "training.backbone_rate=0.1").training
    groups = optimiser_of(finished.model, settings, torch.device("cpu")).param_groups
    assert [g["lr"] for g in groups] == pytest.approx([1e-4, 1e-5])
    sizes = [sum(p.numel() for p in g["params"]) for g in groups]
    assert sum(sizes) == sum(p.numel() for p in finished.model.parameters()) and min(sizes) > 0
    trunks = [finished.model.visual_encoder.trunk, finished.model.audio_encoder.trunk]
    assert sizes[1] == sum(p.numel() for t in trunks for p in t.parameters())
