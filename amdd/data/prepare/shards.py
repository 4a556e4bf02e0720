"""Work of one preparation process: clips to arrays, one shard of them at a time.

Everything here depends on the clip, the settings and the seed alone, never on which worker does it or in what
order, so that any number of workers writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from amdd.base.machine import one_thread, peak_memory_mb
from amdd.base.paths import atomic, write_text
from amdd.data.faces.track import DetectorError, NoFaceError, crop_faces, detector_for
from amdd.data.media import MediaError, Timeline, decode_audio, read_timeline, read_video
from amdd.data.spectrograms import SILENCE, mel_spectrogram, shape_of, silence
from amdd.profiles import PreparationSettings

THUMBNAIL = 160  # pixels on the long side
HEAD = 1 << 16  # bytes read at either end of a file to tell it from another


@dataclass(frozen=True)
class Clip:
    """Manifest row as a worker needs it. ``refused``: why it may not be read at all."""

    row: int
    clip_id: str
    video: str
    audio: str
    has_audio: bool
    periods: tuple[tuple[float, float], ...]
    placed: bool  # the window's place is drawn: some clips of this corpus are forged in part only
    content: str
    seed: int
    refused: str = ""


@dataclass
class Made:
    """Arrays of one clip, or why there are none."""

    row: int
    frames: np.ndarray | None = None  # uint8 (T, S, S, 3)
    mel: np.ndarray | None = None  # float16 (1, n_mels, n_frames)
    geometry: np.ndarray | None = None  # float32 (T, 2, 3), frame pixels to crop pixels
    index: np.ndarray | None = None  # int32 (T,), number of each frame in the file
    times: np.ndarray | None = (
        None  # float32 (T,), seconds at which each frame is shown, from the first frame on
    )
    facts: dict[str, Any] = field(default_factory=dict)
    stage: str = ""
    reason: str = ""
    picture: np.ndarray | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def content_of(path: str) -> str:
    """Return a hash that distinguishes files without reading them whole: size, first and last 64 KiB.

    No dates, so that a copied corpus is known again. For a folder of frames: names, sizes, first image.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        if os.path.isdir(path):
            with os.scandir(path) as entries:
                listing = sorted((e.name, e.stat().st_size) for e in entries if e.is_file())
            digest.update(repr(listing).encode())
            path = os.path.join(path, listing[0][0]) if listing else ""
            if not path:
                return "empty"
        if not os.path.isfile(path):  # reading a named pipe would wait forever
            return "unreadable"
        size = os.path.getsize(path)
        digest.update(str(size).encode())
        with open(path, "rb") as handle:
            digest.update(handle.read(HEAD))
            if size > 2 * HEAD:
                handle.seek(-HEAD, os.SEEK_END)
                digest.update(handle.read(HEAD))
    except (OSError, ValueError):
        return "unreadable"
    return digest.hexdigest()


def place_window(clip: Clip, duration: float, settings: PreparationSettings) -> tuple[float, float]:
    """Start of the window in seconds and the phase in [0, 1) of the frames in it.

    A clip forged from end to end is read from its beginning. In LAV-DF, fakes last a few tenths of a second:
    a window at the beginning would mostly be genuine and yet be labelled fake. There the window is laid so
    that it holds one forged period (drawn among them) and at least one frame falls into it. The corpus's
    genuine clips draw their windows too; otherwise the place in the clip would give the label away.
    """
    if not (clip.placed and settings.follow_fakes):
        return 0.0, 0.5
    rng = np.random.default_rng(clip.seed)
    u, v, w = rng.random(3)
    room = max(0.0, duration - settings.seconds)
    periods = [(s, min(e, duration or e)) for s, e in clip.periods if s < (duration or np.inf)]
    if not periods:
        return u * room, v
    s, e = periods[int(w * len(periods))]
    low, high = sorted((e - settings.seconds, s))
    start = float(np.clip(low + u * (high - low), 0.0, room))
    target = (max(s, start) + min(e, start + settings.seconds)) / 2
    return start, float(((target - start) * settings.frames / settings.seconds) % 1.0)


def choose_frames(
    timeline: Timeline, start: float, phase: float, settings: PreparationSettings
) -> np.ndarray:
    """Numbers of the T frames to look at, ascending, int (T,); repeated where the clip has fewer.

    They are those shown at ``start`` + (k + ``phase``) w / T seconds, where w is the window's length, or what is left
    of the clip, or with ``sampling`` "clip" the whole of it.
    """
    length = timeline.duration
    if settings.sampling == "window":
        length = min(settings.seconds, max(0.0, timeline.duration - start))
    else:
        start = 0.0
    return timeline.frames_at(start + (np.arange(settings.frames) + phase) * length / settings.frames)


