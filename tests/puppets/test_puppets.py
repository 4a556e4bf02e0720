"""PuppetAV: the people, the picture, the forgers, and the corpora as files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from amdd.base.paths import Workspace
from amdd.corpora import scan
from amdd.data.faces.detectors import CenterFace
from amdd.data.media import probe, read_audio, read_video
from amdd.profiles import load_profile
from amdd.puppets.corpus import unseen
from amdd.puppets.corpus.casting import pools
from amdd.puppets.corpus.make import make_corpora, read_mask
from amdd.puppets.corpus.plans import plan
from amdd.puppets.corpus.record import record_shot
from amdd.puppets.corpus.studios import speech_engine
from amdd.puppets.forgers import lpc_vocoder, vocoder, voice_conversion
from amdd.puppets.forgers.base import WEIGHTS, Source, load_network
from amdd.puppets.forgers.networks import NAMES
from amdd.puppets.forgers.registry import FORGERS
from amdd.puppets.person.people import GROUPS, face_shape, make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import make_motion
from amdd.puppets.voice.speech import talk
from amdd.puppets.voice.synchrony import audio_visual_offset, mouth_opening
from amdd.puppets.voice.voices import voice_for

TINY = [
    "corpus.seconds=1.0",
    "corpus.size=128",
    "corpus.real=2,1,2",
    "corpus.fake=1,1,1",
    "corpus.fake_audio=1",
]


def digest(root: Path) -> dict[str, str]:
    """Every file's content, but for the seconds that something took."""
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def film(seed: int, n: int = 30, scene: int = 1) -> Source:
    identity = make_identity(seed)
    speech = talk(voice_for(identity), n / 25 + 0.1, np.random.default_rng(seed))
    clip = render_clip(identity, make_motion(speech, seed, n), scene)
    return Source(clip.frames, clip.landmarks, clip.face_mask, speech.audio, identity)


@pytest.fixture(scope="module")
def target() -> Source:
    return film(10_024)


@pytest.fixture(scope="module")
def donor() -> Source:
    return film(10_041, scene=2)


# --- people ----------------------------------------------------------------------------------------------------


def test_a_seed_is_one_person_in_every_process():
    here = repr(make_identity(123_457))
    code = "from amdd.puppets.person.people import make_identity; print(repr(make_identity(123_457)))"
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert here == there
    assert here != repr(make_identity(123_467))


def test_groups_take_turns_and_ages_span_adulthood():
    people = [make_identity(k) for k in range(3000, 3400)]
    assert set(Counter(p.group for p in people).values()) == {40}
    assert {p.group for p in people} == set(GROUPS)
    ages = np.array([p.age for p in people])
    assert ages.min() >= 18
    assert (ages < 30).mean() > 0.15
    assert (ages > 55).mean() > 0.1
    assert len({p.style for p in people}) >= 7


def test_no_face_is_far_from_the_others():
    shapes = np.stack([face_shape(make_identity(k)) for k in range(5000, 5100)])
    centre = shapes.mean(0)
    far = np.linalg.norm(shapes - centre, axis=2).max(1)
    assert far.max() < 0.9, "a point of some head lies 9 cm from the mean head's"
    between = np.linalg.norm(shapes[:50] - shapes[50:], axis=2).mean(1)
    assert between.min() > 0.01, "two people are the same"


# --- the picture -----------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_frames(target):
    again = film(10_024)
    np.testing.assert_array_equal(again.frames, target.frames)
    np.testing.assert_array_equal(again.audio, target.audio)


def test_landmarks_and_mask_lie_on_the_face(target):
    height, width = target.frames.shape[1:3]
    assert (target.landmarks >= 0).all()
    assert (target.landmarks < [width, height]).all()
    for points, mask in zip(target.landmarks[::7], target.face_mask[::7]):
        inner = points[[30, 33, 51, 57]].round().astype(int)
        assert mask[inner[:, 1], inner[:, 0]].all(), "nose and lips are on the mask"
        assert 0.04 < mask.mean() < 0.6


