"""Trainings with a generator left out: which clips they see, how long they train, and that their maps are computed once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from amdd.analysis.left_out import dose_outcomes, left_out_outcomes
from amdd.analysis.protocol import Dose, conditions, load_left_out
from amdd.base.paths import PROJECT
from amdd.data.spectrograms import shape_of
from amdd.model import AMDD
from amdd.profiles import load_profile
from amdd.training.frozen import FOLDER, frozen_maps
from amdd.training.left_out import part_of, run_left_out, settings_of
from amdd.training.study import collect
from tests.support.prepared import SMOKE, write_prepared

PROTOCOL = load_left_out(PROJECT / "book" / "studies" / "leave-one-out.yml")
FEW = PROTOCOL.model_copy(
    update={
        "pool": ["faceswap", "fsgan", "wav2lip"],
        "dose": Dose(weights=[0, 1], generators={1: ["fsgan"]}),
        "steps": 2,
        "seeds": 2,
    }
)
FROZEN = ["model.visual_blocks=9", "model.visual_frozen=9", "training.gradients=false"]
PROFILE = load_profile("smoke", ["training.selection=last", "training.precision=fp32", *FROZEN])


def store_of(folder, people):
    rng = np.random.default_rng(0)
    kinds = ["real", "real", *FEW.pool, FEW.never]
    generator = kinds * people
    n = len(generator)
    table = pd.DataFrame(
        {
            "clip_id": [f"{folder.name}/{k}" for k in range(n)],
            "label": [int(g != "real") for g in generator],
            "generator": generator,
            "identity": np.repeat([f"p{k:02d}" for k in range(people)], len(kinds)),
            "split": "test",
            "corpus": folder.name,
            "audio_present": True,
        }
    )
    frames = rng.integers(0, 255, (n, SMOKE.frames, SMOKE.size, SMOKE.size, 3), np.uint8)
    mels = rng.uniform(-0.9, 1, (n, *shape_of(SMOKE)))
    return write_prepared(folder, table, frames, mels, settings=SMOKE, fingerprint=folder.name)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    root = tmp_path_factory.mktemp("left-out")
    return store_of(root / "train", 7), store_of(root / "test", 3)


def test_the_left_out_generator_is_in_no_split_and_validation_people_are_not_trained_on(stores):
    clips, _ = stores
    part = part_of(clips, ("fsgan", "wav2lip")).manifest
    used = part[part.split != ""]
    assert set(used.generator) == {"real", "fsgan", "wav2lip"}
    assert set(used.identity[used.split == "val"]) == {"p00", "p06"}
    assert not {*used.identity[used.split == "val"]} & {*used.identity[used.split == "train"]}
    assert set(clips.manifest.split) == {"test"}  # the store itself is as it was


@pytest.mark.parametrize("steps, epochs", [(2, 1), (10, 2), (12, 2), (23, 5), (1, 1)])
def test_epochs_come_nearest_to_the_steps(stores, steps, epochs):
    condition = conditions(FEW)[0]
    part = part_of(stores[0], condition.generators)
    profile = dataclasses.replace(PROFILE, training=dataclasses.replace(PROFILE.training, batch_size=4))
    assert (
        part.manifest.split == "train"
    ).sum() == 20  # 5 people, 2 reals and 2 fakes each: 5 steps an epoch
    assert settings_of(profile, condition, part, steps).training.epochs == epochs


def test_arm_and_weight_are_those_of_the_condition(stores):
    found = {c.name: settings_of(PROFILE, c, stores[0], 2).training.loss for c in conditions(FEW)}
    assert found["full without fsgan"] == PROFILE.training.loss
    assert found["twin without fsgan"].attribution_target == "binary"
    assert [found[f"dose 1, weight {w}"].attribution for w in (0, 1)] == [0, 1]


def test_the_maps_of_a_part_are_those_of_the_whole(stores, tmp_path):
    clips, rows = stores[0], np.array([3, 1, 8])
    model = AMDD(PROFILE.model)
    alone = frozen_maps(model, clips, rows, tmp_path / "a").visual
    frozen_maps(model, clips, np.arange(len(clips)), tmp_path / "b")
    assert np.array_equal(alone, frozen_maps(model, clips, rows, tmp_path / "b").visual)
    assert len(list((tmp_path / "b").glob("visual-*"))) == 1


def test_all_trainings_are_made_once_and_reported(stores, tmp_path):
    run_left_out(PROFILE, conditions(FEW), FEW.steps, 1, *stores, tmp_path, workers=2)
    table, _history = collect(tmp_path)
    assert set(table.arm) == {c.name for c in conditions(FEW)}
    assert (
        len(list((tmp_path / FOLDER).glob("visual-*"))) == 2
    )  # of all clips to train on, and of the test clips
    outcomes = left_out_outcomes(table, FEW)
    assert len(outcomes) == 3 * 2 and outcomes.AUC.between(0, 1).all()
    assert dose_outcomes(table, FEW).groupby("weight").size().tolist() == [1, 1]
    assert table.certainty.between(0, 1).all()
    assert set(table[table.arm == "dose 1, weight 0"].naming) == {"fsgan"}
    seconds = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("predictions.parquet")}
    run_left_out(PROFILE, conditions(FEW), FEW.steps, 1, *stores, tmp_path, workers=1)
    assert seconds == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("predictions.parquet")}


def test_named_trainings_are_chosen_and_an_unknown_name_is_refused():
    assert [c.name for c in conditions(FEW, ["twin without fsgan"])] == ["twin without fsgan"]
    with pytest.raises(ValueError, match=r"no training 'full without x'.*full without fsgan"):
        conditions(FEW, ["full without x"])


def test_check_says_which_studies_it_repeats():
    from amdd.commands.study import Study

    with pytest.raises(ValueError, match=r"leave-one-out: `check` repeats .* attribution"):
        Study("check", "full", protocol=PROJECT / "book" / "studies" / "leave-one-out.yml").do()
