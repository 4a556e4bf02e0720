"""Video and audio files to arrays and back: the one decoder and the one encoder of the project (PyAV).

Files are hostile input: whatever is wrong with one ends in a :class:`MediaError` that carries a reason, and
what is read is bounded, so that a ten-hour or an 8K file costs no more than the frames that were asked for.
"""

from __future__ import annotations

import os
import re
import wave
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from amdd.base.paths import atomic

av.logging.set_level(av.logging.PANIC)  # every fault becomes a MediaError; libav's own chatter adds nothing

MAX_SIDE = 1920  # larger pictures are scaled down while decoding
MAX_FRAMES = 3000  # two minutes at 25 fps: what is decoded at most when no frames were named
MAX_BYTES = 1 << 30  # of decoded frames, in the same case
MAX_PIXELS = 20_000_000_000  # decoded for one call: 10,000 frames of 1080p, 600 of 8K
MAX_CHANNELS = 8  # of sound
MAX_FAULTS = 100  # undecodable packets after which a file is given up
SEEK_GAP = 250  # frames; further apart than this, a seek is cheaper than decoding on
# What a file may be. Playlists and lists of files (hls, concat, dash, ...) are left out: they name other
# files and addresses, and a hostile one would have us read those.
FORMATS = (
    "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,wav,w64,mp3,aac,flac,aiff,au,caf,h264,hevc,"
    "m4v,ivf,gif,mjpeg,dv,rm,3gp,nut,amr"
)
FRAME_SUFFIXES = {"", ".jpg", ".jpeg", ".png"}


class MediaError(ValueError):
    """A file that can't be read, with the reason and what may cure it."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{Path(path).name!a}: {reason}")


def path_text(path: str | os.PathLike[str]) -> str:
    """``path`` as text for tables: bytes that are not UTF-8 are written ``\\xNN``, since tables hold UTF-8 only."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def path_from_text(text: str) -> str:
    """The inverse of :func:`path_text`, for a file that exists under the name with those bytes."""
    if "\\x" in text and not os.path.lexists(text):
        raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), os.fsencode(text))
        if os.path.lexists(raw):
            return os.fsdecode(raw)
    return text


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


@dataclass(frozen=True)
class Video:
    """Decoded frames.

    ``frames`` is uint8 (T, H, W, 3), RGB; ``indices`` (T,) says which frames of the file they are.
    """

    frames: np.ndarray
    fps: float
    n_frames: int
    indices: np.ndarray
    short: bool = False  # the file ended before the last wanted frame
    reached: int = 0  # one more than the number of the last frame that was decoded


def _open(path: Path) -> av.container.InputContainer:
    if not os.path.exists(path):  # unlike Path.exists, takes names that are too long
        raise MediaError(path, "no such file")
    if path.is_file() and path.stat().st_size == 0:
        raise MediaError(path, "the file is empty (0 bytes); copy or download it again")
    try:
        return av.open(
            str(path.absolute()),  # absolute, so that no name can pass for a protocol ("concat:...")
            metadata_errors="ignore",
            timeout=20.0,
            container_options={"protocol_whitelist": "file", "format_whitelist": FORMATS},
        )
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
    if os.path.isdir(path):
        files = frame_files(path)
        if not files:
            raise MediaError(path, "a folder without pictures")
        height, width = _read_picture(files[0]).shape[:2]
        return MediaInfo(path, True, False, width, height, 25.0, len(files), len(files) / 25.0, "jpeg")
    with _open(path) as container:
        video = _video_stream(container)
        audio = _audio_stream(container)
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


