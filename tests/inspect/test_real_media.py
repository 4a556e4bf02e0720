"""Files of phones and browsers, with the photograph of a real person in them: an answer, or one line with the cure."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from support.filmed import film, tone, write_clip

import amdd
from amdd.data.media import write_video
from amdd.inspect.clip import open_clip, windows

KINDS = {
    "VP9 in WebM": ("a.webm", "libvpx-vp9", "yuv420p", "libopus", 48_000, "mono"),
    "HEVC, 10 bits": ("a.mp4", "libx265", "yuv420p10le", "aac", 44_100, "stereo"),
    "AV1 in WebM": ("a.webm", "libsvtav1", "yuv420p", "libopus", 48_000, "mono"),
    "8 kHz": ("a.mov", "libx264", "yuv420p", "pcm_s16le", 8_000, "mono"),
    "5.1": ("a.mkv", "libx264", "yuv420p", "ac3", 48_000, "5.1"),
    "MJPEG of a camera": ("a.avi", "mjpeg", "yuvj420p", "pcm_s16le", 16_000, "mono"),
}


def record(
    path: Path, codec: str, pixels: str, sound: str, rate: int, layout: str, *, late: float = 0.0, times=None
):
    """Write a second of film; ``late`` delays the audio, ``times`` are the frames' instants in milliseconds."""
    frames = film(1.0)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=10)
        video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], pixels
        video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(sound, rate=rate, layout=layout)
        for k, array in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = (times[k] if times else 100 * k), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        wave = np.interp(np.arange(rate) / rate, np.arange(16_000) / 16_000, tone(1.0)).astype(np.float32)
        count = len(av.AudioLayout(layout).channels)
        part = av.AudioFrame.from_ndarray(np.repeat(wave[None], count, 0), format="fltp", layout=layout)
        part.sample_rate, part.pts, part.time_base = rate, round(late * rate), Fraction(1, rate)
        resampler = av.AudioResampler(
            audio.format, layout, rate, frame_size=audio.codec_context.frame_size or None
        )
        for piece in [*resampler.resample(part), *resampler.resample(None)]:
            container.mux(audio.encode(piece))
        container.mux(audio.encode(None))
    return path


def turned(path: Path, out: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Copy an MP4 with the display matrix (a, b, c, d) of its video track."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd")
    place = at + 4 + 4 + (20 if data[at + 4] == 0 else 32) + 16
    a, b, c, d = (v << 16 for v in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    out.write_bytes(data)
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_every_codec_and_audio_gets_an_answer(made, tmp_path, kind):
    name, *rest = KINDS[kind]
    if rest[0] not in av.codecs_available:
        pytest.skip(f"no encoder {rest[0]} here")
    found = amdd.inspect(record(tmp_path / name, *rest), made[1].folder)
    assert len(found.people) == 1 and found.has_audio and found.seconds == pytest.approx(1.0, abs=0.11)
    assert found.people[0].windows[0].lost == 0


@pytest.mark.parametrize(
    "matrix", [(0, 1, -1, 0), (-1, 0, 0, -1), (-1, 0, 0, 1)], ids=["90", "180", "mirrored"]
)
def test_turned_and_mirrored_clips_are_seen_upright(made, tmp_path, matrix):
    inverse = {(0, 1, -1, 0): 1, (-1, 0, 0, -1): 2}
    frames = film(1.0)
    stored = np.rot90(frames, inverse[matrix], (1, 2)) if matrix in inverse else frames[:, :, ::-1]
    plain = write_video(tmp_path / "plain.mp4", np.ascontiguousarray(stored), 10, tone(1.0))
    upright = write_video(tmp_path / "upright.mp4", frames, 10, tone(1.0))
    found = [
        amdd.inspect(p, made[1].folder) for p in (turned(plain, tmp_path / "turned.mp4", matrix), upright)
    ]
    assert np.abs(np.subtract(found[0].people[0].box, found[1].people[0].box)).max() < 8
    assert found[0].people[0].windows[0].lost == 0


def test_variable_rate_and_late_audio(made, tmp_path):
    times = [0, 30, 60, 90, 400, 430, 460, 800, 830, 900]
    options = ("libx264", "yuv420p", "aac", 16_000, "mono")
    found = amdd.inspect(record(tmp_path / "a.mp4", *options, late=0.4, times=times), made[1].folder)
    assert found.has_audio and found.verdict in ("real", "forged", "can't tell")
    piece = next(windows(open_clip(tmp_path / "a.mp4"), made[1].profile.preparation, np.zeros(1)))
    assert np.abs(piece.audio[:4800]).max() < 0.02 < np.abs(piece.audio[8000:]).max()
    assert piece.indices.tolist() == [3, 6, 8]  # on screen at 1/6, 3/6 and 5/6 of the clip


def test_a_long_clip_is_read_within_a_bounded_memory(made, tmp_path):
    settings = made[1].profile.preparation
    clip = open_clip(write_clip(tmp_path / "long.mp4", 40.0, fps=5))
    kept = [(p.start, p.frames) for p in windows(clip, settings, np.arange(40.0))]
    assert len(kept) == 40 and all(frames is None for _, frames in kept)


def test_a_truncated_file_answers_for_what_there_is(made, tmp_path):
    whole = tmp_path / "whole.mkv"
    record(whole, "libx264", "yuv420p", "aac", 16_000, "mono")
    (tmp_path / "torn.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    found = amdd.inspect(tmp_path / "torn.mkv", made[1].folder)
    assert len(found.people) == 1
