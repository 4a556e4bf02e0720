"""Speech, motion, sound and forged sound of the built-in corpus."""

from __future__ import annotations

import dataclasses
import sys
from difflib import SequenceMatcher
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from amdd.profiles import load_profile
from amdd.puppets.forgers import lpc_vocoder, vocoder, voice_conversion
from amdd.puppets.person.actions import ACTIONS, INDEX
from amdd.puppets.person.people import make_identity
from amdd.puppets.voice import neural_voice
from amdd.puppets.voice.motion import CLOSED, make_motion
from amdd.puppets.voice.sound import in_a_room
from amdd.puppets.voice.speech import sentences, speak, talk
from amdd.puppets.voice.synchrony import audio_visual_offset
from amdd.puppets.voice.voices import Voice, voice_for

RATE = 16_000


def said(seed: int, seconds: float = 4.0):
    return talk(voice_for(make_identity(seed)), seconds, np.random.default_rng(seed), RATE)


def opening(motion) -> np.ndarray:
    return motion.actions[:, INDEX["jawOpen"]] + 0.3 * motion.actions[:, INDEX["mouthLowerDownLeft"]]


def test_speech_is_repeatable_and_its_phonemes_are_in_order():
    voice = voice_for(make_identity(12), engine="espeak")
    text = sentences()[3]
    first, again = speak(text, voice), speak(text, voice)
    assert np.array_equal(first.audio, again.audio) and first.phonemes == again.phonemes
    assert first.sample_rate == RATE and first.audio.dtype == np.float32 and np.abs(first.audio).max() <= 1
    starts = [p.start for p in first.phonemes]
    assert len(starts) > 10 and starts == sorted(starts)
    assert all(p.start < p.end <= first.seconds + 1e-6 for p in first.phonemes)
    assert any(p.stressed for p in first.phonemes)


def test_sentences_are_many_and_different():
    assert len(set(sentences())) >= 150


def test_voices_are_stable_and_many():
    voices = {voice_for(make_identity(seed)) for seed in range(40)}
    assert len(voices) > 35
    assert voice_for(make_identity(7)) == voice_for(make_identity(7))


def test_motion_has_the_contract_and_lips_close_for_closures():
    speech = said(21)
    motion = make_motion(speech, 5, 100)
    shapes = [motion.actions.shape, motion.pose.shape, motion.shift.shape, motion.gaze.shape]
    assert shapes == [(100, len(ACTIONS)), (100, 3), (100, 2), (100, 2)]
    assert motion.actions.dtype == np.float32 and motion.actions.min() >= 0 and motion.actions.max() <= 1
    assert np.array_equal(motion.actions, make_motion(speech, 5, 100).actions)
    jaw = motion.actions[:, INDEX["jawOpen"]]
    middles = [int((p.start + p.end) / 2 * 25) for p in speech.phonemes if p.symbol[:1] in CLOSED]
    middles = [m for m in middles if m < 100]
    assert middles and np.mean(jaw[middles]) < 0.5 * np.percentile(jaw, 75)


def test_lips_follow_their_own_words_and_not_those_of_another():
    spoken = [said(20_000 + k) for k in range(40)]
    sounds = [in_a_room(s.audio, k, RATE) for k, s in enumerate(spoken)]
    mouths = [opening(make_motion(s, k, 100)) for k, s in enumerate(spoken)]
    own = [audio_visual_offset(m, s, RATE) for m, s in zip(mouths, sounds)]
    other = [audio_visual_offset(m, s, RATE) for m, s in zip(mouths, sounds[1:] + sounds[:1])]
    assert np.mean([abs(at) <= 1 for at, _ in own]) >= 0.95
    assert np.mean([abs(at) <= 1 for at, _ in other]) <= 0.5
    assert np.mean([c for _, c in own]) > np.mean([c for _, c in other]) + 0.15


def test_a_known_delay_is_found():
    speech = said(33)
    late = np.roll(opening(make_motion(speech, 1, 100)), 4)
    assert abs(audio_visual_offset(late, speech.audio, RATE)[0] - 4) <= 1


