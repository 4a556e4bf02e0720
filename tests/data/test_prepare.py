"""Preparation: what it writes, that it is the same however it is run, and that it goes on after a death."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import amdd.data.prepare.plan as prepare_module
from amdd.base.paths import PROJECT
from amdd.corpora import Manifest
from amdd.data.media import Timeline, read_audio, read_video, write_video
from amdd.data.prepare import foretell, open_prepared, periods_of, prepare
from amdd.data.prepare import pool as prepare_pool
from amdd.data.prepare.shards import Clip, choose_frames, place_window, prepare_clip
from amdd.data.spectrograms import mel_spectrogram, silence
from amdd.profiles import PreparationSettings
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip

SETTINGS = PreparationSettings(frames=3, size=48, n_mels=16, seconds=0.6, shard=2, workers=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Five clips of one rendered face in another place each, one of them silent, and a wall."""
    folder = tmp_path_factory.mktemp("corpus")
    n = 3
    shapes = {"actions": (n, 52), "shift": (n, 2), "gaze": (n, 2), "pose": (n, 3)}
    motion = SimpleNamespace(**{k: np.zeros(s, np.float32) for k, s in shapes.items()})
    faces = render_clip(make_identity(3), motion, 0, size=128).frames
    faces = faces[[0, 1, 2, 1] * 5]
    rng = np.random.default_rng(0)
    for k in range(5):
        audio = None if k == 3 else rng.normal(0, 0.1, 16_000).astype(np.float32)
        write_video(folder / f"{k}.mp4", np.roll(faces, 4 * k, axis=2), audio=audio)
    write_video(folder / "wall.mp4", np.full((20, 64, 64, 3), 120, np.uint8))
    return folder


def manifest(root: Path, names=("0", "1", "wall", "2", "3", "4")) -> Manifest:
    n = len(names)
    table = pd.DataFrame({"clip_id": list(names), "corpus": "toy", "video": [f"{k}.mp4" for k in names]})
    table["label"] = np.arange(n) % 2
    table["generator"] = np.where(table["label"] == 0, "real", "wav2lip")
    table["audio"], table["has_audio"], table["split"] = "", True, "train"
    table["fake_periods"] = [[] for _ in range(n)]
    return Manifest(table, root)


def files_of(out: Path) -> dict[str, bytes]:
    keep = [p for p in out.rglob("*") if p.is_file() and "seconds" not in p.name and p.name != "timing.json"]
    return {str(p.relative_to(out)): p.read_bytes() for p in keep}


@pytest.fixture(scope="module")
def prepared(root, tmp_path_factory):
    return prepare(manifest(root), SETTINGS, tmp_path_factory.mktemp("out"), progress=False)


def test_what_is_written(prepared, root):
    table = prepared.manifest
    assert table["clip_id"].tolist() == ["0", "1", "2", "3", "4"] and len(prepared) == 5
    assert table["shard"].tolist() == [0, 0, 1, 2, 2] and table["row"].tolist() == [0, 1, 0, 0, 1]
    assert table["audio_present"].tolist() == [True, True, True, False, True]
    assert (table["face_found_share"] == 1).all() and (table["n_frames"] == 20).all()
    for i in range(5):
        frames = prepared.frames(i)
        assert frames.shape == (3, 48, 48, 3) and frames.dtype == np.uint8 and 30 < frames.mean() < 220
        assert prepared.mel(i).shape == (1, 16, 19) and prepared.mel(i).dtype == np.float16
    assert np.array_equal(prepared.mel(3), silence(SETTINGS))
    sound = read_audio(root / "4.mp4", seconds=SETTINGS.seconds)
    assert np.array_equal(prepared.mel(4), mel_spectrogram(sound, SETTINGS))
    assert prepared.frame_indices(0).tolist() == [2, 7, 12]  # the middle of each third of 0.6 s
    with pytest.raises(ValueError, match="read-only"):
        prepared.frames(0)[:] = 0


def test_failures_have_reason_and_picture(prepared):
    (failure,) = prepared.failures.to_dict("records")
    assert failure["clip_id"] == "wall" and failure["stage"] == "face"
    assert failure["reason"].startswith("no face in any of 3 frames")
    assert read_video(prepared.root / "failures").frames.shape[-1] == 3
    assert (prepared.root / failure["thumbnail"]).is_file()


