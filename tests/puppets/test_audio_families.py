"""Families of forged audio: every one for everybody, always the same, with the trace that is named; and where they occur."""

from __future__ import annotations

import dataclasses
import itertools
import zipfile

import numpy as np
import pytest

from amdd.analysis.audio_attribution import traces
from amdd.corpora import scan
from amdd.data.spectrograms import mel_spectrogram
from amdd.profiles import load_profile
from amdd.puppets.corpus.audio_examples import cast, examples
from amdd.puppets.corpus.layouts import Shot
from amdd.puppets.corpus.metadata import write_metadata
from amdd.puppets.corpus.plans import plan
from amdd.puppets.corpus.record import by_family, forge_audio, speech_of
from amdd.puppets.forgers import lpc_vocoder
from amdd.puppets.forgers.audio_families import AUDIO_FAMILIES, families_beside, forge
from amdd.puppets.person.people import make_identity
from amdd.puppets.voice import bank, build_forged, forged, speech
from amdd.puppets.voice.pitch import median_pitch
from amdd.puppets.voice.voices import voice_for

RATE = 16_000
SETTINGS = load_profile("smoke", ["corpus.seconds=2.0", "corpus.identities=6,2,2"]).corpus
PEOPLE = cast(SETTINGS, 6)


def shot(person: int) -> Shot:
    return Shot("puppet-favc", person, 0)


@pytest.fixture(scope="module")
def made() -> dict[str, list[np.ndarray]]:
    """Dry audio of six people, real and by every family."""
    found = {"real": [speech_of(SETTINGS, shot(p)).audio for p in PEOPLE]}
    for name in AUDIO_FAMILIES:
        found[name] = [by_family(SETTINGS, name, shot(p), shot(PEOPLE[k - 1])) for k, p in enumerate(PEOPLE)]
    return found


# --- families -----------------------------------------------------------------------------------------------------


def test_every_family_can_be_made_for_everyone(made):
    assert {make_identity(p).gender for p in PEOPLE} == {"men", "women"}
    for name in AUDIO_FAMILIES:
        for audio, own in zip(made[name], made["real"]):
            assert audio.shape == own.shape and audio.dtype == np.float32, name
            assert np.isfinite(audio).all() and np.abs(audio).max() <= 1, name
            assert np.sqrt(np.mean(audio**2)) > 0.01, name
            assert np.abs(audio - own).mean() > 0.1 * np.abs(own).mean(), name


def test_a_family_gives_the_same_samples_again(made):
    for name in AUDIO_FAMILIES:
        again = by_family(SETTINGS, name, shot(PEOPLE[1]), shot(PEOPLE[0]))
        assert np.array_equal(again, made[name][1]), name


def test_families_differ_and_the_named_traces_are_there(made):
    measured = {name: [list(traces(a, RATE).values()) for a in audios] for name, audios in made.items()}
    keys = list(traces(made["real"][0], RATE))

    def over_real(name: str, key: str) -> float:
        k = keys.index(key)
        return float(np.mean(measured[name], 0)[k] - np.mean(measured["real"], 0)[k])

    assert over_real("espeak", "2-3 kHz (dB)") > 3
    assert over_real("espeak", "change of level (dB)") < -0.3
    assert over_real("voice-conversion", "7.2-8 kHz (dB)") < -1.5
    assert over_real("lpc-vocoder", "2-3 kHz (dB)") < -0.5
    assert over_real("lpc-vocoder", "irregularity") > 0.1
    fine = dataclasses.replace(load_profile("smoke").preparation, n_fft=512, hop_length=160, seconds=2.0)
    mels = {
        name: np.stack([mel_spectrogram(a, fine) for a in audios]).astype(float)
        for name, audios in made.items()
    }
    gaps = {pair: np.abs(mels[pair[0]] - mels[pair[1]]).mean() for pair in itertools.combinations(mels, 2)}
    assert min(gaps.values()) > 0.02, min(gaps, key=gaps.get)
    # Of the families that keep the words in time, each is nearer to the real recording than other words are.
    for name, family in AUDIO_FAMILIES.items():
        if family.in_time:
            assert gaps["real", name] < 0.6 * gaps["real", "hibari"], name


