"""Speech by a Piper voice (VITS; Kim et al. 2021) from a file that the user has downloaded.

A Piper voice yields the audio of a sentence but not the times of its sounds. Therefore espeak-ng speaks the same
sentence too, and its phoneme times are transferred along the path on which the two spectrograms agree best (dynamic
time warping; Sakoe & Chiba 1978).

Piper is an extra: ``pip install amdd[voice]``. No voice is shipped and none is downloaded. Neural voices are trained
on recordings of real speakers: check the licence of the voice before use.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numba import njit
from scipy.signal import resample_poly

from amdd.puppets.voice.spoken import Phoneme, Speech

HOP = 0.01  # seconds between the windows that are compared
BANDS, CEPSTRA = 40, 13
LEVEL = 0.12  # root mean square of a sentence, about the light synthesiser's


class VoiceError(RuntimeError):
    """A Piper voice cannot be used; the message names the file and the remedy."""


def speak(text: str, reference: Speech, model: str, speaker: int = 0, rate: float = 1.0) -> Speech:
    """Return ``text`` as spoken by the Piper voice in the file ``model``, at the sample rate of ``reference``.

    ``reference`` is the same text spoken by espeak-ng; it provides the phonemes. ``speaker`` modulo the number of the
    voice's speakers selects one; ``rate`` is a factor, above 1 faster. Sampling noise is switched off, so that the
    same text gives the same samples. Raises :class:`VoiceError`.
    """
    audio, own_rate = _synthesise(text, model, speaker, round(rate, 2))
    if own_rate != reference.sample_rate:
        common = int(np.gcd(own_rate, reference.sample_rate))
        audio = resample_poly(audio, reference.sample_rate // common, own_rate // common).astype(np.float32)
    level = float(np.sqrt(np.mean(audio**2))) if len(audio) else 0.0
    if level < 1e-6:
        raise VoiceError(f"{model}: the voice says nothing to {text!r}; is it a voice for English?")
    return carry_over(reference, np.clip(audio * (LEVEL / level), -1, 1).astype(np.float32))


def carry_over(reference: Speech, audio: np.ndarray) -> Speech:
    """Return ``audio`` (n,) float32 with the phonemes of ``reference``, moved to the times at which it contains them.

    Both are the same text at the same sample rate; sounds shorter than 5 ms after the move are dropped.
    """
    path = warp(cepstra(reference.audio, reference.sample_rate), cepstra(audio, reference.sample_rate))
    seconds = len(audio) / reference.sample_rate
    theirs = path[:, 1] * HOP
    # The path stands still now and then; the mean over each of our windows makes it a function of our time.
    steps = np.unique(path[:, 0])
    there = np.array([theirs[path[:, 0] == k].mean() for k in steps])
    moved = []
    for p in reference.phonemes:
        start, end = (float(np.interp(t, steps * HOP, there, right=seconds)) for t in (p.start, p.end))
        start, end = min(start, seconds), min(max(end, start), seconds)
        if moved and start < moved[-1].end:
            start = moved[-1].end
        if end - start >= HOP / 2:
            moved.append(Phoneme(p.symbol, start, end, p.stressed))
    return replace(reference, audio=np.asarray(audio, np.float32), phonemes=tuple(moved))


def cepstra(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return mel cepstra (windows, 13) of ``audio`` (n,) every 10 ms, without the coefficient of loudness.

    Each coefficient has mean 0 and deviation 1 over the sentence; ``sample_rate`` is in Hz.
    """
    import torch
    from torchaudio.transforms import MFCC

    size = round(0.025 * sample_rate)
    values = MFCC(
        sample_rate,
        CEPSTRA + 1,
        melkwargs={
            "n_fft": 2 * size,
            "win_length": size,
            "hop_length": round(HOP * sample_rate),
            "n_mels": BANDS,
        },
    )(torch.from_numpy(np.ascontiguousarray(audio, np.float32)))
    values = values.numpy().T[:, 1:].astype(np.float64)
    return (values - values.mean(0)) / (values.std(0) + 1e-9)


def warp(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cheapest path (steps, 2) int64 through pairs of rows of ``a`` (n, d) and ``b`` (m, d).

    It leads from the first pair to the last; each step advances in ``a``, in ``b`` or in both. The cost is the sum of
    Euclidean distances.
    """
    unlike = np.sqrt(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T, 0))
    return _cheapest(unlike)


@njit(cache=False)
def _cheapest(cost: np.ndarray) -> np.ndarray:
    """Return the cheapest path (steps, 2) through ``cost`` (n, m); of equal ones, that with most diagonal steps."""
    n, m = cost.shape
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(n):
        for j in range(m):
            total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    path = np.empty((n + m, 2), np.int64)
    i, j, k = n - 1, m - 1, n + m
    while True:
        k -= 1
        path[k, 0], path[k, 1] = i, j
        if i == 0 and j == 0:
            break
        both, down, right = total[i, j], total[i, j + 1], total[i + 1, j]
        if both <= down and both <= right:
            i, j = i - 1, j - 1
        elif down <= right:
            i -= 1
        else:
            j -= 1
    return path[k:]


@lru_cache(maxsize=4)
def _voice(model: str):
    """Return the Piper voice in the file ``model``, on one thread. Raises :class:`VoiceError`."""
    path = Path(model)
    try:
        from onnxruntime import InferenceSession, SessionOptions
        from piper import PiperVoice
        from piper.config import PiperConfig
    except ImportError:
        raise VoiceError("a neural voice needs Piper: pip install 'amdd[voice]'") from None
    for file in (path, Path(f"{path}.json")):
        if not file.is_file():
            raise VoiceError(
                f"{file}: no such file; a Piper voice is an .onnx file with its .onnx.json beside it"
            )
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # clips are made side by side
    try:
        config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text(encoding="utf-8")))
        session = InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes are not public
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise VoiceError(f"{path}: not a Piper voice ({reason})") from None
    return PiperVoice(session=session, config=config)


@lru_cache(maxsize=256)
def _synthesise(text: str, model: str, speaker: int, rate: float) -> tuple[np.ndarray, int]:
    """Return audio (n,) float32 and its sample rate in Hz."""
    voice = _voice(model)
    from piper.config import SynthesisConfig

    many = voice.config.num_speakers
    how = SynthesisConfig(
        speaker_id=speaker % many if many > 1 else None,
        length_scale=voice.config.length_scale / rate,
        noise_scale=0.0,
        noise_w_scale=0.0,
    )
    pieces = [chunk.audio_float_array for chunk in voice.synthesize(text, how)]
    return np.concatenate([np.zeros(0, np.float32), *pieces]), voice.config.sample_rate