def test_geometry_takes_the_picture_to_the_crop(prepared, root):
    from amdd.data.faces.track import warp

    frame = read_video(root / "1.mp4", [int(prepared.frame_indices(1)[2])]).frames[0]
    assert np.array_equal(warp(frame, np.array(prepared.geometry(1)[2]), 48), prepared.frames(1)[2])


def test_a_second_run_returns_at_once(prepared, root, monkeypatch):
    before = {p: p.stat().st_mtime_ns for p in prepared.root.rglob("*")}
    monkeypatch.setattr(prepare_module, "run_shards", lambda *a: pytest.fail("worked again"))
    again = prepare(manifest(root), replace(SETTINGS, workers=7), prepared.root, progress=False)
    pd.testing.assert_frame_equal(again.manifest, prepared.manifest)
    assert {p: p.stat().st_mtime_ns for p in prepared.root.rglob("*")} == before


def test_a_moved_corpus_is_known_again_and_a_changed_label_redoes_no_shard(
    prepared, root, tmp_path, monkeypatch
):
    import shutil

    shutil.copytree(prepared.root, tmp_path / "out")
    shutil.copytree(root, tmp_path / "corpus", copy_function=shutil.copyfile)  # other dates, other place
    monkeypatch.setattr(prepare_module, "run_shards", lambda *a: pytest.fail("worked again"))
    moved = prepare(manifest(tmp_path / "corpus"), SETTINGS, tmp_path / "out", progress=False)
    # By it a training knows its clips: none is made again.
    assert moved.record["fingerprint"] == prepared.record["fingerprint"]
    places = manifest(tmp_path / "corpus").table.set_index("clip_id")["video"]
    assert moved.manifest["video"].tolist() == places[moved.manifest["clip_id"]].tolist()
    changed = manifest(tmp_path / "corpus").assign(label=lambda t: 1 - t["label"])
    again = prepare(changed, SETTINGS, tmp_path / "out", progress=False)
    assert (again.manifest["label"] == 1 - prepared.manifest["label"]).all()
    assert again.record["fingerprint"] != prepared.record["fingerprint"]


