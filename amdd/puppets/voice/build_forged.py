"""Build the bank of forged utterances: the speech bank's sentences, read by a neural synthesiser that reads nothing else.

    pip install onnxruntime
    pip install --no-deps hibari-tts==0.2.1
    python -m amdd.puppets.voice.build_forged --out amdd/puppets/voice/data/forged_speech.zip

Takes about a minute on one core. The synthesiser, hibari (Apache-2.0), predicts a spectrum for a pulse train, one for
noise and one of free phase; it was distilled from Kokoro's voice af_heart, which is not among the five that the speech
bank blends. Its package has one voice. Six are made of it by factors on the pulse train's frequency, on formants and on
pace, so that the register of a voice does not identify the synthesiser. The packages above are needed here only.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import lfilter, resample_poly
from tqdm import tqdm

from amdd.puppets.voice import opus
from amdd.puppets.voice.bank import FORMAT, INDEX
from amdd.puppets.voice.build_bank import EDGE, add_file, levelled
from amdd.puppets.voice.forged import PATH, REGISTERS, VOICES_EACH
from amdd.puppets.voice.pitch import median_pitch
from amdd.puppets.voice.speech import sentences

SEED = 2606
SAMPLE_RATE = 24_000
SENTENCES = 16  # of each voice


@dataclass(frozen=True)
class Voice:
    """A voice to be built: ``pitch``, ``formants`` and ``speed`` are factors, ``tilt`` as of the speech bank's speakers."""

    name: str
    register: str
    pitch: float
    formants: float
    speed: float
    tilt: float


VOICES = (
    Voice("hibari-low-1", "low", 0.58, 0.86, 0.96, 0.0),
    Voice("hibari-low-2", "low", 0.67, 0.90, 1.04, 0.15),
    Voice("hibari-low-3", "low", 0.76, 0.94, 1.0, -0.15),
    Voice("hibari-high-1", "high", 0.95, 0.98, 0.98, 0.0),
    Voice("hibari-high-2", "high", 1.08, 1.02, 1.05, 0.2),
    Voice("hibari-high-3", "high", 1.22, 1.06, 0.94, -0.1),
)


class Hibari:
    """The synthesiser of the package ``hibari-tts``, on one thread, with a factor on its pitch.

    Raises ``RuntimeError`` naming the packages if they are missing.
    """

    def __init__(self) -> None:
        try:
            from hibari import Hibari as Model
            from hibari import dsp
        except ImportError:
            raise RuntimeError("pip install onnxruntime; pip install --no-deps hibari-tts==0.2.1") from None
        self.model, self.dsp = Model(threads=1), dsp

    def speak(self, text: str, speed: float, pitch: float, seed: int) -> np.ndarray:
        """Return ``text`` as audio (n,) float32 at 24 kHz; ``seed`` determines the noise."""
        rng, pieces = np.random.default_rng(seed), []
        for phonemes in self.model.phonemize(text):
            feed = {
                "ids": np.array([self.model.ids(phonemes)], np.int64),
                "speed": np.array([speed], np.float32),
            }
            *spectra, frequency = (o[0] for o in self.model.sess.run(None, feed))
            pieces.append(self.dsp.synth(*spectra, frequency * np.float32(pitch), rng))
        return np.concatenate(pieces)


def say(model: Hibari, who: Voice, text: str, seed: int) -> np.ndarray:
    """Return ``text`` as ``who`` says it, (n,) float32 at 24 kHz, with 80 ms of silence at either end.

    Formants move by resampling, which moves pitch and pace too; the model is asked for the opposite of both.
    """
    audio = model.speak(text, who.speed / who.formants, who.pitch / who.formants, seed)
    audio = resample_poly(audio.astype(np.float64), 100, round(100 * who.formants))
    return levelled(_cut(lfilter([1.0, -who.tilt], [1.0], audio)))


def _cut(audio: np.ndarray) -> np.ndarray:
    """Return ``audio`` (n,) without what is 40 dB below its loud parts before and after speech, but for 80 ms."""
    hop = 120
    power = (audio[: len(audio) // hop * hop].reshape(-1, hop) ** 2).mean(1)
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10**-4.0)
    edge = int(EDGE * SAMPLE_RATE)
    return audio[max(0, int(loud[0]) * hop - edge) : (int(loud[-1]) + 1) * hop + edge]


def build(out: Path, voices: tuple[Voice, ...] = VOICES, each: int = SENTENCES) -> None:
    """Build the bank ``out``, a zip in the format of the speech bank without phoneme times; no sentence is read twice."""
    texts, model = sentences(), Hibari()
    rng = np.random.default_rng(np.random.SeedSequence([821, SEED]))
    numbers = rng.permutation(len(texts))[: len(voices) * each].reshape(len(voices), each)
    entries, files = [], []
    for who, own in tqdm(list(zip(voices, numbers.tolist())), desc="forged speech"):
        said, pitches = [], []
        for k, number in enumerate(own):
            audio = say(model, who, texts[number], SEED + number)
            name = f"{who.name}/{k:02d}.opus"
            files.append((name, opus.encode(audio, opus.BIT_RATE)))
            said.append({"file": name, "text": texts[number], "symbols": [], "edges": [0], "stressed": []})
            pitches.append(median_pitch(audio, SAMPLE_RATE))
        pitch = round(float(np.median(pitches)), 1)
        entries.append({"name": who.name, "register": who.register, "pitch": pitch, "utterances": said})
    index = {"format": FORMAT, "sample_rate": SAMPLE_RATE, "speakers": entries}
    temporary = out.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as bank:
        add_file(bank, INDEX, json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode(), True)
        for name, data in files:
            add_file(bank, name, data, False)
    temporary.replace(out)


def main() -> None:
    """Parse the command line and build the bank."""
    assert [v.register for v in VOICES] == [r for r in REGISTERS for _ in range(VOICES_EACH)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PATH, help="the bank, a zip file")
    build(parser.parse_args().out)


if __name__ == "__main__":
    main()