def coding(path: str | Path) -> str:
    """How a file or frame folder says that it was encoded, as one line of text: container, its tags, codecs, profiles,
    formats. Nothing in it depends on the content; files of one encoder and its settings have the same line.

    Raises :class:`MediaError`.
    """
    path = Path(path)
    if os.path.isdir(path):
        return f"pictures {_read_picture(frame_files(path)[0]).shape}" if frame_files(path) else "no pictures"
    with _open(path) as container:
        words = [container.format.name, *(f"{k}={v}" for k, v in sorted(container.metadata.items()))]
        for stream in container.streams:
            context = stream.codec_context
            words += [
                stream.type,
                _codec(stream),
                str(stream.profile),
                str(stream.time_base),
                str(stream.language),
            ]
            words += [f"{k}={v}" for k, v in sorted(stream.metadata.items())]
            for name in ("pix_fmt", "colorspace", "color_range", "has_b_frames", "sample_rate", "format"):
                value = getattr(context, name, None)
                words.append(f"{name}={getattr(value, 'name', value)}")
    return " ".join(words)


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

    ``indices`` (ascending) are the wanted frames; without them all frames up to ``max_frames`` (at most 3,000
    and 1 GB). Wanted frames past the end are replaced by the last one, since containers lie about their
    length; ``Video.short`` says so. Between wanted frames that lie far apart the decoder seeks. Raises
    :class:`MediaError` when not a single frame can be had; a file that breaks off in the middle gives what
    came before.
    """
    path = Path(path)
    limit = min(max_frames or MAX_FRAMES, MAX_FRAMES)
    wanted = None if indices is None else np.sort(np.maximum(np.asarray(indices, int), 0))
    if os.path.isdir(path):
        files = frame_files(path)
        if not files:
            raise MediaError(path, "a folder without pictures")
        wanted = np.arange(min(len(files), limit)) if wanted is None else wanted
        short = bool(len(wanted) and wanted[-1] >= len(files))
        frames = [_read_picture(files[i]) for i in np.minimum(wanted, len(files) - 1)]
        return Video(_stack(path, frames), 25.0, len(files), wanted, short, len(files))
    with _open(path) as container:
        stream = _video_stream(container)
        if stream is None:
            raise MediaError(path, "holds no video stream that can be decoded")
        stream.thread_type = "NONE"  # clips are decoded side by side, not one faster
        try:
            if wanted is None:
                got, reached = _first_frames(container, stream, limit)
                wanted = np.arange(len(got))
            else:
                got, reached = _wanted_frames(container, stream, np.unique(wanted))
        except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
            raise MediaError(path, f"no frame could be decoded ({_words(error)})") from None
        if not got:
            raise MediaError(path, "no frame could be decoded; the file may be truncated")
        known = sorted(got)
        nearest = [known[max(0, bisect_right(known, i) - 1)] for i in wanted.tolist()]
        short = bool(reached <= wanted[-1]) if len(wanted) else False
        n_frames = reached if short else max(int(stream.frames or 0), reached)
        return Video(_stack(path, [got[i] for i in nearest]), _fps(stream), n_frames, wanted, short, reached)


def _video_stream(container):
    """The first stream of moving pictures; a cover picture in a sound file is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            return stream
    return None


def _audio_stream(container):
    """The first stream of sound for which there is a decoder."""
    return next((s for s in container.streams.audio if s.codec_context is not None), None)


def _decode(container, stream):
    """The stream's frames; packets that can't be decoded are passed over, up to a bound."""
    faults = 0
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except (av.FFmpegError, ValueError):
                faults += 1
                if faults > MAX_FAULTS:
                    return
    except av.FFmpegError:
        return  # the container breaks off here


def _first_frames(container, stream, limit: int) -> tuple[dict[int, np.ndarray], int]:
    got: dict[int, np.ndarray] = {}
    size = 0
    for frame in _decode(container, stream):
        got[len(got)] = _to_array(frame)
        size += got[len(got) - 1].nbytes
        if len(got) >= limit or size > MAX_BYTES:
            break
    return got, len(got)


