"""Video and audio files to arrays and back: the one decoder and the one encoder of the project (PyAV).

Files are hostile input: whatever is wrong with one ends in a :class:`MediaError` that carries a reason, and
what is read is bounded, so that a ten-hour or an 8K file costs no more than the frames that were asked for.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from amdd.paths import atomic

av.logging.set_level(av.logging.PANIC)  # every fault becomes a MediaError; libav's own chatter adds nothing

MAX_SIDE = 1920  # larger pictures are scaled down while decoding
MAX_FRAMES = 3000  # two minutes at 25 fps: what is decoded at most when no frames were named
SEEK_GAP = 250  # frames; further apart than this, a seek is cheaper than decoding on
FRAME_SUFFIXES = {"", ".jpg", ".jpeg", ".png"}


class MediaError(ValueError):
    """A file that can't be read, with the reason and what may cure it."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{Path(path).name!a}: {reason}")


@dataclass(frozen=True)
class MediaInfo:
    """What a container says of itself; ``n_frames`` is an estimate until the frames are decoded."""

    path: Path
    has_video: bool
    has_audio: bool
    width: int = 0
    height: int = 0
    fps: float = 0.0
    n_frames: int = 0
    seconds: float = 0.0
    video_codec: str = ""
    audio_codec: str = ""
    rotation: int = 0


@dataclass(frozen=True)
class Video:
    """Decoded frames.

    ``frames`` is uint8 (T, H, W, 3), RGB; ``indices`` (T,) says which frames of the file they are.
    """

    frames: np.ndarray
    fps: float
    n_frames: int
    indices: np.ndarray


def _open(path: Path) -> av.container.InputContainer:
    if not path.exists():
        raise MediaError(path, "no such file")
    if path.is_file() and path.stat().st_size == 0:
        raise MediaError(path, "the file is empty (0 bytes); copy or download it again")
    try:
        return av.open(str(path), metadata_errors="ignore", timeout=20.0)
    except (av.FFmpegError, OSError, ValueError, UnicodeError) as error:
        raise MediaError(path, f"not a media file that FFmpeg can open ({_words(error)})") from None


def _words(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text)


def frame_files(folder: Path) -> list[Path]:
    """The pictures of a frame folder (VidTIMIT keeps JPEGs named 001, 002, ... without a suffix)."""
    files = [f for f in folder.iterdir() if f.is_file() and f.suffix.lower() in FRAME_SUFFIXES]
    return sorted((f for f in files if not f.name.startswith(".")), key=lambda f: (len(f.stem), f.stem))


def probe(path: str | Path) -> MediaInfo:
    """What a file or frame folder holds, without decoding it. Raises :class:`MediaError`."""
    path = Path(path)
    if path.is_dir():
        files = frame_files(path)
        if not files:
            raise MediaError(path, "a folder without pictures")
        height, width = _read_picture(files[0]).shape[:2]
        return MediaInfo(path, True, False, width, height, 25.0, len(files), len(files) / 25.0, "jpeg")
    with _open(path) as container:
        video = container.streams.video[0] if container.streams.video else None
        audio = container.streams.audio[0] if container.streams.audio else None
        seconds = float(container.duration or 0) / av.time_base
        if video is None:
            return MediaInfo(path, False, audio is not None, seconds=seconds, audio_codec=_codec(audio))
        fps = _fps(video)
        n = video.frames or round(seconds * fps)
        return MediaInfo(
            path,
            True,
            audio is not None,
            video.width or 0,
            video.height or 0,
            fps,
            max(int(n), 0),
            seconds,
            _codec(video),
            _codec(audio),
        )


def _codec(stream) -> str:
    context = getattr(stream, "codec_context", None)
    return context.name if context is not None else ""


