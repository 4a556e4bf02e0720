"""Files opened for reading: which formats, which of their streams, and their frames one after the other.

Files are hostile input: whatever is wrong with one ends in a :class:`MediaError` that carries a reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import av
from av.stream import Disposition

from amdd.base.paths import path_from_text
from amdd.data.media.names import MediaError, words_of

av.logging.set_level(av.logging.PANIC)  # every fault becomes a MediaError; libav's own chatter adds nothing

MAX_FAULTS = 100  # undecodable packets after which a file is given up
# What a file may be. Playlists and lists of files (hls, concat, dash, ...) are left out: they name other
# files and addresses, and a hostile one would have us read those.
FORMATS = (
    "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,wav,w64,mp3,aac,flac,aiff,au,caf,h264,hevc,"
    "m4v,ivf,gif,mjpeg,dv,rm,3gp,nut,amr"
)


def open_container(path: Path) -> av.container.InputContainer:
    path = Path(path_from_text(os.fspath(path)))  # names in tables hold UTF-8 only
    if not os.path.exists(path):  # unlike Path.exists, takes names that are too long
        raise MediaError(path, "no such file")
    if not path.is_file():  # a named pipe would make us wait forever
        raise MediaError(path, "not a regular file (a pipe, socket or device); it is not opened")
    if path.stat().st_size == 0:
        raise MediaError(path, "the file is empty (0 bytes); copy or download it again")
    try:
        return av.open(
            str(path.absolute()),  # absolute, so that no name can pass for a protocol ("concat:...")
            metadata_errors="ignore",
            timeout=20.0,
            container_options={"protocol_whitelist": "file", "format_whitelist": FORMATS},
        )
    except (av.FFmpegError, OSError, ValueError, UnicodeError) as error:
        raise MediaError(path, f"not a media file that FFmpeg can open ({words_of(error)})") from None


def video_stream(container):
    """The moving images that a player shows: the track marked as default, else the first; a cover image is none."""
    shown = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return next(iter(_played(shown)), None)


def audio_tracks(container) -> list:
    """The audio track marked as default, else all, among those for which there is a decoder."""
    return _played(container.streams.audio)


def _played(streams) -> list:
    tracks = [s for s in streams if s.codec_context is not None]
    return [s for s in tracks if s.disposition & Disposition.default][:1] or tracks


def codec_name(stream) -> str:
    context = getattr(stream, "codec_context", None)
    return context.name if context is not None else ""


def frame_rate(stream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.5 <= float(rate) <= 1000:
            return float(rate)
    return 25.0  # some files state 0; every corpus of the field is 25 fps


def _decode(container, stream, wanted: set[int] | None = None):
    """The stream's frames; packets that can't be decoded are passed over, up to a bound.

    Of H.264, frames that no other frame refers to are left out unless their time stamp is in ``wanted``.
    """
    skipping = wanted is not None and stream.codec_context.name == "h264"
    faults = 0
    try:
        for packet in container.demux(stream):
            if skipping:
                needed = wanted is None or packet.pts is None or packet.pts in wanted
                stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            try:
                yield from packet.decode()
            except (av.FFmpegError, ValueError):
                faults += 1
                if faults > MAX_FAULTS:
                    return
    except av.FFmpegError:
        return  # the container breaks off here