def test_room_has_a_floor_and_a_random_level():
    speech = said(4)
    rooms = [in_a_room(speech.audio, seed, RATE) for seed in range(8)]
    assert all(r.dtype == np.float32 and len(r) == len(speech.audio) for r in rooms)
    assert all(np.abs(r[:400]).max() > 1e-5 for r in rooms)  # no digital silence before the first word
    levels = [20 * np.log10(np.sqrt(np.mean(r**2))) for r in rooms]
    assert max(levels) - min(levels) > 2


@pytest.mark.parametrize("forger", [vocoder, voice_conversion, lpc_vocoder])
def test_forged_sound_keeps_length_loudness_and_words(forger):
    own, other = said(51).audio, said(60).audio
    made = forger.forge_audio(own, RATE, other, seed=3)
    assert made.dtype == np.float32 and made.shape == own.shape and np.isfinite(made).all()
    assert np.array_equal(made, forger.forge_audio(own, RATE, other, seed=3))
    assert np.sqrt(np.mean(made**2)) == pytest.approx(np.sqrt(np.mean(own**2)), rel=0.1)
    hop = 640

    def loud(x):
        return np.sqrt((x[: len(x) // hop * hop].reshape(-1, hop) ** 2).mean(1))

    assert np.corrcoef(loud(own), loud(made))[0, 1] > 0.7
    assert np.corrcoef(own, made)[0, 1] < 0.95  # and yet it isn't the same sound


def test_conversion_moves_the_pitch_towards_the_target():
    low, high = said(20_000).audio, said(20_001).audio  # a man, a woman
    pitch = voice_conversion.median_pitch
    before, goal = pitch(low, RATE), pitch(high, RATE)
    after = pitch(voice_conversion.forge_audio(low, RATE, high), RATE)
    if abs(goal / before - 1) > 0.15:
        assert abs(np.log(after / goal)) < abs(np.log(before / goal))


def test_forged_sound_refuses_what_it_cannot_use():
    with pytest.raises(ValueError, match="target_audio"):
        voice_conversion.forge_audio(np.zeros(8000, np.float32))
    with pytest.raises(ValueError, match="mono"):
        vocoder.forge_audio(np.zeros((2, 8000), np.float32))
    silent = np.zeros(8000, np.float32)
    assert not voice_conversion.forge_audio(silent, RATE, silent).any()


# --- a neural voice in the synthesiser's place -----------------------------------------------------------------


def other(voice, rate: int):
    """Another speaker of another pace: what a neural voice is to the synthesiser."""
    return dataclasses.replace(voice, name="en-us+f3", rate=rate, pitch=70)


def starts_of_the_same(a, b) -> np.ndarray:
    """Start times (n, 2) of the sounds that both phoneme lists have; a slower voice has an allophone more or less."""
    lists = [[p.symbol for p in phonemes] for phonemes in (a, b)]
    blocks = SequenceMatcher(None, *lists, autojunk=False).get_matching_blocks()
    return np.array([(a[i + k].start, b[j + k].start) for i, j, n in blocks for k in range(n)])


def test_phoneme_times_are_carried_over_to_another_voice():
    plain = Voice("en-us+m1", 160, 40, 50)
    errors, straight = [], []
    for text in sentences()[:12]:
        reference, target = speak(text, plain), speak(text, other(plain, 125))
        moved = neural_voice.carry_over(reference, target.audio)
        assert np.array_equal(moved.audio, target.audio) and moved.text == text
        assert all(p.start < p.end <= moved.seconds + 1e-6 for p in moved.phonemes)
        starts = [p.start for p in moved.phonemes]
        assert starts == sorted(starts)
        ours, truth = starts_of_the_same(moved.phonemes, target.phonemes).T
        errors += list(np.abs(ours - truth))
        line, truth = starts_of_the_same(reference.phonemes, target.phonemes).T
        straight += list(np.abs(line * target.seconds / reference.seconds - truth))
    assert len(errors) > 300
    assert np.median(errors) < 0.02  # half a frame of video
    assert np.mean(errors) < 0.7 * np.mean(straight)


def test_the_warp_is_the_cheapest_path():
    rng = np.random.default_rng(0)
    for n, m in ((1, 1), (1, 5), (4, 3), (6, 6), (5, 9)):
        a, b = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
        cost = np.linalg.norm(a[:, None] - b[None], axis=2)
        path = neural_voice.warp(a, b)
        assert tuple(path[0]) == (0, 0) and tuple(path[-1]) == (n - 1, m - 1)
        assert {tuple(s) for s in np.diff(path, axis=0)} <= {(0, 1), (1, 0), (1, 1)}

        @cache
        def least(i, j, cost=cost):
            if i < 0 or j < 0:
                return np.inf
            if i == j == 0:
                return cost[0, 0]
            return cost[i, j] + min(least(i - 1, j), least(i, j - 1), least(i - 1, j - 1))

        assert cost[path[:, 0], path[:, 1]].sum() == pytest.approx(least(n - 1, m - 1))


@pytest.fixture
def piper(monkeypatch, tmp_path):
    """Piper's interface with the synthesiser behind it; no voice can be had without a download."""
    asked = []

    class Config(SimpleNamespace):
        pass

    def synthesize(text, how):
        asked.append(how)
        speech = speak(text, Voice("en-us+f2", round(150 / how.length_scale), 60, 50), 22_050)
        yield SimpleNamespace(audio_float_array=speech.audio)

    voice = SimpleNamespace(
        config=SimpleNamespace(num_speakers=3, sample_rate=22_050, length_scale=1.0), synthesize=synthesize
    )
    monkeypatch.setitem(sys.modules, "piper", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "piper.config", SimpleNamespace(SynthesisConfig=Config))
    monkeypatch.setattr(neural_voice, "_voice", lambda model: voice)
    neural_voice._synthesise.cache_clear()
    yield asked
    neural_voice._synthesise.cache_clear()


def test_a_neural_voice_speaks_what_the_synthesiser_would(piper):
    people = [make_identity(seed) for seed in (3, 4)]
    voices = [voice_for(p, "voice.onnx") for p in people]
    made = [talk(v, 4.0, np.random.default_rng(9), RATE) for v in voices]
    for speech, person in zip(made, people):
        assert speech.audio.shape == (4 * RATE,) and np.abs(speech.audio).max() <= 1
        plain = talk(voice_for(person), 4.0, np.random.default_rng(9), RATE)
        assert not np.array_equal(speech.audio, plain.audio)
        assert len(speech.phonemes) > 15
    assert {how.speaker_id for how in piper} <= {0, 1, 2}
    assert all(how.noise_scale == how.noise_w_scale == 0 for how in piper)
    again = talk(voices[0], 4.0, np.random.default_rng(9), RATE)
    assert np.array_equal(again.audio, made[0].audio)
    # Its lips follow its sound as the synthesiser's do.
    offset, _ = audio_visual_offset(opening(make_motion(made[0], 1, 100)), made[0].audio, RATE)
    assert abs(offset) <= 1


def test_what_a_neural_voice_lacks_is_said(monkeypatch, tmp_path):
    neural_voice._voice.cache_clear()
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(neural_voice.VoiceError, match=r"amdd\[voice\]"):
        neural_voice._voice(str(tmp_path / "a.onnx"))


def test_clips_are_made_again_when_the_voice_file_changes(tmp_path):
    from amdd.puppets.corpus.make import clip_key
    from amdd.puppets.corpus.plans import plan

    file = tmp_path / "voice.onnx"
    file.write_bytes(b"one")
    settings = load_profile("smoke", []).corpus
    clip = plan(settings, ("puppet-favc",))["puppet-favc"][0]
    voiced = dataclasses.replace(settings, neural_voice=str(file))
    first = clip_key(voiced, clip)
    assert first != clip_key(settings, clip)
    file.write_bytes(b"another")
    assert clip_key(voiced, clip) != first