def prepare_clip(clip: Clip, settings: PreparationSettings) -> Made:
    """One clip to its arrays. Never raises for anything a file can hold: it says what is wrong instead."""
    made = Made(clip.row)
    clock = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        made.seconds[stage] = made.seconds.get(stage, 0.0) + now - clock
        clock = now

    try:
        made.stage = "path"
        if clip.refused:
            raise MediaError(clip.video, clip.refused)
        made.stage = "video"
        timeline = read_timeline(clip.video)
        start, phase = place_window(clip, timeline.duration, settings)
        lap("decode")
        sound, note, skipped = None, "", 0.0
        if clip.has_audio:
            made.stage = "audio"
            sound, note, skipped = _sound(clip, start, timeline.origin, settings)
            lap("audio")
        made.stage = "video"
        start += skipped
        wanted = choose_frames(timeline, start, phase, settings)
        video = read_video(clip.video, wanted, timeline=timeline)
        n_frames, truncated = video.n_frames, video.short or timeline.stated > len(timeline)
        if video.short:  # less can be decoded than the file lists: spread over what there is
            timeline = timeline.first(video.reached)
            wanted = choose_frames(timeline, start, phase, settings)
            video = read_video(clip.video, wanted, timeline=timeline)
        lap("decode")
        made.stage, made.picture = "face", video.frames[len(video.frames) // 2]
        track = crop_faces(video.frames, settings)
        lap("faces")
        made.stage = "audio"
        made.mel = silence(settings) if sound is None else mel_spectrogram(sound, settings)
        lap("mel")
        made.frames, made.index = track.crops, video.indices.astype(np.int32)
        made.geometry, made.times = track.transforms, timeline.seconds[video.indices].astype(np.float32)
        made.facts = {
            "face_found_share": track.found_share,
            "faces": track.faces,
            "audio_present": sound is not None,
            "audio_note": note,
            "n_frames": int(n_frames),
            "fps": float(video.fps),
            "width": int(video.frames.shape[2]),
            "height": int(video.frames.shape[1]),
            "start": round(start, 6),
            "truncated": truncated,
        }
        made.stage, made.picture = "", None
    except (MediaError, NoFaceError) as error:
        made.reason = getattr(error, "reason", None) or str(error)
    except DetectorError:
        raise  # the set-up is at fault, not the clip
    except Exception as error:
        made.reason = f"{type(error).__name__}: {error}"  # one bad clip never ends a run
    return made


def _sound(clip: Clip, start: float, origin: float, settings: PreparationSettings):
    """Audio of the window or None, a note on it, and the seconds of leading silence passed over."""
    extra = 2.0 if settings.trim_silence else 0.0  # what is cut in front must come from behind
    own = origin if not clip.audio else None  # an audio file of its own has its own beginning
    try:
        audio = decode_audio(
            clip.audio or clip.video, settings.sample_rate, settings.seconds + extra, start, own
        )
    except MediaError as error:
        reason = error.reason
        plain = reason.startswith(("no audio", "undecodable"))
        return None, reason if plain else f"undecodable audio: {reason}", 0.0
    sound = audio.samples
    if not np.abs(sound).max(initial=0.0) > 1e-6:
        return None, audio.note or "silent: digital silence throughout the window", 0.0
    if not settings.trim_silence:
        return sound, audio.note, 0.0
    # Frames move with the audio: cutting the audio alone would put lips and voice out of step.
    quiet = int((np.abs(sound) > SILENCE).argmax())
    return sound[quiet:], audio.note, quiet / settings.sample_rate


def prepare_shard(
    number: int,
    clips: list[Clip],
    settings: PreparationSettings,
    out: str,
    key: str,
    make: Callable[[Clip, PreparationSettings], Made] = prepare_clip,
) -> int:
    """Make one shard's files below ``out``; its record, written last, marks it as finished. Returns number."""
    with one_thread():
        folder = Path(out)
        shapes = {
            "frames": ((settings.frames, settings.size, settings.size, 3), np.uint8),
            "mel": (shape_of(settings), np.float16),
            "geometry": ((settings.frames, 2, 3), np.float32),
            "index": ((settings.frames,), np.int32),
            "times": ((settings.frames,), np.float32),
        }
        arrays = {name: np.empty((len(clips), *shape), kind) for name, (shape, kind) in shapes.items()}
        rows: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        seconds: dict[str, float] = {}
        marker = folder / "shards" / f"{number:05d}.now"
        for clip in clips:
            marker.write_text(str(clip.row))  # if the decoder takes the process down, this says on which
            made = make(clip, settings)
            if made.reason:
                picture = _thumbnail(folder, made)
                failures.append(
                    {"clip": made.row, "stage": made.stage, "reason": made.reason, "thumbnail": picture}
                )
            else:
                for name, array in arrays.items():
                    array[len(rows)] = getattr(made, name)
                rows.append({"clip": made.row, **made.facts})
            for stage, spent in made.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + spent
        began = time.perf_counter()
        for name, array in arrays.items():
            if rows:
                with atomic(folder / "shards" / f"{number:05d}.{name}.npy") as temporary:
                    np.save(temporary, array[: len(rows)], allow_pickle=False)
        seconds["write"] = time.perf_counter() - began
        write_text(
            folder / "shards" / f"{number:05d}.seconds.json",
            json.dumps({"stages": seconds, "peak_mb": peak_memory_mb()}),
        )
        record = {"key": key, "rows": rows, "failures": failures}
        write_text(folder / "shards" / f"{number:05d}.json", json.dumps(record))
        marker.unlink(missing_ok=True)
    return number


def _thumbnail(folder: Path, made: Made) -> str:
    """A small image of what was seen, where anything was; its path below ``folder``."""
    if made.picture is None:
        return ""
    height, width = made.picture.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(made.picture, size, interpolation=cv2.INTER_AREA)
    good, data = cv2.imencode(".jpg", small[..., ::-1])
    if not good:
        return ""
    name = f"failures/{made.row:06d}.jpg"  # by number: what a corpus calls its clips is no safe file name
    with atomic(folder / name) as temporary:
        temporary.write_bytes(data.tobytes())
    return name


def warm(settings: PreparationSettings) -> None:
    """Fail now, with the cure, rather than in every worker, if the settings can't be met."""
    if settings.sampling not in ("window", "clip"):
        raise ValueError(f"preparation.sampling={settings.sampling!r}; expected one of: window, clip")
    if min(settings.frames, settings.size, settings.shard, settings.n_mels) < 1 or settings.seconds <= 0:
        raise ValueError("preparation.frames, size, shard, n_mels and seconds must be positive")
    detector_for(settings.detector, settings.face_device)
