"""Trainings of one chapter side by side."""

import copy
import dataclasses

import pytest
import torch

from amdd.base.machine import one_thread
from amdd.profiles import load_profile
from amdd.training import VARIANTS, Training, side_by_side, table_v, train, train_all
from amdd.training.outcome import Diverged
from tests.support.prepared import split_corpus

PROFILE = load_profile("smoke", ["training.epochs=2", "training.precision=fp32", "training.device=cpu"])


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return split_corpus(tmp_path_factory.mktemp("together"))


def weights(run):
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def test_side_by_side_each_gives_what_it_gives_alone_and_what_is_finished_is_loaded(clips, tmp_path, capfd):
    plan = table_v([3])[:2]
    jobs = [Training(PROFILE, clips, tmp_path / v, s, v) for v, s in plan]
    runs = train_all(jobs, workers=2)
    assert [run.variant for run in runs] == ["full", "without_attribution"]
    assert "step" not in capfd.readouterr().err  # no bars of two processes on one line
    with one_thread():  # sums that are split among threads are rounded otherwise
        alone = train(PROFILE, clips, tmp_path / "alone", 3, "without_attribution", progress=False)
    for name, value in weights(runs[1]).items():
        assert torch.equal(value, weights(alone)[name]), name
    times = [(tmp_path / v / "weights.safetensors").stat().st_mtime_ns for v, _ in plan]
    train_all(jobs, workers=2)
    assert [(tmp_path / v / "weights.safetensors").stat().st_mtime_ns for v, _ in plan] == times


def test_what_a_training_raises_arrives_and_the_others_are_kept(clips, tmp_path):
    none = dataclasses.replace(clips, manifest=clips.manifest.assign(split="test"))
    jobs = [Training(PROFILE, clips, tmp_path / "good", 0), Training(PROFILE, none, tmp_path / "none", 0)]
    with pytest.raises(ValueError, match="no clips in 'train'"):
        train_all(jobs, workers=2)
    assert train_all(jobs[:1])[0].record["epochs"] == 2


def test_a_training_that_diverged_says_so_from_another_process(tmp_path):
    error = Diverged(tmp_path / "run", "the loss is nan at step 2", 0.1)
    again = copy.copy(error)  # rebuilt as in the process that receives it
    assert str(again) == str(error)
    assert isinstance(again, Diverged)


def test_short_trainings_are_worth_no_process(clips, tmp_path, monkeypatch):
    monkeypatch.setattr("amdd.training.together.Parallel", None)  # would be called for processes
    monkeypatch.setattr("amdd.training.together.side_by_side", lambda _: 2)
    jobs = [Training(PROFILE, clips, tmp_path / v, s, v) for v, s in table_v([0])[:2]]
    assert [job.steps for job in jobs] == [4, 4]
    assert len(train_all(jobs)) == 2
    longer = dataclasses.replace(jobs[0], profile=load_profile("smoke", ["training.epochs=50"]))
    with pytest.raises(TypeError):
        train_all([longer, longer])


def test_none_is_none(tmp_path):
    assert train_all([]) == []


def test_the_trainings_of_table_v_begin_with_the_full_model():
    plan = table_v([5, 6])
    assert plan[0] == ("full", 5)
    assert len(plan) == 2 * len(VARIANTS) == len(set(plan))


def test_under_torchrun_and_on_little_memory_one_trains_at_a_time(monkeypatch):
    assert side_by_side(PROFILE) >= 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert side_by_side(PROFILE) == 1
    monkeypatch.delenv("WORLD_SIZE")
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("M", (), {"total": 2 << 30})())
    assert side_by_side(PROFILE) == 1
