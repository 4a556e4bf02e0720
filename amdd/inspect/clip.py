"""One clip to the network's inputs, window by window: the same arrays as a prepared corpus holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from amdd.data.media import MediaError, Timeline, decode_audio, read_timeline, read_video
from amdd.data.prepare.shards import choose_frames
from amdd.data.spectrograms import SILENCE, mel_spectrogram, silence
from amdd.inspect.faces import MOST_PEOPLE, Track, tracks_of
from amdd.profiles import PreparationSettings

CURES = (
    ("no such file", "check the path"),
    ("not a regular file", "copy it to a file first"),
    ("empty (0 bytes)", "copy or download it again"),
    (
        "holds no video stream",
        "name a file with a moving image, or convert it: ffmpeg -i IN -c:v libx264 OUT.mp4",
    ),
    (
        "not a media file",
        "name a video; if it plays elsewhere, convert it: ffmpeg -i IN -c:v libx264 OUT.mp4",
    ),
    ("truncated", "copy or download it again, or repair it: ffmpeg -i IN -c copy OUT.mp4"),
    ("no frame", "convert it: ffmpeg -i IN -c:v libx264 OUT.mp4"),
)


def with_cure(error: MediaError) -> MediaError:
    """Return the error with what may cure it, where its reason does not say so yet."""
    for words, cure in CURES:
        if words in error.reason and cure not in error.reason and ";" not in error.reason:
            return MediaError(error.path, f"{error.reason}; {cure}")
    return error


@dataclass(frozen=True)
class Clip:
    """An opened file: its ``timeline``, and the image size once a frame has been decoded."""

    path: Path
    timeline: Timeline

    @property
    def seconds(self) -> float:
        return self.timeline.duration


def open_clip(path: str | Path) -> Clip:
    """Open a video file or a folder of images. Raises :class:`MediaError` with reason and cure."""
    try:
        timeline = read_timeline(path)
    except MediaError as error:
        raise with_cure(error) from None
    if not len(timeline):
        raise MediaError(
            path, "no frame is listed in it; the file may be truncated; copy or download it again"
        )
    return Clip(Path(path), timeline)


@dataclass(frozen=True)
class Piece:
    """A window of the clip: its faces, the main one first, and its audio.

    ``mel`` float16 (1, n_mels, n_frames); ``indices`` and ``times`` (T,) of the frames; ``size`` (width, height);
    ``note`` says what was wrong with the audio; ``audio`` float32 (n,) is its waveform; ``frames`` are kept on request.
    """

    start: float
    end: float
    tracks: tuple[Track, ...]
    mel: np.ndarray
    has_audio: bool
    note: str
    indices: np.ndarray
    times: np.ndarray
    size: tuple[int, int]
    short: bool
    faces: int = 0
    frames: np.ndarray | None = None
    audio: np.ndarray | None = None


def starts_of(seconds: float, settings: PreparationSettings, most: int = 0) -> np.ndarray:
    """Return the starts of the windows of a clip of that many ``seconds``, one behind the other, the first at 0.

    A rest of less than half a window is left out. With ``most`` above 0, that many of them, evenly spread.
    """
    if settings.sampling == "clip":
        return np.zeros(1)
    whole = max(1, int(seconds / settings.seconds + 0.5 + 1e-9))
    starts = np.arange(whole) * settings.seconds
    if 0 < most < whole:
        starts = starts[np.linspace(0, whole - 1, most).round().astype(int)]
    return starts


def windows(
    clip: Clip,
    settings: PreparationSettings,
    starts: np.ndarray,
    *,
    keep: bool = False,
    people: int = MOST_PEOPLE,
) -> Iterator[Piece]:
    """Decode the windows that begin at ``starts`` one after the other; one is in memory at a time.

    Each holds what :func:`amdd.data.prepare.shards.prepare_clip` makes of a clip that begins there. With ``keep`` the
    decoded frames stay with it. Windows behind the last frame that can be decoded are left out; raises
    :class:`MediaError` if no window can be decoded.
    """
    any_decoded = False
    for start in starts.tolist():
        try:
            piece = read_window(clip, settings, start, keep=keep, people=people)
        except MediaError as error:
            if any_decoded:
                return  # the file breaks off here
            raise with_cure(error) from None
        any_decoded = True
        yield piece
        if piece.short:
            return


def read_window(
    clip: Clip, settings: PreparationSettings, start: float, *, keep: bool = False, people: int = MOST_PEOPLE
) -> Piece:
    """Decode one window; see :func:`windows`."""
    sound, note, skipped = audio_of(clip, settings, start)
    timeline, begin = clip.timeline, start
    start += skipped
    wanted = choose_frames(timeline, start, 0.5, settings)
    video = read_video(clip.path, wanted, timeline=timeline)
    if video.short:
        timeline = timeline.first(video.reached)
        wanted = choose_frames(timeline, min(start, timeline.duration), 0.5, settings)
        video = read_video(clip.path, wanted, timeline=timeline)
    tracks, faces = tracks_of(video.frames, settings, people)
    mel = silence(settings) if sound is None else mel_spectrogram(sound, settings)
    return Piece(
        begin,
        min(begin + settings.seconds, clip.seconds) if settings.sampling == "window" else clip.seconds,
        tracks,
        mel,
        sound is not None,
        note,
        video.indices.astype(np.int32),
        timeline.seconds[np.minimum(video.indices, len(timeline) - 1)].astype(np.float32),
        (video.frames.shape[2], video.frames.shape[1]),
        video.short,
        faces,
        video.frames if keep else None,
        sound,
    )


def audio_of(clip: Clip, settings: PreparationSettings, start: float) -> tuple[np.ndarray | None, str, float]:
    """Return the window's audio or None, a note on it, and the seconds of leading silence passed over, as preparation
    does."""
    if os.path.isdir(clip.path):
        return None, "no audio stream: a folder of pictures", 0.0
    extra = 2.0 if settings.trim_silence else 0.0
    try:
        audio = decode_audio(
            clip.path, settings.sample_rate, settings.seconds + extra, start, clip.timeline.origin
        )
    except MediaError as error:
        return None, error.reason, 0.0
    if not np.abs(audio.samples).max(initial=0.0) > 1e-6:
        return None, audio.note or "silent: digital silence throughout the window", 0.0
    if not settings.trim_silence:
        return audio.samples, audio.note, 0.0
    quiet = int((np.abs(audio.samples) > SILENCE).argmax())
    return audio.samples[quiet:], audio.note, quiet / settings.sample_rate


@dataclass
class WindowStore:
    """Faces of windows as prepared clips (:class:`amdd.data.prepare.ClipStore`), for every function that takes those."""

    settings: PreparationSettings
    pairs: list[tuple[Piece, Track]]
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def manifest(self) -> pd.DataFrame:
        n = len(self.pairs)
        return pd.DataFrame(
            {
                "clip_id": [f"window {k}" for k in range(n)],
                "label": 0,
                "generator": "unknown",
                "audio_present": [piece.has_audio for piece, _ in self.pairs],
            }
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def frames(self, i: int) -> np.ndarray:
        return self.pairs[i][1].crops

    def mel(self, i: int) -> np.ndarray:
        return self.pairs[i][0].mel

    def geometry(self, i: int) -> np.ndarray:
        return self.pairs[i][1].transforms

    def frame_indices(self, i: int) -> np.ndarray:
        return self.pairs[i][0].indices
