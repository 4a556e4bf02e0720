"""Numbers, tables and figures as files, the roles that show them, and the command line's messages."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from amdd.analysis.embeddings import (
    alignment,
    cluster_scores,
    coherence,
    knn_purity,
    linear_probe,
    purity_of_others,
    tsne,
    umap,
)
from amdd.analysis.gradcam import agreement, crop_masks
from amdd.base.paths import PROJECT
from amdd.companion.html import table_html
from amdd.companion.results import Results
from amdd.companion.sphinx.results import remarks, show
from amdd.companion.timings import duration
from amdd.figures import Figure
from amdd.stats import Estimate

# --- results as files ------------------------------------------------------------------------------------------


def test_numbers_carry_what_they_rest_on(tmp_path):
    results = Results(tmp_path, "x", "smoke")
    results.number("b", Estimate(np.float32(0.25), 0.1, 0.4, n=np.int64(12)), seed=0)
    results.number("a", 3)
    results.number("c", float("nan"), n=4)
    results.number("d", Estimate(float("nan"), n=0))
    stored = json.loads((tmp_path / "numbers.json").read_text())
    assert list(stored) == ["a", "b", "c", "d"]
    assert stored["c"]["value"] == stored["d"]["value"] == "not defined"
    assert stored["b"] == {"value": 0.25, "n": 12, "low": 0.1, "high": 0.4, "seed": 0, "profile": "smoke"}


def test_metrics_say_what_is_not_a_number(tmp_path):
    table = pd.DataFrame(
        {"value": [0.5, np.nan], "low": [0.4, np.nan], "high": [0.6, np.nan], "n": [9, 0], "people": [3, 0]},
        index=["auc", "f1"],
    )
    Results(tmp_path, "x", "smoke").metrics("full", table)
    stored = json.loads((tmp_path / "numbers.json").read_text())
    assert stored["full.auc"]["value"] == 0.5
    assert stored["full.f1"]["value"] == "not defined"


def test_a_figure_is_the_same_bytes_twice_and_keeps_its_words_and_data(tmp_path):
    for name in ("one", "two"):
        fig, ax = plt.subplots()
        ax.plot([1, 2], [3, 4])
        figure = Figure(fig, "a line that <rises>", pd.DataFrame({"x": [1, 2]}))
        Results(tmp_path / name, "x", "smoke").show("line", figure, "A line.")
    one, two = tmp_path / "one", tmp_path / "two"
    assert (one / "line.svg").read_bytes() == (two / "line.svg").read_bytes()
    assert json.loads((one / "line.json").read_text())["alt"] == "a line that <rises>"
    assert (one / "line.csv").read_text() == "x\n1\n2\n"


def test_tables_escape_what_is_in_them():
    text = table_html(pd.DataFrame({"<a>": ["<script>", None, float("nan"), pd.NA]}), "n < 3", 2)
    assert "<script>" not in text
    assert "<a>" not in text
    assert "n &lt; 3" in text
    assert text.count("–") == 3


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.12345, "", "0.123"),
        (95.9, "%", "95.9\u00a0%"),
        (12, "", "12"),
        (12345, "", "12\u202f345"),
        ("none", "", "none"),
    ],
)
def test_numbers_in_prose(value, unit, text):
    assert show(value, unit) == text


def test_what_stands_beside_a_number():
    assert remarks({"value": 1.0}) == []
    kept = remarks({"value": 0.4, "low": 0.31, "high": 0.52, "n": 70})
    assert kept == ["95\u00a0% interval 0.310–0.520", "n\u00a0=\u00a070"]
    assert remarks({"value": 0.4, "n": 70, "people": 12}) == ["n\u00a0=\u00a070", "12 people"]
    # A dash before a minus sign would be misread.
    assert remarks({"value": 0.1, "low": -0.1, "high": 0.3, "seeds": 5}) == [
        "95\u00a0% interval \u22120.100 to 0.300",
        "5 seeds",
    ]
    assert remarks({"value": 0.5, "least": 0.4, "most": 0.6, "seeds": 5}) == ["0.400–0.600 over 5 seeds"]
    assert remarks({"value": 5, "least": 4.0, "most": 6.0, "rounds": 3, "unit": "ms"}) == [
        "4.0–6.0\u00a0ms over 3 rounds"
    ]


def test_durations_as_people_say_them():
    assert [duration(s) for s in (0.2, 40, 180, 9000)] == ["1 s", "40 s", "3 min", "2.5 h"]


# --- embeddings ------------------------------------------------------------------------------------------------


def blobs(apart: float, n=60, d=16, seed=0):
    rng = np.random.default_rng(seed)
    classes = np.array(["real", "faceswap", "fsgan"])[np.arange(n) % 3]
    centres = np.eye(d)[:3] * apart
    return centres[np.arange(n) % 3] + rng.normal(0, 0.3, (n, d)), classes


def test_cluster_measures_tell_clusters_from_noise():
    clear, classes = blobs(4.0)
    noise, _ = blobs(0.0)
    assert cluster_scores(clear, classes)["purity"] == 1
    assert cluster_scores(clear, classes)["silhouette"] > 0.8
    assert abs(cluster_scores(noise, classes)["silhouette"]) < 0.1
    assert cluster_scores(noise, classes)["purity"] < 0.55
    assert cluster_scores(clear, classes)["chance"] == pytest.approx(1 / 3)


def test_purity_against_a_naive_count():
    points, classes = blobs(0.5, n=30)
    expected = []
    for i in range(30):
        order = np.argsort(np.linalg.norm(points - points[i], axis=1))
        expected.append(np.mean(classes[[j for j in order if j != i][:5]] == classes[i]))
    assert knn_purity(points, classes, 5) == pytest.approx(np.mean(expected))


def test_purity_among_others_does_not_see_the_person_and_equals_a_naive_count():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(15), 4)
    classes = np.array(["a", "b"])[people % 2]
    marks = rng.normal(size=(15, 8))[people] + rng.normal(0, 0.01, (60, 8))  # a person's clips lie together
    assert knn_purity(marks, classes, 3) == 1
    found = purity_of_others(marks, classes, people, 3)
    assert found.mean() < 0.8
    for i in range(60):
        order = [j for j in np.argsort(np.linalg.norm(marks - marks[i], axis=1)) if people[j] != people[i]]
        assert found[i] == pytest.approx(np.mean(classes[order[:3]] == classes[i]))
    assert np.isnan(purity_of_others(marks[:4], classes[:4], people[:4])).all()


def test_coherence_is_a_loop_over_other_peoples_fakes():
    rng = np.random.default_rng(1)
    n, people = 40, np.arange(40) // 4
    classes = np.array(["real", "fsgan", "wav2lip", "wav2lip"])[np.arange(40) % 4]
    trace = {"real": 0, "fsgan": 1, "wav2lip": 2}
    base = np.eye(8)[[trace[c] for c in classes]]
    found = {k: base + 0.3 * rng.normal(size=(n, 8)) for k in ("visual_projection", "audio_projection")}
    found["audio_projection"][5] = 0  # a fake without audio
    values = coherence(found, classes, people)
    for i in range(n):
        v, cosines = found["visual_projection"][i], {True: [], False: []}
        for j in range(n):
            heard = classes[j] != "real" and j != 5 and people[j] != people[i]
            if heard:
                cosines[classes[j] == classes[i]].append(v @ found["audio_projection"][j])
        if classes[i] == "real" or i == 5:
            assert np.isnan(values[i])
        else:
            assert values[i] == pytest.approx(np.mean(cosines[True]) - np.mean(cosines[False]))
    assert np.nanmean(values) > 0.5  # a trace that both modalities carry is found


def test_the_probe_never_sees_a_person_that_it_names():
    # Each person has a mark and one class: a probe that saw the person would name the class from the mark.
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(30), 6)
    classes = np.array(["a", "b", "c"])[people % 3]
    marks = rng.normal(size=(30, 64))[people] + rng.normal(0, 0.05, (180, 64))
    assert (linear_probe(marks, classes, people) == classes).mean() < 0.65
    useful, kinds = blobs(3.0, n=180)
    assert (linear_probe(useful, kinds, people) == kinds).mean() > 0.95
    with pytest.raises(ValueError, match="two people"):
        linear_probe(marks[:6], classes[:6], people[:6])


def test_maps_come_again_with_the_seed():
    points, _ = blobs(2.0, n=40)
    np.testing.assert_array_equal(tsne(points, 30), tsne(points, 30))
    np.testing.assert_array_equal(umap(points, 10), umap(points, 10))
    assert tsne(points, 30).shape == (40, 2)


def test_alignment_is_a_cosine_and_nothing_without_sound():
    unit = np.eye(4)[:3]
    found = alignment(
        {"visual_projection": unit, "audio_projection": np.stack([unit[0], -unit[1], 0 * unit[2]])}
    )
    assert found[:2].tolist() == [1, -1]
    assert np.isnan(found[2])


# --- attention maps --------------------------------------------------------------------------------------------


def test_agreement_of_known_maps():
    masks = np.zeros((2, 40, 40), np.uint8)
    masks[:, 10:20, 10:30] = 1
    perfect = agreement(masks.astype(np.float32), masks)
    assert perfect["energy"] == pytest.approx(1)
    assert perfect["pointing"] == 1
    assert perfect["iou"] > 0.95
    ignorant = agreement(np.ones((2, 7, 7), np.float32), masks)
    assert ignorant["energy"] == pytest.approx(ignorant["area"], abs=1e-6)
    assert agreement(1 - masks.astype(np.float32), masks)["energy"] < 0.01


def test_masks_go_through_the_same_geometry_as_the_faces():
    mask = np.zeros((3, 64, 64), np.uint8)
    mask[1, 16:32, 16:48] = 1  # of a picture of 128 pixels: rows 32-63, columns 32-95
    matrix = np.array([[0.5, 0, -16.0], [0, 0.5, -16.0]])  # pixel (x, y) -> ((x - 32) / 2, (y - 32) / 2)
    found = crop_masks(mask, np.array([1, 0]), np.stack([matrix, matrix]), 128, 32)
    assert found[0, :16].all()
    assert not found[0, 17:].any()
    assert not found[1].any()


# --- command line ----------------------------------------------------------------------------------------------


def amdd(*words, **more):
    return subprocess.run(
        [sys.executable, "-m", "amdd.cli", *words],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        **more,
    )


def test_the_command_line_lists_what_can_be_read():
    done = amdd("corpora")
    assert done.returncode == 0
    for name in (
        "FakeAVCeleb",
        "DeepfakeTIMIT",
        "DFDM",
        "LAV-DF",
        "Celeb-DF",
        "FaceForensics",
        "AV-Deepfake1M",
    ):
        assert name in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--profile", "tiny"), "smoke, demo, paper"),
        (("run", "--profile", "smoke", "--set", "training.epoch=3"), "epochs"),
        (("scan", "dfdm", "nowhere-at-all"), "no such folder"),
        (("verify", "--profile", "nothing"), "amdd run"),
    ],
)
def test_a_users_mistake_is_one_line_and_no_traceback(words, message, tmp_path):
    import os

    done = amdd(*words, env=os.environ | {"AMDD_BUILD": str(tmp_path)})
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_model_summary_prints_table_1():
    done = amdd("model", "summary")
    assert done.returncode == 0, done.stderr
    assert "40,719,621" in done.stdout or "40719621" in done.stdout


@pytest.mark.slow
def test_training_and_evaluation_from_the_command_line(smoke, tmp_path):
    clips = smoke.prepared / "puppet-favc"
    done = amdd(
        "train",
        "--profile",
        "smoke",
        "--set",
        "training.epochs=1",
        "--prepared",
        str(clips),
        "--out",
        str(tmp_path / "run"),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "was selected" in done.stdout
    done = amdd("evaluate", str(tmp_path / "run"), str(clips))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "balanced_accuracy" in done.stdout
    done = amdd("evaluate", str(tmp_path / "run"), str(clips), "--split", "exam")
    assert done.returncode == 1
    assert "expected one of:" in done.stderr


def test_buttons_that_run_a_page_elsewhere_need_a_repository(monkeypatch):
    import yaml

    from amdd.companion.book import BookFailed, configuration, repository_url

    text = (PROJECT / "_config.yml").read_text(encoding="utf-8")
    bare = yaml.safe_load(configuration(text, ""))
    assert "repository" not in bare
    assert not any(bare["launch_buttons"][k] for k in ("binderhub_url", "colab_url"))
    full = yaml.safe_load(configuration(text, "https://github.com/a/b"))
    assert full["repository"]["url"] == "https://github.com/a/b"
    assert full["launch_buttons"]["colab_url"].startswith("https://colab")
    elsewhere = yaml.safe_load(configuration(text, "https://codeberg.org/a/b"))
    assert not elsewhere["launch_buttons"]["colab_url"]
    monkeypatch.setenv("AMDD_REPOSITORY", "your-name/your-repo")
    with pytest.raises(BookFailed, match="your-name"):
        repository_url()


def test_a_clip_player_holds_every_score_and_the_sound_plays():
    import io

    import av

    from amdd.analysis.media import Played
    from amdd.figures.player import clip_player, mp3

    rng = np.random.default_rng(0)
    clip = Played(
        "<real>", rng.integers(0, 255, (4, 20, 20, 3), np.uint8), 2.0, np.sin(np.arange(32_000) / 10) * 0.4,
        np.array([0.2, 1.0, 1.8]), np.array([0.1, 0.9, 0.5]), 0.3,
    )  # fmt: skip
    shown = clip_player([clip])
    text = shown.content
    assert list(shown.table.score) == [0.1, 0.9, 0.5]
    assert text.count("data-bar=") >= 3
    assert "<real>" not in text.split("<script>")[0]
    sound = mp3(clip.sound)
    assert sound == mp3(clip.sound)
    with av.open(io.BytesIO(base64.b64decode(sound.split(",")[1]))) as container:
        n = sum(f.samples for f in container.decode(audio=0))
    assert abs(n / 16_000 - 2) < 0.15
    with pytest.raises(ValueError, match="no clips"):
        clip_player([])


def test_residual_spectra_show_missing_detail():
    import cv2

    from amdd.analysis.residual import residual_spectrum, rings
    from amdd.figures.residual import residual_figure

    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 255, (6, 64, 64, 3), np.uint8)
    soft = np.stack([cv2.GaussianBlur(f, (0, 0), 1.0) for f in sharp])
    lost = 10 * np.log10(rings(residual_spectrum(soft)) / rings(residual_spectrum(sharp)))
    assert lost[-1] < -10 < lost[0]
    table = residual_figure({"real": residual_spectrum(sharp), "faceswap": residual_spectrum(soft)}).table
    assert table.faceswap.iloc[-1] < -10