@pytest.mark.slow
def test_a_detector_trained_on_photographs_finds_the_faces_where_they_are():
    detector, found, total = CenterFace(), 0, 0
    for seed in range(20_000, 20_020):
        clip = film(seed, n=3, scene=seed)
        for boxes, points in zip(detector.detect_many(clip.frames), clip.landmarks):
            total += 1
            x, y = points.mean(0)
            found += any(b[0] < x < b[2] and b[1] < y < b[3] for b in np.asarray(boxes))
    assert found / total >= 0.97  # the figure over many more frames stands in the benchmark


def test_lips_follow_the_sound_and_not_another_sentence():
    own, other = [], []
    for k in range(6):
        clip, stranger = film(30_000 + k, 100), film(31_000 + k, 100)
        opening = mouth_opening(clip.landmarks)
        own.append(audio_visual_offset(opening, clip.audio, 16_000))
        other.append(audio_visual_offset(opening, stranger.audio, 16_000))
    assert sum(abs(lag) <= 1 for lag, _ in own) >= 5
    assert sum(abs(lag) <= 1 for lag, _ in other) <= 2, "by chance 3 of 25 lags"
    assert np.median([c for _, c in own]) > np.median([c for _, c in other])


# --- forgers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FORGERS))
def test_a_forger_changes_what_its_mask_says_and_nothing_else(name, target, donor):
    forged = FORGERS[name](target, donor, donor.audio, 3)
    assert forged.frames.shape == target.frames.shape
    assert forged.frames.dtype == np.uint8
    same = (forged.frames == target.frames).all(-1)
    assert same[forged.mask == 0].all()
    assert 0.01 < forged.mask.mean() < 0.4
    inside = np.abs(forged.frames.astype(int) - target.frames)[forged.mask == 1].mean()
    assert inside > 1.0, "nothing to see"
    assert forged.segments == ((0.0, 30 / 25.0),)
    again = FORGERS[name](target, donor, donor.audio, 3)
    np.testing.assert_array_equal(again.frames, forged.frames)


def test_swaps_take_the_donors_looks(target, donor):
    """Inside the face a swap is nearer to the donor's crop than the target was (colours are matched, so: shape)."""
    from amdd.puppets.forgers import align

    def looks(clip):
        crops = align.crop(clip.frames, align.crop_matrices(clip.landmarks, 64), 64).astype(float).mean(0)
        grey = crops.mean(-1)[16:52, 12:52]
        return (grey - grey.mean()) / grey.std()

    other = film(10_021, scene=5)
    goal = looks(other)
    import dataclasses

    for name in ("faceswap", "fsgan"):
        forged = dataclasses.replace(target, frames=FORGERS[name](target, other).frames)
        assert (looks(forged) * goal).mean() > (looks(target) * goal).mean(), name


def test_what_is_beside_a_donors_face_does_not_come_along(target, donor):
    """The same donor before a wall of another colour gives the same swap."""
    import dataclasses

    green = donor.frames.copy()
    green[donor.face_mask == 0] = (0, 255, 0)
    for name in ("faceswap", "dfdm-lightweight"):
        plain = FORGERS[name](target, donor).frames
        np.testing.assert_array_equal(
            FORGERS[name](target, dataclasses.replace(donor, frames=green)).frames, plain
        )


def test_wav2lip_keeps_the_upper_face_and_can_be_local(target, donor):
    forged = FORGERS["wav2lip"](target, None, donor.audio, 0, segments=((0.4, 0.8),))
    touched = forged.mask.reshape(len(forged.mask), -1).any(1)
    assert touched[10:20].all()
    assert not touched[:9].any()
    assert not touched[21:].any()
    for points, mask in zip(target.landmarks[10:20], forged.mask[10:20]):
        eyes = points[36:48].mean(0).round().astype(int)
        assert mask[: eyes[1]].sum() == 0


def test_a_crop_for_lips_stands_still_while_the_mouth_moves():
    """Only the jaw opens: the crop that wav2lip sees must not betray it. One placed by the mouth's corners does."""
    from amdd.puppets.forgers import align
    from amdd.puppets.person.actions import INDEX
    from amdd.puppets.person.head import head_model

    head = head_model()
    shut = head.neutral[head.landmarks]
    wide = shut + 0.6 * head.actions[INDEX["jawOpen"]][head.landmarks]
    points = (np.stack([shut, wide])[..., :2] * [1, -1] * 60 + 128).astype(np.float32)
    moved = {}
    for name, by in (("rigid", align.RIGID), ("stable", align.STABLE)):
        still, spoken = align.crop_matrices(points, 96, by)
        moved[name] = np.abs(align.move(points[:1], spoken[None]) - align.move(points[:1], still[None])).max()
    assert moved["rigid"] < 0.7  # pixels of 96, at the corner that moves most
    assert moved["stable"] > 2 * moved["rigid"], "this test would not notice"