def _fps(stream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.5 <= float(rate) <= 1000:
            return float(rate)
    return 25.0  # some files state 0; every corpus of the field is 25 fps


def _to_array(frame: av.VideoFrame) -> np.ndarray:
    width, height = frame.width, frame.height
    scale = min(1.0, MAX_SIDE / max(width, height))
    if scale < 1.0:
        frame = frame.reformat(
            width=max(2, int(width * scale)), height=max(2, int(height * scale)), format="rgb24"
        )
    array = frame.to_ndarray(format="rgb24")
    turns = round(float(getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(array, turns)) if turns else array


def read_video(
    path: str | Path, indices: Sequence[int] | None = None, max_frames: int | None = None
) -> Video:
    """Decode a file, or a folder of pictures, to RGB frames.

    ``indices`` (ascending) are the wanted frames; without them all frames up to ``max_frames`` (at most
    3,000). Wanted frames past the end are replaced by the last one, since containers lie about their length.
    Raises :class:`MediaError` when not a single frame can be had; a file that breaks off in the middle gives
    what came before.
    """
    path = Path(path)
    limit = min(max_frames or MAX_FRAMES, MAX_FRAMES)
    if path.is_dir():
        files = frame_files(path)
        if not files:
            raise MediaError(path, "a folder without pictures")
        wanted = np.arange(min(len(files), limit)) if indices is None else np.asarray(indices, int)
        wanted = np.clip(wanted, 0, len(files) - 1)
        frames = [_read_picture(files[i]) for i in wanted]
        return Video(_stack(path, frames), 25.0, len(files), wanted)
    with _open(path) as container:
        if not container.streams.video:
            raise MediaError(path, "holds no video stream")
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        fps = _fps(stream)
        n_stated = int(stream.frames or 0)
        wanted = None if indices is None else np.asarray(sorted(int(i) for i in indices), int)
        got: dict[int, np.ndarray] = {}
        position, last = 0, None
        try:
            if wanted is not None and len(wanted) and wanted[0] > SEEK_GAP:
                position = _seek(container, stream, fps, int(wanted[0]))
            pending = None if wanted is None else list(dict.fromkeys(wanted.tolist()))
            for frame in container.decode(stream):
                if pending is None:
                    got[position] = _to_array(frame)
                    if len(got) >= limit:
                        break
                else:
                    last = frame
                    while pending and position >= pending[0]:
                        got[pending.pop(0)] = _to_array(frame)
                    if not pending:
                        break
                position += 1
        except (av.FFmpegError, ValueError, MemoryError) as error:
            if not got and last is None:
                raise MediaError(path, f"no frame could be decoded ({_words(error)})") from None
        if wanted is None:
            frames = [got[i] for i in sorted(got)]
            return Video(_stack(path, frames), fps, max(n_stated, len(frames)), np.arange(len(frames)))
        if last is not None and len(got) < len(set(wanted.tolist())):
            tail = _to_array(last)
            for i in wanted.tolist():
                got.setdefault(i, tail)
        if not got:
            raise MediaError(path, "no frame could be decoded; the file may be truncated")
        fallback = got[max(got)]
        frames = [got.get(int(i), fallback) for i in wanted]
        return Video(_stack(path, frames), fps, max(n_stated, position), wanted)


def _seek(container, stream, fps: float, index: int) -> int:
    """Go to the key frame before frame ``index``; the position reached, in frames."""
    seconds = max(0.0, index / fps - 1.0)
    container.seek(int(seconds / stream.time_base), stream=stream, backward=True, any_frame=False)
    for packet in container.demux(stream):
        if packet.pts is not None:
            start = float((packet.pts - (stream.start_time or 0)) * stream.time_base)
            container.seek(int(seconds / stream.time_base), stream=stream, backward=True, any_frame=False)
            return max(0, round(start * fps))
    return 0


def _stack(path: Path, frames: list[np.ndarray]) -> np.ndarray:
    if not frames:
        raise MediaError(path, "no frame could be decoded; the file may be truncated")
    shape = frames[0].shape
    if any(f.shape != shape for f in frames):  # pictures of changing size: keep those of the first's
        frames = [f if f.shape == shape else _fit(f, shape[:2]) for f in frames]
    return np.stack(frames)


def _fit(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    return picture.reformat(width=size[1], height=size[0], format="rgb24").to_ndarray()


def _read_picture(path: Path) -> np.ndarray:
    try:
        # The suffix may be missing, so the demuxer is named instead of guessed.
        data = path.read_bytes()
        demuxer = "png_pipe" if data[:4] == b"\x89PNG" else "jpeg_pipe"
        with av.open(str(path), format=demuxer) as container:
            for frame in container.decode(video=0):
                return _to_array(frame)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(path, f"not a picture ({_words(error)})") from None
    raise MediaError(path, "not a picture")


def read_audio(
    path: str | Path, sample_rate: int = 16_000, seconds: float | None = None, start: float = 0.0
) -> np.ndarray:
    """The sound of a file as float32 (n,), mono, at ``sample_rate`` Hz, in [-1, 1].

    At most ``seconds`` from ``start`` are decoded. Raises :class:`MediaError` when there is no sound.
    """
    path = Path(path)
    if path.is_dir():
        raise MediaError(path, "a folder of pictures has no sound")
    bound = int(sample_rate * (min(seconds, 600.0) if seconds is not None else 600.0))
    skip = int(start * sample_rate)
    chunks: list[np.ndarray] = []
    total = 0
    with _open(path) as container:
        if not container.streams.audio:
            raise MediaError(path, "holds no sound")
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=sample_rate)
        try:
            if start > 30:
                container.seek(int((start - 5) / stream.time_base), stream=stream, backward=True)
                skip = None
            for frame in container.decode(stream):
                if skip is None:
                    skip = max(0, int((start - float(frame.time or 0)) * sample_rate))
                for out in resampler.resample(frame):
                    chunks.append(out.to_ndarray().reshape(-1))
                    total += chunks[-1].size
                if total >= bound + skip:
                    break
            for out in resampler.resample(None):
                chunks.append(out.to_ndarray().reshape(-1))
        except (av.FFmpegError, ValueError, MemoryError) as error:
            if not chunks:
                raise MediaError(path, f"no sound could be decoded ({_words(error)})") from None
    if not chunks:
        raise MediaError(path, "no sound could be decoded; the file may be truncated")
    sound = np.concatenate(chunks).astype(np.float32)[skip or 0 :][:bound]
    return np.clip(np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)


def write_video(
    path: str | Path,
    frames: np.ndarray,
    fps: int = 25,
    audio: np.ndarray | None = None,
    sample_rate: int = 16_000,
    crf: int = 23,
    preset: str = "veryfast",
) -> Path:
    """Write ``frames`` uint8 (T, H, W, 3) as H.264 (4:2:0) with ``audio`` float32 (n,) as mono AAC, 64 kbit/s.

    The same arrays give the same bytes: one encoder thread, no dates, no encoder banner.
    """
    with atomic(path) as temporary:
        options = {"movflags": "+faststart"} if temporary.suffix == ".mp4" else {}
        with av.open(str(temporary), "w", options=options) as container:
            container.flags |= 0x0400  # AVFMT_FLAG_BITEXACT: no dates, no library version
            video = container.add_stream("libx264", rate=Fraction(fps))
            video.width, video.height = frames.shape[2], frames.shape[1]
            video.pix_fmt = "yuv420p"
            video.codec_context.thread_count = 1
            video.options = {"crf": str(crf), "preset": preset, "threads": "1"}
            sound = None
            if audio is not None:
                sound = container.add_stream("aac", rate=sample_rate, layout="mono")
                sound.bit_rate = 64_000
                sound.codec_context.thread_count = 1
            for array in frames:
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
            if sound is not None:
                pcm = np.clip(np.asarray(audio, np.float32), -1, 1).reshape(1, -1)
                step = 1024
                for first in range(0, pcm.shape[1], step):
                    chunk = av.AudioFrame.from_ndarray(
                        np.ascontiguousarray(pcm[:, first : first + step]), format="fltp", layout="mono"
                    )
                    chunk.sample_rate = sample_rate
                    chunk.pts = first
                    container.mux(sound.encode(chunk))
                container.mux(sound.encode(None))
    return Path(path)


def write_wav(path: str | Path, audio: np.ndarray, sample_rate: int = 16_000) -> Path:
    """Write ``audio`` float32 (n,) as 16-bit mono PCM."""
    pcm = (np.clip(audio, -1, 1) * 32767).round().astype("<i2")
    with atomic(path) as temporary, wave.open(str(temporary), "wb") as handle:
        handle.setnchannels(1)
        handle.setsampwidth(2)
        handle.setframerate(sample_rate)
        handle.writeframes(pcm.tobytes())
    return Path(path)
