"""Inspection of single clips: the inputs of preparation, the answers of the run, rules, JSON, exit states."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import subprocess
import sys

import cv2
import jsonschema
import numpy as np
import pandas as pd
import pytest
from support.filmed import film, portrait, tone, write_clip

import amdd
from amdd.analysis.open_set import distance_to_known
from amdd.analysis.predict import embed, predict
from amdd.data.media import MediaError, read_video, write_video
from amdd.inspect import answer, calibration
from amdd.inspect.clip import WindowStore, open_clip, read_window, starts_of
from amdd.inspect.folder import COLUMNS, coverage, csv_text, failed_row, files_of, inspect_folder, row_of
from amdd.inspect.pack import pack
from amdd.inspect.plugin import NOTHING_KNOWN
from amdd.inspect.weights import NONE_SHIPPED, SHIPPED, load_scorer
from amdd.training.runs import CheckpointError


def test_a_window_is_what_preparation_makes_of_the_clip(made):
    _, run, prepared = made
    for i in (0, len(prepared) - 1):
        clip = open_clip(prepared.manifest.video[i])
        piece = read_window(clip, run.profile.preparation, 0.0)
        np.testing.assert_array_equal(piece.tracks[0].crops, prepared.frames(i))
        np.testing.assert_array_equal(piece.mel, prepared.mel(i))
        np.testing.assert_array_equal(piece.indices, prepared.frame_indices(i))
        np.testing.assert_allclose(piece.tracks[0].transforms, prepared.geometry(i))
        assert piece.has_audio


def test_the_runs_predictions_on_test_clips_are_reproduced_within_one_in_a_thousand(made, scorer):
    _, run, prepared = made
    test = prepared.manifest[prepared.manifest.split == "test"]
    stored = predict(run, prepared, test)
    for expected, video in zip(stored.itertuples(), test.video):
        found = amdd.inspect(video, run.folder)
        assert found.people[0].windows[0].logit == pytest.approx(expected.logit, abs=1e-3)
        assert found.generators["tint"] == pytest.approx(expected.p_tint, abs=1e-3)
        assert found.verdict in ("forged" if expected.label else "real", "can't tell")
    assert len(test) >= 4


def test_packed_weights_answer_as_the_run_does(made, tmp_path):
    _, run, prepared = made
    folder = pack(run, tmp_path / "packed", prepared, precision="int8")
    half = pack(run, tmp_path / "half", prepared, precision="float16")
    video = prepared.manifest.video[1]
    own, small, halved = (amdd.inspect(video, w) for w in (run.folder, folder, half))
    assert small.probability == pytest.approx(own.probability, abs=0.05)
    assert halved.probability == pytest.approx(own.probability, abs=0.005)
    size = sum(p.stat().st_size for p in folder.glob("weights-*"))
    assert size < 0.45 * (run.folder / "weights.safetensors").stat().st_size
    record = json.loads((folder / "run.json").read_text())
    assert 0 <= record["largest_change"] < 0.1
    assert record["weights_sha256"] and record["code"]
    card = (folder / "CARD.md").read_text()
    assert card.index("## Limits") < card.index("## Provenance")
    (folder / "weights-1-of-1.safetensors").write_bytes(b"torn")
    from amdd.inspect import weights

    weights._loaded.cache_clear()
    with pytest.raises(CheckpointError, match="pack the run again"):
        load_scorer(folder)


def test_the_room_is_the_function_whichever_was_imported_first():
    for first in ("import amdd.inspect.folder", "import amdd", "from amdd.inspect import Inspection"):
        code = f"{first}; import amdd; assert callable(amdd.inspect); assert amdd.inspect.folder.COLUMNS"
        subprocess.run([sys.executable, "-c", code], check=True)


def test_the_json_fits_the_schema_in_the_repository(made):
    _, run, prepared = made
    kept = json.loads(answer.SCHEMA.read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(answer.schema())), "amdd inspect --schema > " + answer.SCHEMA.name
    found = amdd.inspect(prepared.manifest.video[0], run.folder)
    jsonschema.validate(json.loads(found.as_json()), kept)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(found.as_json()) | {"verdict": "maybe"}, kept)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.verdict = "real"


def test_without_a_face_without_audio_and_with_a_small_face(made, tmp_path):
    _, run, _ = made
    rng = np.random.default_rng(0)
    noise = np.repeat(rng.integers(0, 255, (1, 96, 96, 3), np.uint8), 10, 0)
    empty = amdd.inspect(write_video(tmp_path / "empty.mp4", noise, 10), run.folder)
    assert (empty.verdict, empty.rule) == ("can't tell", "no face")
    assert math.isnan(empty.probability) and json.loads(empty.as_json())["probability"] is None
    jsonschema.validate(json.loads(empty.as_json()), answer.schema())
    assert any(text.startswith("audio (no audio stream") for text in empty.missing)
    small = np.full((10, 480, 640, 3), 90, np.uint8)
    small[:, 200:248, 300:348] = film()[:, :144:3, :144:3]
    tiny = amdd.inspect(write_video(tmp_path / "tiny.mp4", small, 10), run.folder)
    assert tiny.verdict == "can't tell" and tiny.rule in ("small face", "no face", "unusual", "face lost")


def test_two_people_are_tracked_and_answered_apart(made, tmp_path):
    _, run, _ = made
    pair = np.concatenate([film(seed=1), film(seed=2, forged=True)], axis=2)
    found = amdd.inspect(write_video(tmp_path / "pair.mp4", pair, 10, tone(1.0)), run.folder)
    assert len(found.people) == 2
    by_place = sorted(found.people, key=lambda p: p.box[0])
    assert by_place[0].probability < 0.5 < by_place[1].probability
    assert any("judged with the same audio" in text for text in found.missing)


def test_a_long_clip_is_a_time_line_and_a_forged_part_is_found(made, tmp_path):
    _, run, _ = made
    parts = [film(3.0, seed=5), film(2.0, seed=5, forged=True), film(2.0, seed=5)]
    video = write_video(tmp_path / "long.mp4", np.concatenate(parts), 10, tone(7.0))
    found = amdd.inspect(video, run.folder)
    windows = found.people[0].windows
    assert [w.start for w in windows] == [0, 1, 2, 3, 4, 5, 6]
    high = [w.probability > 0.5 for w in windows]
    assert high == [False] * 3 + [True] * 2 + [False] * 2
    few = amdd.inspect(video, run.folder, most_windows=3)
    assert [w.start for w in few.people[0].windows] == [0, 3, 6]


def test_what_takes_longer_shows_its_progress_on_standard_error_alone(made, tmp_path, capsys, monkeypatch):
    video = write_video(tmp_path / "long.mp4", film(4.0, seed=5), 10, tone(4.0))
    amdd.inspect(video, made[1].folder, progress=True)
    assert "long.mp4" not in capsys.readouterr().err  # over before anybody waits
    monkeypatch.setattr("amdd.inspect.inspector.PATIENCE", 0.0)
    amdd.inspect(video, made[1].folder, progress=True)
    shown = capsys.readouterr()
    assert "long.mp4" in shown.err and "4/4" in shown.err and shown.out == ""
    amdd.inspect(video, made[1].folder)
    assert capsys.readouterr().err == ""


def test_windows_cover_the_clip():
    from support.filmed import profile

    settings = profile().preparation
    assert starts_of(0.2, settings).tolist() == [0]
    assert starts_of(3.4, settings).tolist() == [0, 1, 2]
    assert starts_of(3.6, settings).tolist() == [0, 1, 2, 3]
    assert len(starts_of(3600, settings, 60)) == 60


def test_prevalence_moves_the_probability_by_bayes(made):
    _, run, prepared = made
    found = [amdd.inspect(prepared.manifest.video[1], run.folder, prevalence=b) for b in (0.5, 0.001)]
    odds = [x.probability / (1 - x.probability) for x in found]
    assert odds[1] == pytest.approx(odds[0] * 0.001 / 0.999, rel=1e-4)
    with pytest.raises(ValueError, match="between 0 and 1"):
        amdd.inspect(prepared.manifest.video[1], run.folder, prevalence=1.0)


def test_temperature_undoes_a_known_one():
    rng = np.random.default_rng(3)
    logit = rng.normal(0, 2, 8000)
    label = (rng.random(8000) < calibration.sigmoid(logit)).astype(int)
    assert calibration.fit_temperature(label, 3 * logit) == pytest.approx(3, rel=0.08)
    low, high = calibration.temperature_interval(label[:400], 3 * logit[:400], np.arange(400) // 4)
    assert low < 3 < high


def test_the_limit_keeps_errors_rare_on_the_clips_it_is_fitted_on():
    rng = np.random.default_rng(4)
    probability = rng.random(4000)
    label = (rng.random(4000) < probability).astype(int)
    limit, answered, wrong = calibration.answer_limit(label, probability)
    assert calibration.error_bound(wrong, answered) <= 0.05 and 0.85 < limit < 0.97
    assert calibration.answer_limit(1 - (probability > 0.5), probability)[0] == 0.99


def test_few_clips_do_not_show_that_errors_are_rare():
    """88 answers with three errors are 3.4 %, with an upper bound of 8.6 %: the limit rises until the bound is 5 %."""
    sure, label = np.linspace(0.55, 0.99, 88), np.ones(88, int)
    label[[3, 9, 20]] = 0  # as all are called forged, these three are wrong
    assert calibration.error_bound(3, 88) == pytest.approx(0.0858, abs=1e-4)
    limit, answered, wrong = calibration.answer_limit(label, sure)
    # 59 answers without an error have a bound of 5 %.
    assert answered == (sure >= limit).sum() >= 59 and wrong == 0
    few = calibration.answer_limit(label[:20], sure[:20])
    assert few == (0.60, 10, 0)  # after the second error; the fewer the answers, the higher the bound


def test_what_is_withheld_is_counted_with_what_it_would_have_been():
    label, logit = np.array([1, 1, 0, 0, 1]), np.array([4.0, -0.2, 0.3, -5.0, -6.0])
    fitted = dataclasses.replace(NOTHING_KNOWN, answer_from=0.8)
    found = calibration.elsewhere(label, logit, fitted)
    assert (found["answered"], found["wrong"], found["withheld_wrong"]) == (3, 1, 2)


def test_a_network_is_trusted_only_beyond_chance():
    people = np.repeat(np.arange(6), 4)
    label = np.tile([0, 0, 1, 1], 6)
    assert calibration.chance_of(label, label + 0.0, people) == pytest.approx(1 / 64)
    assert calibration.chance_of(label[:8], label[:8] + 0.0, people[:8]) == pytest.approx(1 / 4)
    assert calibration.chance_of(label, -label + 0.0, people) == 1.0
    assert calibration.chance_of(label, np.zeros(24), people) == 1.0


def test_distances_are_those_of_the_open_set_chapter(made, scorer):
    _, run, prepared = made
    train, test = (embed(run, prepared, prepared.manifest.split == s) for s in ("train", "test"))
    expected = distance_to_known(train["fused"], test["fused"])
    found = amdd.inspect.novelty.features_of(run, prepared, prepared.manifest.split == "test")
    np.testing.assert_allclose(scorer.novelty.distances(found)["fused"], expected, atol=2e-3)


def test_an_image_unlike_the_training_clips_is_unusual(made, tmp_path):
    _, run, _ = made
    strange = film(seed=9)
    strange = np.stack([cv2.applyColorMap(f[..., 0], cv2.COLORMAP_JET) for f in strange])
    found = amdd.inspect(write_video(tmp_path / "strange.mp4", strange, 10, tone(1.0)), run.folder)
    assert (found.verdict, found.rule) == ("can't tell", "unusual"), str(found)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.mp4", b"", "0 bytes"),
        ("text.mp4", b"no video at all\n" * 50, "convert it"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a media file"),
    ],
)
def test_what_cannot_be_read_has_one_line_with_file_reason_and_cure(made, tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(MediaError) as error:
        amdd.inspect(path, made[1].folder)
    text = str(error.value)
    assert name in text and words in text and "\n" not in text and ";" in text
    with pytest.raises(MediaError, match="no such file; check the path"):
        amdd.inspect(tmp_path / "gone.mp4", made[1].folder)


def test_a_folder_gives_one_row_for_every_file(made, tmp_path):
    _, run, _ = made
    write_clip(tmp_path / "a.mp4", seed=1)
    write_clip(tmp_path / "sub" / "=b.mp4", seed=2, forged=True)
    (tmp_path / "c.mp4").write_bytes(b"torn")
    files = files_of([tmp_path])
    rows = [
        row_of(f) if f else failed_row(p, why) for p, f, why in inspect_folder(files, {"weights": run.folder})
    ]
    assert [r["file"].rpartition("/")[2] for r in rows] == ["a.mp4", "c.mp4", "=b.mp4"]
    assert rows[1]["status"] == "failed" and rows[1]["why"]
    assert coverage(rows) == pytest.approx(2 / 3)
    table = pd.read_csv(io.StringIO(csv_text(rows)))
    assert tuple(table.columns) == COLUMNS and len(table) == 3
    assert not csv_text([failed_row(tmp_path, "=1+1")]).splitlines()[1].count(",=1")
    assert files_of([str(tmp_path / "*.mp4")]) == [tmp_path / "a.mp4", tmp_path / "c.mp4"]
    with pytest.raises(FileNotFoundError):
        files_of([str(tmp_path / "*.mkv")])
    for nothing in ("", "  "):  # as an unset variable of a shell gives
        with pytest.raises(FileNotFoundError, match="empty name"):
            files_of([nothing])


@pytest.mark.parametrize("name", ["{:03d}", "{:03d}.jpg", "frame_{:04d}.png", "FRAME-{}.JPEG"])
def test_numbered_pictures_are_one_clip_and_photographs_are_not(made, tmp_path, name):
    _, run, _ = made
    film = read_video(write_clip(tmp_path / "film.mp4", seed=1)).frames[:60]
    folder = tmp_path / "people" / "fadg0" / "head"
    folder.mkdir(parents=True)
    for k, frame in enumerate(film):
        suffix = "." + name.lower().rpartition(".")[2] if "." in name else ".jpg"
        data = cv2.imencode(suffix, np.ascontiguousarray(frame[:, :, ::-1]))[1]
        (folder / name.format(k + 1)).write_bytes(data.tobytes())
    (folder / ".DS_Store").write_bytes(b"litter")
    assert files_of([tmp_path / "people"]) == files_of([folder]) == [folder]
    assert files_of([tmp_path]) == [tmp_path / "film.mp4", folder]
    found = amdd.inspect(folder, run.folder)
    assert found.people and not found.has_audio and "folder of pictures" in "; ".join(found.missing)
    (folder / "holiday.jpg").write_bytes(data.tobytes())
    assert len(files_of([folder])) == len(film) + 1


def test_another_detector_runs_through_the_same_rules(made, tmp_path, monkeypatch):
    (tmp_path / "green_detector.py").write_text(
        "def predict(frames, audio):\n"
        "    assert frames.shape[-1] == 3 and audio is not None\n"
        "    rest = frames[..., [0, 2]].mean()\n"
        "    return 0.99 if frames[..., 1].mean() > rest + 10 else 0.02\n"
        "def broken(frames, audio):\n    return 7\n"
    )
    monkeypatch.chdir(tmp_path)
    clips = write_clip(tmp_path / "a.mp4", seed=1), write_clip(tmp_path / "b.mp4", seed=1, forged=True)
    found = [amdd.inspect(clip, detector="green_detector:predict") for clip in clips]
    assert [f.verdict for f in found] == ["real", "forged"]
    assert found[0].detector == "green_detector:predict" and found[0].weights
    with pytest.raises(ValueError, match="a probability from 0 to 1"):
        amdd.inspect(clips[0], detector="green_detector:broken")
    with pytest.raises(ValueError, match="expected module:function"):
        amdd.inspect(clips[0], detector="green_detector")


def test_a_network_that_does_not_separate_gives_no_answer(made, scorer):
    _, _, prepared = made
    weak = dataclasses.replace(scorer.calibration, chance=0.3)
    found = amdd.inspect(prepared.manifest.video[1], scorer=dataclasses.replace(scorer, calibration=weak))
    assert (found.verdict, found.rule, found.generator) == ("can't tell", "weak model", "unknown")


def test_without_a_shipped_network_the_message_says_how_to_get_one(tmp_path):
    if (SHIPPED / "calibration.json").is_file():
        assert load_scorer().calibration.separates
        return
    with pytest.raises(CheckpointError, match="amdd run --profile demo"):
        amdd.inspect(tmp_path / "a.mp4")
    assert "--weights" in NONE_SHIPPED


def test_a_window_store_is_a_clip_store(made):
    from amdd.data.prepare import ClipStore

    assert isinstance(WindowStore(made[1].profile.preparation, []), ClipStore)
    assert portrait().shape[2] == 3