def together(frames, landmarks, audio) -> np.ndarray:
    """The lip-sync expert's opinion of each moment's picture (rows) and each moment's sound (columns)."""
    import torch

    from amdd.puppets.forgers import align
    from amdd.puppets.forgers.features import mel_windows

    crops = align.crop(frames, align.crop_matrices(landmarks, 96, align.RIGID), 96)
    x = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    x = torch.stack([x[i : i + 5, :, 48:].reshape(15, 48, 96) for i in range(len(x) - 4)])
    mel = torch.from_numpy(mel_windows(audio, len(crops)))[2:-2]
    with torch.inference_mode():
        seen, heard = load_network("syncnet").embed(x, mel)
    return (seen @ heard.T).numpy()


def test_the_lip_sync_expert_knows_which_sound_belongs_to_a_mouth():
    clip, stranger = film(32_001, 100), film(33_001, 100)
    own = together(clip.frames, clip.landmarks, clip.audio)
    by_lag = [np.diagonal(own, lag).mean() for lag in range(-12, 13)]
    assert abs(int(np.argmax(by_lag)) - 12) <= 1
    right = np.abs(own.argmax(1) - np.arange(len(own))) <= 1
    assert right.mean() > 0.2  # by chance 3 in 96; pauses are all alike
    other = together(clip.frames, clip.landmarks, stranger.audio)
    assert np.diag(own).mean() > np.diag(other).mean() + 0.3


def test_lips_driven_by_another_sentence_say_it_and_not_what_was_filmed():
    for k in range(2):
        clip, stranger = film(34_001 + k, 100), film(35_001 + k, 100)
        made = FORGERS["wav2lip"](clip, None, stranger.audio)
        new, filmed = (
            np.diag(together(made.frames, clip.landmarks, a)).mean() for a in (stranger.audio, clip.audio)
        )
        assert new > filmed + 0.2


def test_forgers_take_rendered_people_only(target):
    photo = np.zeros((5, 64, 64, 3), np.uint8)
    with pytest.raises(TypeError, match="rendered people only"):
        Source(
            photo, np.zeros((5, 68, 2), np.float32), np.zeros((5, 64, 64), np.uint8), np.zeros(100), "someone"
        )
    with pytest.raises(ValueError, match="same frames"):
        Source(
            photo,
            np.zeros((4, 68, 2), np.float32),
            np.zeros((5, 64, 64), np.uint8),
            target.audio,
            target.identity,
        )