def _wanted_frames(container, stream, wanted: np.ndarray) -> tuple[dict[int, np.ndarray], int]:
    """Frames by number, and one more than the number of the last frame that was seen."""
    fps, origin = _fps(stream), float((stream.start_time or 0) * stream.time_base)
    got: dict[int, np.ndarray] = {}
    pending = wanted.tolist()
    position: int | None = 0
    pixels, last = 0, None
    frames = _decode(container, stream)
    while pending:
        if position is not None and pending[0] - position > SEEK_GAP:
            try:
                target = max(0.0, origin + pending[0] / fps - 0.5)
                container.seek(int(target / stream.time_base), stream=stream, backward=True)
                frames, position = _decode(container, stream), None
            except av.FFmpegError:
                pass  # not seekable: go on decoding
        target_number = pending[0]
        for frame in frames:
            if position is None:  # after a seek the frame's own time says where we are
                at = target_number / fps if frame.time is None else float(frame.time) - origin
                position = max(0, round(at * fps))
            last, number = frame, position
            position += 1
            pixels += frame.width * frame.height
            if number >= pending[0] or pixels > MAX_PIXELS:
                break
        else:
            break  # the end
        if number < pending[0]:
            break  # as far as we go
        picture = _to_array(frame)
        while pending and number >= pending[0]:
            got[pending.pop(0)] = picture
    reached = position or 0
    if pending and last is not None:
        got[max(reached - 1, 0)] = _to_array(last)
    return got, reached if pending else max(reached, int(wanted[-1]) + 1 if len(wanted) else 0)


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
    if os.path.isdir(path):
        raise MediaError(path, "a folder of pictures has no sound")
    bound = int(sample_rate * (min(seconds, 600.0) if seconds is not None else 600.0))
    skip = int(start * sample_rate)
    chunks: list[np.ndarray] = []
    total = 0
    with _open(path) as container:
        stream = _audio_stream(container)
        if stream is None:
            raise MediaError(path, "holds no sound")
        if not 1000 <= (stream.rate or 0) <= 768_000:
            raise MediaError(path, f"states a sample rate of {stream.rate} Hz")
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=sample_rate)
        try:
            if start > 30:
                container.seek(int((start - 5) / stream.time_base), stream=stream, backward=True)
                skip = None
            kind = None
            for frame in _decode(container, stream):
                # A stream that turns from 1 to 53 channels midway makes the resampler read past its memory.
                this = frame.format.name, frame.layout.nb_channels, frame.sample_rate
                kind = kind or this
                if this != kind or frame.layout.nb_channels > MAX_CHANNELS:
                    break
                if skip is None:
                    skip = max(0, int((start - float(frame.time or 0)) * sample_rate))
                for out in resampler.resample(frame):
                    chunks.append(out.to_ndarray().reshape(-1))
                    total += chunks[-1].size
                if total >= bound + skip:
                    break
            for out in resampler.resample(None):  # the resampler holds back its last samples
                chunks.append(out.to_ndarray().reshape(-1))
        except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
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
    bit_rate: int | None = None,
) -> Path:
    """Write ``frames`` uint8 (T, H, W, 3) as H.264 (4:2:0) with ``audio`` float32 (n,) as mono AAC, 64 kbit/s.

    ``crf`` fixes the quality; ``bit_rate``, in bits a second, where given, fixes the picture's size instead.
    The same arrays give the same bytes: one encoder thread, no dates, no encoder banner. Raises ``ValueError``
    for frames of another shape or type, or with an odd side, which 4:2:0 can't hold.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be uint8 (T, H, W, 3), not {frames.dtype} {frames.shape}")
    if frames.shape[1] % 2 or frames.shape[2] % 2:
        raise ValueError(f"H.264 in 4:2:0 needs even sides, not {frames.shape[2]} x {frames.shape[1]}")
    with atomic(path) as temporary:
        options = {"movflags": "+faststart"} if temporary.suffix == ".mp4" else {}
        with av.open(str(temporary), "w", options=options) as container:
            container.flags |= 0x0400  # AVFMT_FLAG_BITEXACT: no dates, no library version
            video = container.add_stream("libx264", rate=Fraction(fps))
            video.width, video.height = frames.shape[2], frames.shape[1]
            video.pix_fmt = "yuv420p"
            video.codec_context.thread_count = 1
            # x264's AVX-512 code decides from memory that it has not written, so that the same frames give other bytes
            # at every call; what does not depend on the processor is the same everywhere.
            video.options = {"preset": preset, "threads": "1", "x264-params": "cpu-independent=1"}
            if bit_rate is None:
                video.options = video.options | {"crf": str(crf)}
            else:
                video.codec_context.bit_rate = int(bit_rate)
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
