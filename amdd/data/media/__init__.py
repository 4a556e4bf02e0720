"""Video and audio files to arrays and back: the one decoder and the one encoder of the project (PyAV)."""

from amdd.data.media.decode import (
    FORMATS,
    FRAME_SUFFIXES,
    MAX_FRAMES,
    MediaError,
    MediaInfo,
    Video,
    coding,
    frame_files,
    path_from_text,
    path_text,
    probe,
    read_audio,
    read_video,
    write_video,
    write_wav,
)

__all__ = [
    "FORMATS",
    "FRAME_SUFFIXES",
    "MAX_FRAMES",
    "MediaError",
    "MediaInfo",
    "Video",
    "coding",
    "frame_files",
    "path_from_text",
    "path_text",
    "probe",
    "read_audio",
    "read_video",
    "write_video",
    "write_wav",
]