def test_an_lpc_vocoder_keeps_pitch_and_formants_of_a_known_signal():
    t = np.arange(RATE) / RATE
    buzz = sum(np.cos(2 * np.pi * 125 * k * t) for k in range(1, 60))
    vowel = np.convolve(buzz, np.exp(-np.arange(400) / 40) * np.cos(2 * np.pi * 900 / RATE * np.arange(400)))
    vowel = (0.1 * vowel[:RATE] / vowel.std()).astype(np.float32)
    again = lpc_vocoder.forge_audio(vowel, RATE)
    assert median_pitch(again, RATE) == pytest.approx(125, rel=0.02)
    spectrum = np.abs(np.fft.rfft(again)) ** 2
    assert 800 < np.fft.rfftfreq(RATE, 1 / RATE)[spectrum.argmax()] < 1000
    with pytest.raises(ValueError, match="mono"):
        lpc_vocoder.forge_audio(np.zeros((2, 8000), np.float32))
    assert not lpc_vocoder.forge_audio(np.zeros(8000, np.float32)).any()


def test_unknown_families_and_missing_donors_are_refused():
    with pytest.raises(ValueError, match="unknown audio family 'rtvc'; expected one of: voice-conversion"):
        by_family(SETTINGS, "rtvc", shot(PEOPLE[0]), None)
    with pytest.raises(ValueError, match="needs a donor"):
        by_family(SETTINGS, "voice-conversion", shot(PEOPLE[0]), None)
    assert "espeak" in families_beside("bank") and "espeak" not in families_beside("espeak")
    assert len(families_beside("espeak")) >= 4
    assert forge.__doc__ and all(f.trace and f.does for f in AUDIO_FAMILIES.values())


# --- the bank of forged utterances --------------------------------------------------------------------------------


def test_the_forged_bank_is_small_and_its_registers_agree_with_pitch():
    own = forged.shipped()
    assert forged.PATH.stat().st_size < 1.2e6
    said = [text for who in own.speakers for text in who.texts]
    assert 60 <= len(said) == len(set(said)) <= 120 and set(said) <= set(speech.sentences())
    for who in own.speakers:
        pitch = median_pitch(own.speak(who.name, 0, sample_rate=RATE).audio, RATE)
        assert abs(np.log2(pitch / who.pitch)) < 0.3
    pitches = {r: [s.pitch for s in own.speakers if s.register == r] for r in forged.REGISTERS}
    assert max(pitches["low"]) < min(pitches["high"])
    assert len(pitches["low"]) == len(pitches["high"]) == forged.VOICES_EACH
    voices = {seed: forged.voice_of(make_identity(seed)) for seed in range(40)}
    assert len({name for name, _ in voices.values()}) == 6
    for seed, (name, factor) in voices.items():
        low = make_identity(seed).gender == "men"
        assert own.speaker(name).register == ("low" if low else "high") and 0.92 <= factor <= 1.08


def test_a_damaged_forged_bank_names_the_file_and_offers_no_setting_that_would_not_help(tmp_path):
    path = tmp_path / "forged.zip"
    path.write_bytes(forged.PATH.read_bytes()[:5000])
    with pytest.raises(bank.BankError, match=r"forged\.zip.*restore the file") as caught:
        bank.Bank(path, instead="")
    assert "corpus.speech" not in str(caught.value)


class Stand:
    """In the synthesiser's place: half a second of silence, a buzz at 200 Hz times the factor, silence."""

    def speak(self, text, speed, pitch, seed):
        t = np.arange(round(24_000 / speed)) / 24_000
        tone = sum(np.sin(2 * np.pi * 200 * pitch * k * t) / k for k in range(1, 9))
        noise = 1e-4 * np.random.default_rng(seed).normal(size=len(t))
        return np.concatenate([np.zeros(12_000), 0.2 * tone + noise, np.zeros(12_000)]).astype(np.float32)


def test_the_build_gives_the_same_bytes_and_the_planned_pitch(tmp_path, monkeypatch):
    monkeypatch.setattr(build_forged, "Hibari", Stand)
    voices = (build_forged.VOICES[0], build_forged.VOICES[5])
    for name in "ab":
        build_forged.build(tmp_path / f"{name}.zip", voices, 2)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    built = bank.Bank(tmp_path / "a.zip")
    for who, planned in zip(built.speakers, voices):
        assert (who.name, who.register) == (planned.name, planned.register)
        assert who.pitch == pytest.approx(200 * planned.pitch, rel=0.03)
        said = built.speak(who.name, 1)
        assert not said.phonemes
        assert said.seconds == pytest.approx(1 / planned.speed + 0.16, abs=0.03)  # silence is cut to 80 ms
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert len(archive.namelist()) == 5


