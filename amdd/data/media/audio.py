"""Audio of a file as one waveform on the clip's clock."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from amdd.data.media.clock import first_shown, start_of
from amdd.data.media.container import _decode, audio_tracks, open_container
from amdd.data.media.names import MediaError, words_of

MAX_CHANNELS = 8
MAX_SECONDS = 600.0  # decoded at most
MAX_PASSED = 7200.0  # seconds of audio decoded for one call, wherever their time stamps put them
MAX_PIECES = 2000  # stretches without a hole
HOLE = 0.02  # seconds; time stamps that differ by less than this from the count of samples are rounding
MAX_TRACKS, LISTENED = 8, 60.0  # in the search for a track with sound: tracks, and seconds of each
SILENCE = 1e-6  # of full scale
SEEK_FROM = 30.0  # seconds; a later start is reached by seeking
CANCELLED = 1e-4  # of the channels' power: what is left of channels in opposite phase


@dataclass(frozen=True)
class Audio:
    """``samples`` float32 (n,), mono; ``note`` says what was done that a listener would want to know, or is ""."""

    samples: np.ndarray
    note: str = ""


@dataclass
class _Piece:
    """A stretch of audio without holes: the mean of the channels, and the first of them."""

    start: float  # seconds on the clip's clock
    rate: int
    mean: list[np.ndarray] = field(default_factory=list)
    first: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    @property
    def end(self) -> float:
        return self.start + self.count / self.rate


def read_audio(
    path: str | Path,
    sample_rate: int = 16_000,
    seconds: float | None = None,
    start: float = 0.0,
    origin: float | None = None,
) -> np.ndarray:
    """Return the audio of a file as float32 (n,), mono, at ``sample_rate`` Hz; see :func:`decode_audio`."""
    return decode_audio(path, sample_rate, seconds, start, origin).samples


def decode_audio(
    path: str | Path,
    sample_rate: int = 16_000,
    seconds: float | None = None,
    start: float = 0.0,
    origin: float | None = None,
) -> Audio:
    """Decode the audio of a file: sample i is heard at ``start`` + i / ``sample_rate`` seconds.

    Seconds count from the instant at which the file's first video frame is shown (``origin``, in the file's own time,
    where it is at hand), in an audio file from its first sample. Where the file has no samples (before its
    audio starts, in holes) there is silence; the array ends with the audio, or after ``seconds``. Channels are
    averaged, and channels in opposite phase are represented by the first. Of several tracks the one marked as default is
    decoded, else the first with sound in its first minute. Raises :class:`MediaError` without audio.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise MediaError(path, "no audio stream: a folder of pictures")
    if origin is None:
        origin = first_shown(path)
    end = start + min(seconds if seconds is not None else MAX_SECONDS, MAX_SECONDS)
    with open_container(path) as container:
        tracks = audio_tracks(container)
        if not tracks:
            raise MediaError(path, _missing(container))
        stream = tracks[_first_with_sound(path, len(tracks)) if len(tracks) > 1 else 0]
        if not 1000 <= (stream.rate or 0) <= 768_000:
            raise MediaError(path, f"undecodable audio: states a sample rate of {stream.rate} Hz")
        if origin is None:
            origin = start_of(stream)  # an audio file begins with its first sample
        pieces: list[_Piece] = []
        seen = 0
        try:
            place = start - 5 + origin
            if place + 5 - start_of(stream) > SEEK_FROM:
                container.seek(int(place / stream.time_base), stream=stream, backward=True)
            seen = _collect(container, stream, origin, (start, end), pieces)
        except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
            if not pieces:
                raise MediaError(path, f"undecodable audio: {words_of(error)}") from None
    if not pieces and seen:
        return Audio(np.zeros(0, np.float32), "silent: no audio in the window")
    if not pieces:
        raise MediaError(path, "undecodable audio: no frame of it; the file may be truncated")
    return _joined(pieces, sample_rate, start, end)


def _first_with_sound(path: Path, tracks: int) -> int:
    """Return which of a file's tracks to decode: the same one for every window of it; the first where all are silent."""
    for k in range(min(tracks, MAX_TRACKS)):
        passed = 0.0
        with (
            open_container(path) as container,
            suppress(av.FFmpegError, ValueError, OverflowError, MemoryError),
        ):
            for frame in _decode(container, audio_tracks(container)[k]):
                if np.abs(_channels(frame)).max(initial=0.0) > SILENCE:
                    return k
                passed += frame.samples / max(frame.sample_rate, 1000)
                if passed > LISTENED:
                    break
    return 0