@pytest.mark.parametrize("module", [vocoder, voice_conversion, lpc_vocoder])
def test_forged_speech_is_other_sound_of_the_same_length_and_loudness(module, target, donor):
    sound = talk(voice_for(target.identity), 2.0, np.random.default_rng(1)).audio
    like = talk(voice_for(donor.identity), 2.0, np.random.default_rng(2)).audio
    forged = module.forge_audio(sound, 16_000, like, 0)
    assert forged.shape == sound.shape
    assert np.isfinite(forged).all()
    assert np.abs(forged).max() <= 1
    assert np.abs(forged - sound).mean() > 0.1 * np.abs(sound).mean()
    ratio = np.sqrt(np.mean(forged**2) / np.mean(sound**2))
    assert 0.4 < ratio < 2.5
    # Still speech: loud where the original is loud.
    frame = lambda x: np.abs(x[: len(x) // 400 * 400]).reshape(-1, 400).mean(1)  # noqa: E731
    assert np.corrcoef(frame(forged), frame(sound))[0, 1] > 0.6


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_small_and_their_training_is_on_record(name):
    path = WEIGHTS / f"{name}.safetensors"
    assert path.stat().st_size <= 6e6
    record = json.loads((WEIGHTS / f"{name}.json").read_text())
    assert record["parameters"] == sum(p.numel() for p in load_network(name).parameters())
    assert record["first_identity_seed"] >= 1_000_000
    curve = record["loss_every_25_steps"]
    assert curve[-1] < curve[0]
    assert {"seed", "steps", "seconds", "device"} <= record.keys()


def test_missing_or_foreign_weights_name_the_command_that_makes_them(tmp_path, monkeypatch):
    import amdd.puppets.forgers.base as base

    monkeypatch.setattr(base, "WEIGHTS", tmp_path)
    base.load_network.cache_clear()
    try:
        with pytest.raises(FileNotFoundError, match=r"training\.train faceswap"):
            base.load_network("faceswap")
        (tmp_path / "faceswap.safetensors").write_bytes((WEIGHTS / "syncnet.safetensors").read_bytes())
        with pytest.raises(ValueError, match=r"training\.train faceswap"):
            base.load_network("faceswap")
    finally:
        base.load_network.cache_clear()


# --- corpora ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["smoke", "demo", "paper"])
def test_nobody_is_on_two_sides_and_no_forgers_training_person_is_anywhere(name):
    settings = load_profile(name).corpus
    sides: dict[str, set[int]] = {}
    for clip in plan(settings)["puppet-favc"]:
        people = {clip.shot.person, *(d.person for d in (clip.face_donor, clip.voice_donor) if d)}
        sides.setdefault(clip.split_hint, set()).update(people)
    assert set(sides) == {"train", "val", "test"}
    assert not sides["train"] & sides["val"]
    assert not sides["train"] & sides["test"]
    assert not sides["val"] & sides["test"]
    everyone = {p for members in pools(settings).values() for p in members}
    assert max(everyone) < 900_000
    trained_on = sides["train"] | sides["val"]
    for corpus, clips in plan(settings).items():
        if corpus != "puppet-favc":
            assert not {c.shot.person for c in clips} & trained_on, corpus


def test_demo_has_about_seven_hundred_clips_and_paper_the_papers_counts():
    demo = plan(load_profile("demo").corpus)
    assert 640 <= sum(len(c) for c in demo.values()) <= 720
    counts = Counter(
        (c.split_hint, c.generator) for c in demo["puppet-favc"] if c.generator in ("real", "fsgan")
    )
    assert counts["train", "real"] == 128
    paper = plan(load_profile("paper").corpus)["puppet-favc"]
    assert sum(c.generator == "real" for c in paper) == 500
    assert sum(c.generator == "wav2lip" and c.split_hint == "train" for c in paper) == 350


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    profile = load_profile("smoke", TINY)
    workspace = Workspace(tmp_path_factory.mktemp("tiny"))
    roots = make_corpora(profile, workspace, progress=False, only=("puppet-favc", "puppet-lav"))
    return profile, workspace, roots


def test_clips_are_h264_and_aac_at_25_frames_a_second(tiny):
    _, _, roots = tiny
    table = scan("puppet-favc", roots["puppet-favc"])
    for video in table.video:
        facts = probe(video)
        assert facts.fps == pytest.approx(25)
        assert (facts.width, facts.height) == (128, 128)
        assert len(read_video(video).frames) == 25
        assert len(read_audio(video, 16_000)) >= 15_000


def test_one_worker_with_many_threads_makes_the_same_bytes(tiny, tmp_path):
    import torch
    from threadpoolctl import threadpool_info, threadpool_limits

    _, _, roots = tiny
    one = load_profile("smoke", [*TINY, "preparation.workers=1"])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with threadpool_limits(3):
            assert any(library["num_threads"] > 1 for library in threadpool_info())
            root = make_corpora(one, Workspace(tmp_path), progress=False, only=("puppet-favc",))[
                "puppet-favc"
            ]
    finally:
        torch.set_num_threads(before)
    assert digest(root) == digest(roots["puppet-favc"])


def test_masks_and_segments_say_what_was_forged(tiny):
    _, _, roots = tiny
    root = roots["puppet-lav"]
    truth = pd.read_parquet(root / "truth" / "truth.parquet").set_index("path")
    for path, row in truth.iterrows():
        spans = json.loads(row.forged_segments)
        assert bool(spans) == (row.generator != "real")
        if row["mask"]:
            touched = read_mask(root / row["mask"]).reshape(row.n_frames, -1).any(1)
            first, last = (round(t * 25) for t in spans[0])
            assert touched[first:last].any(), path
            assert not touched[:first].any(), path
            assert not touched[last:].any(), path


def test_reals_and_fakes_pass_through_one_chain(tiny):
    """No reader may tell them apart by container, codec, size of picture or length."""
    _, _, roots = tiny
    table = scan("puppet-favc", roots["puppet-favc"])
    facts = {(probe(v).width, round(probe(v).fps), len(read_video(v).frames)) for v in table.video}
    assert len(facts) == 1


def test_giveaways_are_found_where_there_are_some_and_not_where_there_are_none():
    from amdd.puppets.corpus.giveaways import features, separability

    rng = np.random.default_rng(0)
    people, label = np.repeat(np.arange(40), 6), np.tile([0, 1], 120)
    table = pd.DataFrame({"noise": rng.normal(size=240), "tell": label + rng.normal(0, 0.3, 240)})
    found = separability(table, label, people).set_index("feature").auc
    assert found["tell"] > 0.95
    assert found["all together"] > 0.9
    assert 0.35 < found["noise"] < 0.65
    assert separability(table, label, np.zeros(240)).auc.isna().all()
    broken = features(pd.DataFrame({"video": ["nowhere.mp4"], "audio": [""]}))
    assert broken.isna().all(axis=None)


@pytest.mark.parametrize("people", ["own", "halves", "pairs", "one real"])
def test_giveaways_of_few_people_with_one_class_each(people):
    """Nobody's clips are of both classes, or one person alone is real: folds without a class are not trained on."""
    from amdd.puppets.corpus.giveaways import separability

    label = np.repeat([0, 1], 12)
    if people == "own":  # every clip is a person
        who = np.arange(24)
    elif people == "halves":  # two people: whichever is left out takes its class along
        who = label
    elif people == "pairs":
        who = np.repeat(np.arange(4), 6)
    else:
        who = np.where(label == 0, 0, np.arange(24))
    table = pd.DataFrame({"tell": label + np.linspace(0, 0.2, 24)})
    found = separability(table, label, who).auc
    if people in ("halves", "one real"):
        assert found.isna().all()
    else:
        assert (found > 0.9).all() if people == "own" else found.between(0, 1).all()


def test_traits_of_a_clip_are_measured(tiny):
    from amdd.puppets.corpus.giveaways import features

    _, _, roots = tiny
    table = scan("puppet-favc", roots["puppet-favc"]).table
    found = features(table)
    assert found.notna().all(axis=None)
    assert (found.frames == 25).all()
    assert found["codec metadata"].nunique() == 1  # one encoder, one set of settings, no tags
    assert (found["file size"] == [Path(v).stat().st_size for v in table.video]).all()


@pytest.mark.slow
def test_a_clip_beside_its_forgeries_can_be_played(tmp_path):
    from amdd.puppets.corpus.play import write

    settings = load_profile("smoke", TINY).corpus
    path = write(tmp_path / "forgeries.mp4", settings)
    film_of_it = read_video(path).frames
    assert film_of_it.shape[1] == 2 * 128
    assert film_of_it.shape[2] in (2 * 128, 3 * 128, 4 * 128)
    with pytest.raises(ValueError, match="number them"):
        write(tmp_path / "more.mp4", settings, 99)


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(tiny, tmp_path):
    _, _, roots = tiny
    expected = digest(roots["puppet-favc"])
    code = (
        "from pathlib import Path\nfrom amdd.base.paths import Workspace\nfrom amdd.profiles import load_profile\n"
        "from amdd.puppets.corpus.make import make_corpora\n"
        f"make_corpora(load_profile('smoke', {TINY!r}), Workspace(Path({str(tmp_path)!r})), False, ('puppet-favc',))\n"
    )
    rng = np.random.default_rng(0)
    root = Workspace(tmp_path).corpora / "puppet-favc"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    limit = time.monotonic() + 900
    while process.poll() is None and time.monotonic() < limit:
        if len(list(root.glob("truth/records/*.json"))) >= 2:
            time.sleep(float(rng.uniform(0, 0.5)))
            break
        time.sleep(0.02)
    assert process.poll() is None, "it was through before it could be killed"
    os.killpg(process.pid, 9)
    process.wait()
    # A clip that was half written lies under a hidden name and is cleared away.
    whole = [p for p in root.rglob("*.mp4") if not p.name.startswith(".")]
    done = {p: p.stat().st_mtime_ns for p in whole}
    profile = load_profile("smoke", TINY)
    make_corpora(profile, Workspace(tmp_path), progress=False, only=("puppet-favc",))
    assert digest(root) == expected
    kept = [p for p, stamp in done.items() if p.stat().st_mtime_ns == stamp]
    assert kept, "finished clips were made again"


def test_a_donors_recording_is_filmed_once_and_is_the_same_for_everybody(tiny, tmp_path, monkeypatch):
    settings = tiny[0].corpus
    shot = next(c.face_donor for c in plan(settings, ("puppet-favc",))["puppet-favc"] if c.face_donor)
    (tmp_path / "alone").mkdir()
    alone = record_shot(settings, shot, tmp_path / "alone", step=4)
    assert not list((tmp_path / "alone").iterdir())
    first = record_shot(settings, shot, tmp_path, step=4, keep=True)

    def filmed_again(*_args, **_kwargs):
        raise AssertionError("rendered a second time")

    with monkeypatch.context() as patch:
        patch.setattr("amdd.puppets.corpus.record.render_clip", filmed_again)
        second = record_shot(settings, shot, tmp_path, step=4, keep=True)
    # What another process was killed over: the film is there, what is known about it is not.
    next(tmp_path.glob("*.npz")).unlink()
    third = record_shot(settings, shot, tmp_path, step=4, keep=True)
    for other in (first, second, third):
        for name in ("frames", "landmarks", "face_mask", "audio"):
            assert (getattr(other, name) == getattr(alone, name)).all(), name
    assert alone.face_mask.any() and alone.fps == settings.fps / 4


def test_a_spoilt_record_is_made_again_and_other_settings_remove_strangers(tiny, tmp_path):
    profile, workspace, roots = tiny
    root = roots["puppet-favc"]
    before = digest(root)
    record = sorted((root / "truth" / "records").glob("*.json"))[0]
    record.write_text("{")
    make_corpora(profile, workspace, progress=False, only=("puppet-favc",))
    assert digest(root) == before
    fewer = load_profile("smoke", [*TINY, "corpus.fake_audio=0"])
    make_corpora(fewer, workspace, progress=False, only=("puppet-favc",))
    left = scan("puppet-favc", root)
    assert set(left.category) == {"A", "C"}
    assert "not read" not in left.report
    make_corpora(profile, workspace, progress=False, only=("puppet-favc",))
    assert digest(root) == before


def test_the_face_has_no_pinholes_and_nothing_beside_the_forgery_changes(target, donor):
    import cv2

    for mask in target.face_mask[::7]:
        _, part = cv2.connectedComponents((1 - mask).astype(np.uint8))
        assert np.bincount(part.ravel())[1:].min() > 4, "a pixel or two within the face are not face"
    forged = FORGERS["fsgan"](target, donor, None, 0)
    for changed in forged.mask[::7]:
        # A window that a solver rounded would be a rectangle: as full as its own bounding box.
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
        assert changed.sum() < 0.93 * box


def test_unseen_generators_share_studio_people_and_speech_with_those_of_training(tmp_path):
    """Reals and fakes of known and unknown generators differ by the generator only, and the corpus is read back whole."""
    wanted = ["corpus.identities=1,1,4", "corpus.real=1,1,4", "corpus.fake=1,1,1", "corpus.unseen=1"]
    profile = load_profile("smoke", [*wanted, "corpus.external=puppet-unseen"])
    clips = plan(profile.corpus, ("puppet-unseen",))["puppet-unseen"]
    generators = [c.generator for c in clips]
    assert generators.count("real") == 4 and set(generators) == {"real", *unseen.KNOWN, *unseen.UNSEEN}
    assert {c.shot.person for c in clips} <= set(pools(profile.corpus)["test"])
    assert all(c.face_donor is None or c.face_donor.person != c.shot.person for c in clips)
    assert speech_engine(profile.corpus, "puppet-unseen") == "bank" != profile.corpus.external_speech
    root = make_corpora(profile, Workspace(tmp_path), progress=False, only=("puppet-unseen",))[
        "puppet-unseen"
    ]
    table = scan("puppet-unseen", root).table
    assert sorted(table.generator) == sorted(generators)
    assert (table.donor != "").sum() == len(clips) - 4
