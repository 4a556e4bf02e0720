"""Arms of the study: what differs between them, one training from data to predictions, and its resumption."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from amdd.analysis import study as report
from amdd.base.machine import one_thread
from amdd.base.paths import PROJECT
from amdd.data.dataset import ClipDataset, collate
from amdd.data.spectrograms import shape_of
from amdd.model import AMDD
from amdd.model.losses import Objective
from amdd.profiles import as_dict, load_profile
from amdd.training.gradients import gradient_norms
from amdd.training.study import ARMS, MINOR, arm_profile, collect, planned, run_many, run_one
from tests.support.prepared import SMOKE, write_prepared

PROFILE = load_profile("smoke", ["training.epochs=2", "training.selection=last", "training.precision=fp32"])
GENERATORS = ("real", "faceswap", "fsgan", "wav2lip")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Training and test clips of noise."""
    rng = np.random.default_rng(0)
    made = []
    for name, n, kinds in (("train", 12, GENERATORS), ("test", 6, ("real", "faceswap", "dfdm-iae"))):
        generator = [kinds[k % len(kinds)] for k in range(n)]
        table = pd.DataFrame(
            {
                "clip_id": [f"{name}/{k}" for k in range(n)],
                "label": [int(g != "real") for g in generator],
                "generator": generator,
                "identity": [f"p{k % 3}" for k in range(n)],
                "split": ["train" if name == "train" and k < 8 else "val" if name == "train" else "test" for k in range(n)],
                "corpus": name,
                "audio_present": True,
            }
        )  # fmt: skip
        frames = rng.integers(0, 255, (n, SMOKE.frames, SMOKE.size, SMOKE.size, 3), np.uint8)
        mels = rng.uniform(-0.9, 1, (n, *shape_of(SMOKE)))
        folder = tmp_path_factory.mktemp("study") / name
        made.append(write_prepared(folder, table, frames, mels, settings=SMOKE, fingerprint=name))
    return made


def test_arms_are_those_of_the_protocol_and_differ_in_the_loss_alone():
    protocol = report.load_protocol(PROJECT / "book" / "studies" / "attribution.yml")
    assert set(ARMS) == set(protocol.arms)
    assert set(MINOR) == set(protocol.minor["arms"])
    base = as_dict(PROFILE)
    for arm in ARMS | MINOR:
        own = as_dict(arm_profile(PROFILE, arm))
        differ = {k for k in base["training"] if base["training"][k] != own["training"][k]}
        assert differ <= {"loss", "clip_norm"}
        assert {k: v for k, v in own.items() if k != "training"} == {
            k: v for k, v in base.items() if k != "training"
        }
        assert bool(differ) == (arm != "full")
    with pytest.raises(ValueError, match=r"no arm 'ful'.*full"):
        arm_profile(PROFILE, "ful")


def test_all_arms_of_a_seed_come_together():
    assert planned(["a", "b"], range(2)) == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_trainings_side_by_side_give_what_one_gives_and_are_not_repeated(stores, tmp_path, monkeypatch):
    clips, tests = stores[0], {"test": stores[1]}
    with one_thread():  # sums that are split among threads are rounded otherwise
        alone = run_one(PROFILE, "twin", 1, clips, tests, tmp_path / "alone")
    run_many(PROFILE, planned(["full", "twin"], [1]), clips, tests, tmp_path / "both")
    table, history = collect(tmp_path / "both")
    same = table[table.arm == "twin"].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, alone, check_exact=False, atol=1e-5)
    assert set(report.COLUMNS) <= set(table) and set(table.part) == {"validation", "test"}
    assert (table[table.part == "test"].groupby("arm").size() == 6).all()
    assert set(table.naming) <= set(GENERATORS[1:])
    assert history.groupby("arm").size().tolist() == [2, 2]
    assert not list((tmp_path / "both").glob("*/weights.safetensors"))
    monkeypatch.setattr("amdd.training.study.train", lambda *a, **k: pytest.fail("trained again"))
    run_one(PROFILE, "twin", 1, clips, tests, tmp_path / "both")
    # Another recipe is another training.
    monkeypatch.setattr(
        "amdd.training.study.train", lambda *a, **k: (_ for _ in ()).throw(RuntimeError("trains"))
    )
    other = dataclasses.replace(PROFILE, training=dataclasses.replace(PROFILE.training, epochs=3))
    with pytest.raises(RuntimeError, match="trains"):
        run_one(other, "twin", 1, clips, tests, tmp_path / "both")
    with pytest.raises(FileNotFoundError, match="no finished training"):
        collect(tmp_path / "none")


def test_gradient_norms_are_those_of_each_weighted_term_and_change_nothing(stores):
    torch.manual_seed(0)
    model = AMDD(dataclasses.replace(PROFILE.model, weights="random", dropout=0.0))
    loss = dataclasses.replace(PROFILE.training.loss, contrastive=0.0)
    objective = Objective(loss, 3, 2 * PROFILE.model.dim)
    dataset = ClipDataset(stores[0], np.arange(8), PROFILE.preparation, GENERATORS[1:])
    batch = collate([dataset[k] for k in range(8)])
    before = {k: v.clone() for k, v in model.state_dict().items()}
    found = gradient_norms(model, objective, batch, torch.device("cpu"))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert found["grad_all_contrastive"] == 0.0 and not objective.bank.seen.any()
    model.train()
    out = model(batch["frames"], batch["mel"])
    (loss.detection * objective(out, batch, update=False)["detection"]).backward()
    squares = sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None)
    assert found["grad_all_detection"] == pytest.approx(squares**0.5, rel=1e-3)
    assert 0 < found["grad_trunk_detection"] < found["grad_all_detection"]
