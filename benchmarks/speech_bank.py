"""Measures of the speech bank. Nobody has listened to it; these figures replace no listening test.

    python -P benchmarks/speech_bank.py     # -P: benchmarks/coverage.py must not shadow the package of that name

- *Size and speed*: bytes, seconds, and seconds of computation per second of speech, on one core.
- *Pitch* of each speaker: median and 5th to 95th percentile, and the share of voiced frames among loud ones.
- *Spectra*: tilt in dB per octave between 300 and 4000 Hz, and the distance of speakers' long-term spectra (root mean
  square difference in dB over 24 mel bands, levels removed), against that of two halves of one speaker's sentences.
- *Words*: the share of sentences that, warped in time, resemble the formant synthesiser's reading of the same text
  more than its readings of nine other texts (chance: 10 %). A proxy of intelligibility, not a measure of it.
- *Times*: levels of vowels, stops and pauses as the phoneme times delimit them, and the shift at which vowels and
  stops would differ most.
- *Lips*: the share of talks of 4 s in which lips and audio agree best within one frame of their true offset.

Writes ``benchmarks/results/speech_bank.json``.
"""

from __future__ import annotations

import json
import platform
import time

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torchaudio.transforms import MelSpectrogram
from tqdm import tqdm

from amdd.base.paths import PROJECT, write_text
from amdd.puppets.person.actions import INDEX
from amdd.puppets.person.people import make_identity
from amdd.puppets.voice import bank
from amdd.puppets.voice.motion import make_motion, viseme
from amdd.puppets.voice.neural_voice import cepstra, warp
from amdd.puppets.voice.pitch import pitch_track
from amdd.puppets.voice.sound import in_a_room
from amdd.puppets.voice.speech import sentences, speak, talk
from amdd.puppets.voice.synchrony import audio_visual_offset
from amdd.puppets.voice.voices import Voice, voice_for

RATE = 16_000
FORMANT_VOICE = Voice("en-us+m3", 165, 45, 50)
CONTROL_VOICE = Voice("en-gb-x-rp+f2", 150, 60, 50)


def spectrum(audio: np.ndarray) -> np.ndarray:
    """Return the long-term spectrum (24,) in dB of the louder half of ``audio`` (n,), its mean removed."""
    mel = MelSpectrogram(RATE, 1024, hop_length=256, f_min=100, f_max=7600, n_mels=24)
    power = mel(torch.from_numpy(audio)).numpy()
    loud = power[:, power.sum(0) > np.median(power.sum(0))]
    level = 10 * np.log10(loud.mean(1) + 1e-12)
    return level - level.mean()


def tilt(audio: np.ndarray) -> float:
    """Return the slope of the long-term spectrum of ``audio`` (n,) in dB per octave, 300 to 4000 Hz."""
    size = 1024
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 2] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    power = power[power.sum(1) > np.median(power.sum(1))].mean(0)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    octaves = np.arange(np.log2(300), np.log2(4000), 1 / 3)
    bands = [power[(hertz >= 2**o) & (hertz < 2 ** (o + 1 / 3))].mean() for o in octaves]
    return float(np.polyfit(octaves, 10 * np.log10(bands), 1)[0])


def by_speaker(speeches: dict[str, list]) -> dict[str, dict]:
    """Return pitch, voicing and tilt of every speaker, by name."""
    out = {}
    for who in tqdm(bank.shipped().speakers, desc="speakers"):
        tracks = [pitch_track(s.audio, RATE) for s in speeches[who.name]]
        pitch, level = (np.concatenate([t[k] for t in tracks]) for k in (0, 1))
        low, middle, high = np.percentile(pitch[pitch > 0], [5, 50, 95])
        out[who.name] = {
            "register": who.register,
            "pitch_hz": round(float(middle), 1),
            "pitch_5_to_95_hz": [round(float(low), 1), round(float(high), 1)],
            "voiced_percent": round(100 * float((pitch[level > -35] > 0).mean()), 1),
            "tilt_db_per_octave": round(tilt(np.concatenate([s.audio for s in speeches[who.name]])), 2),
            "sounds_per_second": round(
                sum(p.symbol != "_" for s in speeches[who.name] for p in s.phonemes)
                / sum(s.seconds for s in speeches[who.name]),
                2,
            ),
        }
    return out


def distances(speeches: dict[str, list]) -> dict[str, float]:
    """Return medians of the distances in dB between speakers of one register and between halves of one speaker."""
    halves = {
        name: [spectrum(np.concatenate([s.audio for s in said[k::2]])) for k in (0, 1)]
        for name, said in speeches.items()
    }

    def apart(a, b):
        return float(np.sqrt(np.mean((a - b) ** 2)))

    names = sorted(halves)
    pairs = [
        (a, b) for i, a in enumerate(names) for b in names[i + 1 :] if a.split("-")[0] == b.split("-")[0]
    ]
    between = [apart(halves[a][0], halves[b][1]) for a, b in pairs]
    return {
        "within_speaker_db": round(float(np.median([apart(*h) for h in halves.values()])), 2),
        "between_speakers_db": round(float(np.median(between)), 2),
        "between_speakers_least_db": round(min(between), 2),
    }