def test_only_changed_shards_are_made_again(prepared, root, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(prepared.root, tmp_path / "out")
    done = []
    original = prepare_module.run_shards

    def watching(jobs, *rest):
        done.extend(job[0] for job in jobs)
        return original(jobs, *rest)

    monkeypatch.setattr(prepare_module, "run_shards", watching)
    prepare(manifest(root, ("0", "1", "2", "wall", "3", "4")), SETTINGS, tmp_path / "out", progress=False)
    assert done == [1]
    smaller = prepare(manifest(root, ("0", "1")), SETTINGS, tmp_path / "out", progress=False)
    assert done == [1] and len(smaller) == 2
    assert not list((tmp_path / "out" / "shards").glob("00002*")) and not list(
        (tmp_path / "out").rglob("*.jpg")
    )
    changed = prepare(manifest(root, ("0",)), replace(SETTINGS, size=32), tmp_path / "out", progress=False)
    assert changed.frames(0).shape == (3, 32, 32, 3)


@pytest.mark.slow
def test_any_number_of_workers_writes_the_same_bytes(prepared, root, tmp_path):
    prepare(manifest(root), SETTINGS, tmp_path, workers=2, progress=False)
    assert files_of(tmp_path) == files_of(prepared.root)


@pytest.mark.slow
def test_two_dask_workers_write_the_same_bytes(prepared, root, tmp_path):
    distributed = pytest.importorskip("dask.distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        prepare(manifest(root), SETTINGS, tmp_path, backend="dask", workers=2, progress=False)
    assert files_of(tmp_path) == files_of(prepared.root)


@pytest.mark.slow
def test_a_clip_that_kills_its_process_costs_only_itself(root, tmp_path, monkeypatch):
    def deadly(clip, settings):  # defined here, it travels by value
        if clip.clip_id == "2" and not clip.refused:
            os.kill(os.getpid(), signal.SIGKILL)
        return prepare_clip(clip, settings)

    monkeypatch.setenv("AMDD_ISOLATE", "1")
    table = manifest(root, ("1", "2", "3"))
    result = prepare(table, SETTINGS, tmp_path, workers=1, progress=False, make=deadly)
    assert result.manifest["clip_id"].tolist() == ["1", "3"]
    assert result.failures["reason"].tolist() == ["the decoder crashed on it"]


def test_of_several_clips_in_flight_only_the_guilty_is_refused(root, tmp_path, monkeypatch):
    """The pool's deaths are played here: whoever works on clip 2 breaks it, with clip 0 in flight as well."""
    (tmp_path / "shards").mkdir()

    def pool(jobs, workers, backend, make):
        for number, clips, *_ in jobs:
            (tmp_path / "shards" / f"{number:05d}.now").write_text(str(clips[0].row))
        for number, clips, *_ in jobs:
            if any(c.row == 2 and not c.refused for c in clips):
                (tmp_path / "shards" / f"{number:05d}.now").write_text("2")
                raise prepare_pool.BrokenProcessPool()
            refused.extend(c.row for c in clips if c.refused)
            (tmp_path / "shards" / f"{number:05d}.now").unlink()
            yield number

    monkeypatch.setattr(prepare_pool, "_pool", pool)
    refused: list[int] = []
    clips = [replace(clip_with([]), row=k) for k in range(6)]
    jobs = [(n, clips[2 * n : 2 * n + 2], SETTINGS, str(tmp_path), "key") for n in (1, 0, 2)]
    assert sorted(prepare_pool.run_shards(jobs, 2, "loky", prepare_clip)) == [0, 1, 2]
    assert refused == [2]


def test_resumes_after_kill_9(root, tmp_path):
    """A run in its own process is killed in its third shard; the next run makes only what is missing."""
    table = manifest(root)
    table.table.to_pickle(tmp_path / "m.pkl")  # a test's own file, made a line above
    out = tmp_path / "out"
    script = f"""
import sys, time, pandas as pd
sys.path.insert(0, {str(Path(__file__).parent)!r})
from amdd.data.prepare import prepare
from amdd.data.prepare.shards import prepare_clip
import test_prepare as t
def slow(clip, settings):
    if clip.row >= 4:
        time.sleep(60)
    return prepare_clip(clip, settings)
slow.__name__ = "prepare_clip"
table = pd.read_pickle({str(tmp_path / "m.pkl")!r})
prepare(table, t.SETTINGS, {str(out)!r}, progress=False, root={str(root)!r}, make=slow)
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT)
    try:
        end = time.monotonic() + 300
        while not (out / "shards" / "00001.json").is_file() and time.monotonic() < end:
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    with pytest.raises(FileNotFoundError, match="no finished preparation"):
        open_prepared(out)
    dates = {p: p.stat().st_mtime_ns for p in (out / "shards").glob("0000[01].*")}
    assert len(dates) == 14
    result = prepare(table, SETTINGS, out, progress=False)
    assert len(result) == 5
    assert {p: p.stat().st_mtime_ns for p in (out / "shards").glob("0000[01].*")} == dates


def test_bad_manifests_and_settings(root, tmp_path):
    with pytest.raises(ValueError, match="no column clip_id"):
        prepare(pd.DataFrame({"video": []}), SETTINGS, tmp_path)
    with pytest.raises(ValueError, match="more than once"):
        prepare(manifest(root, ("0", "0")), SETTINGS, tmp_path)
    with pytest.raises(ValueError, match="expected one of: loky, dask"):
        prepare(manifest(root), SETTINGS, tmp_path, backend="slurm")
    with pytest.raises(ValueError, match="'window' or 'clip'"):
        prepare(manifest(root), replace(SETTINGS, sampling="random"), tmp_path, progress=False)
    empty = prepare(manifest(root).where(lambda t: t.index < 0), SETTINGS, tmp_path / "none", progress=False)
    assert len(empty) == 0 and len(open_prepared(tmp_path / "none")) == 0


def test_disk_use_is_foretold(prepared, root, tmp_path, monkeypatch):
    forecast = foretell(5, SETTINGS, tmp_path / "not" / "there")
    written = sum(p.stat().st_size for p in (prepared.root / "shards").iterdir())
    assert written <= forecast.needed + 3 * 2000 and forecast.needed < 2 * written
    usage = SimpleNamespace(total=1, used=1, free=100)
    monkeypatch.setattr(prepare_module.shutil, "disk_usage", lambda p: usage)
    with pytest.raises(OSError, match="free some space"):
        prepare(manifest(root), SETTINGS, tmp_path / "full", progress=False)


def test_fake_periods_in_every_form():
    assert periods_of([[0.5, 1.0], [0.1, 0.2]]) == ((0.1, 0.2), (0.5, 1.0))
    assert periods_of("[[0.5, 1.0]]") == ((0.5, 1.0),)
    assert periods_of(np.array([np.array([0.5, 1.0])], object)) == ((0.5, 1.0),)
    for nothing in (
        None,
        float("nan"),
        "",
        "not json",
        [],
        [[1]],
        [["a", 2]],
        [[2, 1]],
        [[np.nan, 3]],
        [[-1, 2]],
    ):
        assert periods_of(nothing) == ()


def clip_with(periods, placed=True, seed=0) -> Clip:
    return Clip(0, "a", "", "", True, tuple(periods), placed, "", seed)


def test_windows_hold_a_forged_period_and_a_frame_of_it():
    settings = PreparationSettings()
    for seed in range(300):
        rng = np.random.default_rng(seed)
        s = rng.uniform(0, 18)
        e = s + rng.uniform(0.1, 2.0)
        start, phase = place_window(clip_with([(s, e)], seed=seed), 20.0, settings)
        assert 0 <= start <= 16 and start <= s + 1e-9
        assert e <= start + 4 + 1e-9 or e > 20
        times = choose_frames(at_25(500), start, phase, settings) / 25
        assert ((times > s - 0.04) & (times < e + 0.04)).any()


def test_genuine_clips_of_such_corpora_are_placed_alike():
    settings = PreparationSettings()
    starts = [place_window(clip_with([], seed=k), 20.0, settings)[0] for k in range(400)]
    assert min(starts) < 1 and max(starts) > 15 and abs(np.mean(starts) - 8) < 1
    assert place_window(clip_with([], placed=False), 20.0, settings) == (0.0, 0.5)
    off = replace(settings, follow_fakes=False)
    assert place_window(clip_with([(5, 6)]), 20.0, off) == (0.0, 0.5)
    assert place_window(clip_with([(0.5, 1)]), 2.0, settings)[0] == 0.0  # a clip shorter than the window


def at_25(n: int) -> Timeline:
    return Timeline(np.arange(n) / 25, n / 25, 25.0)


def test_frames_even_over_the_window_or_the_clip():
    settings = PreparationSettings(frames=4)
    assert choose_frames(at_25(500), 0.0, 0.5, settings).tolist() == [12, 37, 62, 87]
    assert choose_frames(at_25(500), 2.0, 0.5, settings).tolist() == [62, 87, 112, 137]
    assert choose_frames(at_25(40), 0.0, 0.5, settings).tolist() == [5, 15, 25, 35]
    whole = replace(settings, sampling="clip")
    assert choose_frames(at_25(500), 0.0, 0.5, whole).tolist() == [62, 187, 312, 437]
    assert choose_frames(at_25(1), 0.0, 0.5, settings).tolist() == [0, 0, 0, 0]
    uneven = Timeline(np.array([0, 0.1, 2.9, 3.0]), 4.0, 1.0)
    assert choose_frames(uneven, 0.0, 0.5, settings).tolist() == [1, 1, 1, 3]


def test_cut_silence_moves_frames_and_sound_together(root, tmp_path):
    frames = read_video(root / "0.mp4").frames[[k % 20 for k in range(40)]]
    audio = np.zeros(25_600, np.float32)
    audio[9_600:] = np.random.default_rng(0).normal(0, 0.2, 16_000)
    write_video(tmp_path / "late.mp4", frames, audio=audio)
    table = manifest(tmp_path, ("late",))
    plain = prepare(table, SETTINGS, tmp_path / "a", progress=False)
    cut = prepare(table, replace(SETTINGS, trim_silence=True), tmp_path / "b", progress=False)
    assert plain.manifest["start"].iat[0] == 0 and abs(cut.manifest["start"].iat[0] - 0.6) < 0.08
    assert cut.frame_indices(0)[0] - plain.frame_indices(0)[0] in (14, 15, 13)
    assert plain.mel(0)[..., 2:10].std() < 0.02 < cut.mel(0)[..., 2:10].std()
