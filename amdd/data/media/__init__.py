"""Video and audio files to arrays and back: the one decoder and the one encoder of the project (PyAV)."""

from amdd.data.media.audio import Audio, decode_audio, read_audio
from amdd.data.media.clock import Timeline, read_timeline
from amdd.data.media.container import FORMATS
from amdd.data.media.decode import MAX_FRAMES, Video, read_video
from amdd.data.media.encode import write_video, write_wav
from amdd.data.media.names import FRAME_SUFFIXES, MediaError, frame_files, path_from_text, path_text
from amdd.data.media.probe import MediaInfo, coding, probe

__all__ = [
    "Audio",
    "FORMATS",
    "FRAME_SUFFIXES",
    "MAX_FRAMES",
    "MediaError",
    "MediaInfo",
    "Timeline",
    "Video",
    "coding",
    "decode_audio",
    "frame_files",
    "path_from_text",
    "path_text",
    "probe",
    "read_audio",
    "read_timeline",
    "read_video",
    "write_video",
    "write_wav",
]
