"""Speech, motion, sound and forged sound of the built-in corpus."""

from __future__ import annotations

import numpy as np
import pytest

from amdd.puppets.actions import ACTIONS, INDEX
from amdd.puppets.forgers import vocoder, voice_conversion
from amdd.puppets.motion import CLOSED, make_motion
from amdd.puppets.people import make_identity
from amdd.puppets.sound import in_a_room
from amdd.puppets.speech import sentences, speak, talk
from amdd.puppets.synchrony import audio_visual_offset
from amdd.puppets.voices import voice_for

RATE = 16_000


def said(seed: int, seconds: float = 4.0):
    return talk(voice_for(make_identity(seed)), seconds, np.random.default_rng(seed), RATE)


def opening(motion) -> np.ndarray:
    return motion.actions[:, INDEX["jawOpen"]] + 0.3 * motion.actions[:, INDEX["mouthLowerDownLeft"]]


def test_speech_is_repeatable_and_its_phonemes_are_in_order():
    voice = voice_for(make_identity(12))
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


@pytest.mark.parametrize("forger", [vocoder, voice_conversion])
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