def _missing(container) -> str:
    """Return the reason why there is no track to decode."""
    if not container.streams.audio:
        return "no audio stream"
    return "undecodable audio: there is no decoder for its codec"


def _collect(container, stream, origin: float, span: tuple[float, float], pieces: list[_Piece]) -> int:
    """Gather in ``pieces`` the stream's samples of ``span``, and those before it that were decoded anyway.

    Returns the number of frames that were decoded.
    """
    early = -1.0 if span[0] <= SEEK_FROM else span[0] - 5  # what ends before this is of no use
    passed, seen = 0.0, 0
    kind = None
    for frame in _decode(container, stream):
        # A stream that turns from 1 to 53 channels midway makes the resampler read past its memory.
        this = frame.format.name, frame.layout.nb_channels, frame.sample_rate
        kind, seen = kind or this, seen + 1
        if this != kind or frame.layout.nb_channels > MAX_CHANNELS:
            break
        if not 1000 <= frame.sample_rate <= 768_000 or passed > MAX_PASSED:
            break
        expected = pieces[-1].end if pieces else passed
        # `frame.time` divides by a time base of zero in some versions of PyAV.
        dated = frame.pts is not None and frame.time_base
        at = float(frame.pts * frame.time_base) - origin if dated else expected
        at = at if math.isfinite(at) else expected
        if at >= span[1]:
            break
        passed += frame.samples / frame.sample_rate
        if at + frame.samples / frame.sample_rate < early:
            continue
        if not pieces or abs(at - expected) > HOLE:
            if len(pieces) >= MAX_PIECES:
                break
            pieces.append(_Piece(at, frame.sample_rate))
        channels = _channels(frame)
        first = channels[0].copy()
        pieces[-1].mean.append(first if len(channels) == 1 else channels.mean(axis=0, dtype=np.float32))
        pieces[-1].first.append(first)
        pieces[-1].count += channels.shape[1]
    return seen


def _channels(frame: av.AudioFrame) -> np.ndarray:
    """Samples as float32 (channels, n), full scale at 1."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128) / 128
    if array.dtype.kind == "i":
        return (array / float(1 << (8 * array.dtype.itemsize - 1))).astype(np.float32)
    array = array.astype(np.float32, copy=False)
    if np.isfinite(array).all():  # nearly always, and ten times as fast to find out as to replace
        return array
    return np.nan_to_num(array, nan=0.0, posinf=1.0, neginf=-1.0)


def _joined(pieces: list[_Piece], sample_rate: int, start: float, end: float) -> Audio:
    means = [np.concatenate(p.mean) for p in pieces]
    firsts = [np.concatenate(p.first) for p in pieces]
    left, whole = (sum(float(np.vdot(a, a)) for a in arrays) for arrays in (means, firsts))
    opposite = left < CANCELLED * whole
    chosen = firsts if opposite else means
    loudest = max(float(np.abs(a).max(initial=0.0)) for a in chosen)
    last = min(end, max(p.end for p in pieces))
    out = np.zeros(max(0, round((last - start) * sample_rate)), np.float32)
    for piece, samples in zip(pieces, chosen):
        wave = _resampled(samples, piece.rate, sample_rate)
        at = round((piece.start - start) * sample_rate)
        wave, at = wave[max(0, -at) :], max(0, at)
        n = min(len(wave), max(0, len(out) - at))
        out[at : at + n] = wave[:n]
    if loudest > 1:  # only what the file itself overdrives; a resampler's ringing stays
        out = np.clip(out, -1.0, 1.0)
    return Audio(out, "channels in opposite phase; the first was taken" if opposite else "")


def _resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    if rate == wanted or not len(samples):
        return samples
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=wanted)
    chunks = []
    for first in range(0, len(samples), 1 << 16):
        part = np.ascontiguousarray(samples[None, first : first + (1 << 16)])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate = rate
        chunks += [out.to_ndarray().reshape(-1) for out in resampler.resample(frame)]
    chunks += [
        out.to_ndarray().reshape(-1) for out in resampler.resample(None)
    ]  # it holds back its last samples
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