def words(speeches: dict[str, list], each: int = 2, others: int = 9) -> dict:
    """Return the share of sentences nearest to the formant synthesiser's reading of the same text.

    As a control, the same texts by another voice of the formant synthesiser.
    """
    rng = np.random.default_rng(0)
    texts = sentences()
    known = {t: cepstra(speak(t, FORMANT_VOICE).audio, RATE) for t in tqdm(texts, desc="formant readings")}

    def cost(a, b):
        path = warp(a, b)
        return float(np.linalg.norm(a[path[:, 0]] - b[path[:, 1]], axis=1).mean())

    hits, control = [], []
    for said in tqdm(speeches.values(), desc="words"):
        for speech in said[:each]:
            wrong = rng.choice([t for t in texts if t != speech.text], others, replace=False)
            for spoken, found in ((speech, hits), (speak(speech.text, CONTROL_VOICE), control)):
                own = cepstra(spoken.audio, RATE)
                costs = [cost(own, known[t]) for t in (speech.text, *wrong)]
                found.append(int(np.argmin(costs)) == 0)
    return {
        "percent": round(100 * float(np.mean(hits)), 1),
        "control_percent": round(100 * float(np.mean(control)), 1),
        "n": len(hits),
        "chance_percent": 100 / (others + 1),
    }


def times(speeches: dict[str, list]) -> dict:
    """Return mean levels in dB of vowels, stops and pauses, and the shift in ms of the greatest difference."""

    def levels(shift: float, kinds) -> list[float]:
        out = []
        for said in speeches.values():
            for s in said[::3]:
                for p in s.phonemes[1:-2] if kinds != "pauses" else (s.phonemes[0], s.phonemes[-1]):
                    name = viseme(p.symbol)
                    wanted = {
                        "vowels": name in ("open", "mid", "round"),
                        "stops": p.symbol in ("p", "b", "t", "d", "k", "ɡ"),
                        "pauses": p.symbol == "_",
                    }[kinds]
                    if wanted:
                        a, b = (max(0, int((t + shift) * RATE)) for t in (p.start, p.end))
                        out.append(10 * np.log10(np.mean(s.audio[a : max(b, a + 1)] ** 2) + 1e-9))
        return out

    shifts = np.arange(-50, 51, 5)
    gaps = [np.mean(levels(s / 1000, "vowels")) - np.mean(levels(s / 1000, "stops")) for s in tqdm(shifts)]
    return {
        **{f"{k}_db": round(float(np.mean(levels(0, k))), 1) for k in ("vowels", "stops", "pauses")},
        "best_shift_ms": int(shifts[int(np.argmax(gaps))]),
    }


def lips(people: int = 60) -> dict:
    """Return the share of talks with the lag within one frame, for own audio and for another person's."""
    spoken = [talk(voice_for(make_identity(k)), 4.0, np.random.default_rng(k)) for k in range(people)]
    sounds = [in_a_room(s.audio, k) for k, s in enumerate(spoken)]
    mouths = [make_motion(s, k, 100).actions for k, s in enumerate(spoken)]
    mouths = [a[:, INDEX["jawOpen"]] + 0.3 * a[:, INDEX["mouthLowerDownLeft"]] for a in mouths]
    own = [audio_visual_offset(m, s, RATE) for m, s in zip(mouths, sounds)]
    other = [audio_visual_offset(m, s, RATE) for m, s in zip(mouths, sounds[1:] + sounds[:1])]
    return {
        "within_one_frame_percent": round(100 * float(np.mean([abs(a) <= 1 for a, _ in own])), 1),
        "another_persons_audio_percent": round(100 * float(np.mean([abs(a) <= 1 for a, _ in other])), 1),
        "correlation": round(float(np.mean([c for _, c in own])), 3),
        "n": people,
    }


def main() -> None:
    """Measure the shipped bank and write the results."""
    torch.set_num_threads(1)
    own = bank.shipped()
    with threadpool_limits(1):
        start = time.process_time()
        speeches = {s.name: [own.speak(s.name, k) for k in range(len(s.sentences))] for s in own.speakers}
        spent = time.process_time() - start
        seconds = sum(s.seconds for said in speeches.values() for s in said)
        speakers = by_speaker(speeches)
        result = {
            "listened_to": "by nobody; automatic metrics only",
            "machine": platform.machine(),
            "python": platform.python_version(),
            "bytes": own.path.stat().st_size,
            "speakers": len(own.speakers),
            "utterances": sum(len(said) for said in speeches.values()),
            "texts": len({s.text for said in speeches.values() for s in said}),
            "seconds": round(seconds, 1),
            "real_time_factor": round(spent / seconds, 5),
            "pitch_hz": {
                register: [
                    f([v["pitch_hz"] for v in speakers.values() if v["register"] == register])
                    for f in (min, max)
                ]
                for register in ("low", "high")
            },
            "spectra": distances(speeches),
            "words": words(speeches),
            "times": times(speeches),
            "lips": lips(),
            "by_speaker": speakers,
        }
    text = json.dumps(result, indent=1, ensure_ascii=False)
    write_text(PROJECT / "benchmarks" / "results" / "speech_bank.json", text + "\n")
    print(text[: text.index('"by_speaker"')])


if __name__ == "__main__":
    main()
