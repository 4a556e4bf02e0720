"""Contents of a media file by its own account, without decoding it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import av

from amdd.data.media.clock import list_frames
from amdd.data.media.container import audio_tracks, codec_name, open_container, video_stream
from amdd.data.media.names import MediaError, frame_files
from amdd.data.media.pictures import read_picture


@dataclass(frozen=True)
class MediaInfo:
    """Properties that a container states; ``n_frames`` counts the frames that it lists."""

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


def probe(path: str | Path) -> MediaInfo:
    """Return the properties of a file or frame folder without decoding it. Raises :class:`MediaError`."""
    path = Path(path)
    if os.path.isdir(path):
        files = frame_files(path)
        if not files:
            raise MediaError(path, "a folder without pictures")
        height, width = read_picture(files[0]).shape[:2]
        return MediaInfo(path, True, False, width, height, 25.0, len(files), len(files) / 25.0, "jpeg")
    with open_container(path) as container:
        video = video_stream(container)
        audio = next(iter(audio_tracks(container)), None)
        seconds = float(container.duration or 0) / av.time_base
        if video is None:
            return MediaInfo(path, False, audio is not None, seconds=seconds, audio_codec=codec_name(audio))
        timeline = list_frames(container, video)
        seconds = max(seconds, timeline.duration)
        return MediaInfo(
            path,
            True,
            audio is not None,
            video.width or 0,
            video.height or 0,
            timeline.fps,
            len(timeline) or timeline.stated,
            seconds,
            codec_name(video),
            codec_name(audio),
        )


def coding(path: str | Path) -> str:
    """Return the stated encoding of a file or frame folder as one line of text: container, its tags, codecs, profiles,
    formats. Nothing in it depends on the content; files of one encoder and its settings have the same line.

    Raises :class:`MediaError`.
    """
    path = Path(path)
    if os.path.isdir(path):
        return f"pictures {read_picture(frame_files(path)[0]).shape}" if frame_files(path) else "no pictures"
    with open_container(path) as container:
        words = [container.format.name, *(f"{k}={v}" for k, v in sorted(container.metadata.items()))]
        for stream in container.streams:
            context = stream.codec_context
            words += [
                stream.type,
                codec_name(stream),
                str(stream.profile),
                str(stream.time_base),
                str(stream.language),
            ]
            words += [f"{k}={v}" for k, v in sorted(stream.metadata.items())]
            for name in ("pix_fmt", "colorspace", "color_range", "has_b_frames", "sample_rate", "format"):
                value = getattr(context, name, None)
                words.append(f"{name}={getattr(value, 'name', value)}")
    return " ".join(words)
