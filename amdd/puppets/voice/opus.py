"""Opus in Ogg (RFC 6716, RFC 7845): the compressed form of the speech bank's sentences."""

from __future__ import annotations

import io

import av
import numpy as np

STORED_RATE = 24_000
BIT_RATE = 24_000  # bits a second of the banks' sentences
DECODED_RATE = 48_000  # Opus always decodes to this rate


def encode(audio: np.ndarray, bit_rate: int) -> bytes:
    """Return ``audio`` (n,) float32 at 24 kHz as an Ogg Opus file of about ``bit_rate`` bits a second.

    The same samples give the same bytes with the same build of FFmpeg.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=STORED_RATE, layout="mono", bit_rate=bit_rate)
        stream.codec_context.options = {"vbr": "on", "application": "audio", "compression_level": "10"}
        stream.codec_context.format = "flt"
        stream.codec_context.flags |= 1 << 23  # bit-exact: no version of the encoder in the header
        samples = np.ascontiguousarray(audio, np.float32)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate, frame.pts = STORED_RATE, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def decode(data: bytes) -> np.ndarray:
    """Return the samples (n,) float32 at 48 kHz of an Ogg Opus file, without the encoder's delay and padding.

    Raises ``av.FFmpegError`` or ``ValueError`` if ``data`` is no such file.
    """
    with av.open(io.BytesIO(data), "r", format="ogg") as container:
        if not container.streams.audio:
            raise ValueError("no audio stream")
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    if rate != DECODED_RATE or not pieces:
        raise ValueError("not Opus")
    return np.concatenate(pieces, axis=1)[0].astype(np.float32)