# --- in the corpora -----------------------------------------------------------------------------------------------


def test_real_speech_is_strung_together_as_before():
    """The silence, the sentences and the pauses, drawn in this order, as the clips of other categories have them."""
    voice, rng = voice_for(make_identity(7)), np.random.default_rng(11)
    whole = speech.talk(voice, 5.0, np.random.default_rng(11), RATE)
    pieces, last = [np.zeros(int(rng.uniform(0.06, 0.35) * RATE), np.float32)], ""
    while sum(map(len, pieces)) < 5 * RATE:
        last = str(rng.choice([t for t in speech.texts_of(voice) if t != last]))
        pieces.append(speech.speak(last, voice, RATE).audio)
        pause = np.zeros(int(rng.uniform(0.05, 0.25) * RATE), np.float32)
        pieces.append(pause)
    assert np.array_equal(whole.audio, np.concatenate(pieces)[: 5 * RATE])


def test_families_take_turns_and_real_audio_stays_the_recordings_own():
    demo = load_profile("demo").corpus
    clips = plan(demo, ("puppet-favc", "puppet-lav", "puppet-timit"))
    by: dict[str, list] = {}
    for clip in clips["puppet-favc"]:
        by.setdefault(clip.extra["row"][4], []).append(clip)
    for category in "BD":
        counts = [sum(c.audio == name for c in by[category]) for name in AUDIO_FAMILIES]
        assert min(counts) >= 1 and max(counts) - min(counts) <= 1, category
    assert {c.generator for c in by["B"]} == {"rtvc"}
    assert {c.audio for c in by["A"]} == {"own"} and {c.audio for c in by["C"]} == {"own", "donor"}
    assert {c.audio for c in clips["puppet-timit"]} == {"own"}
    assert not {c.audio_generator for c in by["A"] + by["C"]} - {""}
    driven = next(c for c in by["C"] if c.audio == "donor")
    own = next(c for c in by["C"] if c.audio == "own")
    assert np.array_equal(forge_audio(demo, driven, None), speech_of(demo, driven.voice_donor).audio)
    assert np.array_equal(forge_audio(demo, own, None), speech_of(demo, own.shot).audio)
    local = [c for c in clips["puppet-lav"] if c.generator in ("lav-audio", "lav-both")]
    assert {c.audio for c in local} == set(families_beside("espeak"))
    assert {c.audio for c in clips["puppet-lav"]} - {"own"} == {c.audio for c in local}


@pytest.mark.parametrize("name", ["puppet-favc", "puppet-lav"])
def test_the_readers_name_the_audio_generator_of_every_clip(name, tmp_path):
    clips = plan(load_profile("demo").corpus, (name,))[name]
    records = {
        c.path: {"forged_segments": [[0.1, 0.5]] if c.fake else [], "seconds": 1.0, "n_frames": 25,
                 "n_samples": 16_000, "text": ""}
        for c in clips
    }  # fmt: skip
    for clip in clips:
        (tmp_path / clip.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / clip.path).touch()
    write_metadata(name, tmp_path, clips, records)
    table = scan(name, tmp_path).table.set_index("clip_id")
    assert len(table) == len(clips)
    for clip in clips:
        row = table.loc[clip.path]
        assert (row.generator, row.audio_generator) == (clip.generator, clip.audio_generator)


def test_examples_hold_one_recording_of_each_person_by_every_family():
    settings = dataclasses.replace(SETTINGS, seconds=0.8)
    people = cast(settings, 3)
    assert people == cast(settings, 30)[:3] and len(cast(settings, 30)) == 10
    found = examples(settings, people)
    assert [(e.person, e.family) for e in found] == [
        (p, f) for p in people for f in ("real", *AUDIO_FAMILIES)
    ]
    assert {len(e.audio) for e in found} == {round(0.8 * RATE)}
    assert all(e.group == forged.voice_of(make_identity(e.person))[0] for e in found)
