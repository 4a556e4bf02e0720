"""One clock for frames and audio: beeps and flashes written together stay together through preparation."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from amdd.data.faces.track import FaceTrack
from amdd.data.media import (
    MediaError,
    decode_audio,
    probe,
    read_audio,
    read_timeline,
    read_video,
    write_video,
    write_wav,
)
from amdd.data.prepare import shards
from amdd.data.prepare.shards import Clip, prepare_clip
from amdd.profiles import PreparationSettings

RATE = 16_000
SETTINGS = PreparationSettings(frames=100, size=32, n_mels=16, seconds=4.0, workers=1)
FLASH = 2.0  # seconds after the first frame at which picture and audio give their sign
CODECS = {
    ".mkv": ("libx264", "aac"),
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".webm": ("libvpx", "libopus"),
    ".ts": ("libx264", "aac"),
    ".avi": ("mpeg4", "mp3"),
}


def instants(first: float, second: float, seconds: float = 4.0) -> list[float]:
    """Presentation times of a film whose rate changes halfway from ``first`` to ``second`` frames a second."""
    half = seconds / 2
    return [k / first for k in range(round(half * first))] + [
        half + k / second for k in range(round(half * second))
    ]


def write_film(path, times, offset=0.0, hole=None, base=0.0, options=None, rate=25, size=64):
    """Film of black frames, white from FLASH on for 0.2 s; a beep at the same instant. Audio begins at ``offset``.

    ``hole`` (from, to): no audio packets there. ``base``: the time stamp of the first frame.
    """
    video_codec, audio_codec = CODECS[path.suffix]
    sample_rate = 48_000 if audio_codec in ("libopus", "mp3") else RATE
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(video_codec, rate=rate)
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, rate) if path.suffix == ".avi" else Fraction(1, 1000)
        if video_codec == "libx264":
            video.options = {"bf": "2", "preset": "veryfast"}
        sound = container.add_stream(audio_codec, rate=sample_rate, layout="mono")
        at = np.arange(round(offset * sample_rate), round(4.5 * sample_rate)) / sample_rate
        wave = 0.3 * np.sin(2 * np.pi * 1000 * at) * ((at >= FLASH) & (at < FLASH + 0.2))
        packets = []
        for t in times:
            level = 255 if FLASH - 1e-6 <= t < FLASH + 0.2 - 1e-6 else 0
            frame = av.VideoFrame.from_ndarray(np.full((size, size, 3), level, np.uint8), format="rgb24")
            frame.time_base = video.codec_context.time_base
            frame.pts = round((t + base) / frame.time_base)
            packets += video.encode(frame)
        packets += video.encode(None)
        step = 960 if audio_codec == "libopus" else 1152 if audio_codec == "mp3" else 1024
        for first in range(0, len(wave), step):
            begin = at[first]
            if hole and hole[0] <= begin < hole[1]:
                continue
            part = wave[first : first + step].astype(np.float32)[None]
            chunk = av.AudioFrame.from_ndarray(
                (part * 32767).astype(np.int16) if audio_codec == "libopus" else part,
                format="s16" if audio_codec == "libopus" else "fltp",
                layout="mono",
            )
            chunk.sample_rate, chunk.time_base = sample_rate, Fraction(1, sample_rate)
            chunk.pts = round((begin + base) * sample_rate)
            packets += sound.encode(chunk)
        packets += sound.encode(None)
        for packet in sorted(packets, key=lambda p: float((p.dts or 0) * p.time_base)):
            container.mux(packet)
    return path


def prepared(path, monkeypatch, settings=SETTINGS, **changes):
    """The clip through the real preparation; faces are no concern here, so the whole picture is the crop."""

    def whole(frames, settings, *rest):
        t = len(frames)
        crops = np.ascontiguousarray(frames[:, : settings.size, : settings.size])
        eye = np.tile(np.eye(2, 3, dtype=np.float32), (t, 1, 1))
        return FaceTrack(crops, np.zeros((t, 4)), np.zeros((t, 5, 2)), np.ones(t, bool), eye, 1)

    monkeypatch.setattr(shards, "crop_faces", whole)
    clip = Clip(0, "a", str(path), "", True, (), False, "", 0)
    made = prepare_clip(replace(clip, **changes), settings)
    assert not made.reason, made.reason
    return made


def signs(made, settings=SETTINGS) -> tuple[float, float, float]:
    """Instants of flash (by the frame's place in the window), flash (by its stored time) and beep in the window."""
    level = made.frames.mean(axis=(1, 2, 3))
    k = int((level > 128).argmax())
    assert level[k] > 128
    loud = made.mel[0].astype(float).max(axis=0)
    beep = int((loud > 0).argmax()) * settings.hop_length / settings.sample_rate
    return (k + 0.5) * settings.seconds / settings.frames, float(made.times[k]) - made.facts["start"], beep


# AVI has no time stamps, so that a writer cannot shift a stream there.
OFFSETS = [(s, o) for s in CODECS for o in (-1.0, 0.0, 1.0) if s != ".avi" or not o]


@pytest.mark.parametrize(("suffix", "offset"), OFFSETS)
def test_offsets_between_the_streams_are_kept(tmp_path, monkeypatch, suffix, offset):
    base = 1.0 if offset < 0 else 0.0
    path = write_film(tmp_path / f"film{suffix}", instants(25, 25), offset, base=base)
    by_place, by_time, beep = signs(prepared(path, monkeypatch))
    assert abs(by_place - beep) <= 0.05 and abs(by_time - beep) <= 0.05


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".webm"])
@pytest.mark.parametrize("rates", [(60, 15), (15, 60)])
def test_variable_rate_keeps_frames_and_audio_together(tmp_path, monkeypatch, suffix, rates):
    path = write_film(tmp_path / f"film{suffix}", instants(*rates), rate=30)
    made = prepared(path, monkeypatch)
    by_place, by_time, beep = signs(made)
    assert abs(by_place - beep) <= 0.05 and abs(by_time - beep) <= 0.05
    wanted = (np.arange(100) + 0.5) * 0.04
    late = wanted - made.times
    assert (late > -1e-3).all() and (late < 1 / 15 + 1e-3).all()  # each is the one shown at that instant


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".webm", ".ts"])
def test_holes_in_the_audio_stay_open(tmp_path, monkeypatch, suffix):
    path = write_film(tmp_path / f"film{suffix}", instants(25, 25), hole=(0.3, 1.8))
    by_place, _, beep = signs(prepared(path, monkeypatch))
    assert abs(by_place - beep) <= 0.05


def test_a_webm_without_duration_and_default_duration(tmp_path, monkeypatch):
    path = write_film(tmp_path / "film.webm", instants(30, 10), options={"live": "1"}, rate=30)
    timeline = read_timeline(path)
    assert len(timeline) == 80 and abs(timeline.duration - 4.0) < 0.15
    by_place, _, beep = signs(prepared(path, monkeypatch))
    assert abs(by_place - beep) <= 0.05


def test_a_transport_stream_that_begins_far_from_zero(tmp_path, monkeypatch):
    for base in (5000.0, (2**33 - 90_000) / 90_000):  # the second wraps around after a second
        path = write_film(tmp_path / "film.ts", instants(25, 25), base=base)
        by_place, by_time, beep = signs(prepared(path, monkeypatch))
        assert abs(by_place - beep) <= 0.05 and abs(by_time - beep) <= 0.05


def test_cut_silence_keeps_both_together(tmp_path, monkeypatch):
    settings = PreparationSettings(frames=50, size=32, n_mels=16, seconds=2.0, trim_silence=True)
    made = prepared(write_film(tmp_path / "film.mkv", instants(60, 15), 0.0, rate=30), monkeypatch, settings)
    assert abs(made.facts["start"] - FLASH) < 0.05
    level = made.frames.mean(axis=(1, 2, 3))
    assert level[1] > 128 and level[-1] < 128


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi", ".ts", ".webm"])
def test_one_number_means_one_frame_however_it_is_reached(tmp_path, suffix):
    rng = np.random.default_rng(0)
    levels = rng.integers(16, 235, 620)
    codec = CODECS[suffix][0]
    path = tmp_path / f"film{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        uneven = suffix != ".avi"
        stream.codec_context.time_base = Fraction(1, 1000) if uneven else Fraction(1, 25)
        stream.codec_context.gop_size = 50
        at = 0
        for k, level in enumerate(levels):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24")
            frame.pts, frame.time_base = at, stream.codec_context.time_base
            at += 1 if not uneven else 20 if k < 310 else 90
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    everything = read_video(path).frames
    assert len(everything) == 620
    for wanted in ([0, 600], [599], [3, 300, 301, 610], list(range(0, 620, 77))):
        assert np.array_equal(read_video(path, wanted).frames, everything[wanted])
    timeline = read_timeline(path)
    assert len(timeline) == 620 and all(a < b for a, b in pairwise(timeline.seconds))


EIGHT = {
    (1, 0, 0, 1): lambda a: a,
    (-1, 0, 0, 1): lambda a: a[:, ::-1],
    (1, 0, 0, -1): lambda a: a[::-1],
    (-1, 0, 0, -1): lambda a: a[::-1, ::-1],
    (0, 1, -1, 0): lambda a: np.rot90(a, -1),
    (0, -1, 1, 0): lambda a: np.rot90(a, 1),
    (0, 1, 1, 0): lambda a: a.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
}


@pytest.mark.parametrize("matrix", EIGHT)
def test_all_eight_display_matrices(tmp_path, matrix):
    picture = np.full((1, 48, 64, 3), 60, np.uint8)
    picture[:, :16, :16] = 250
    picture[:, :16, 32:] = (200, 20, 20)
    path = write_video(tmp_path / "a.mp4", picture.repeat(3, 0))
    plain = read_video(path, [1]).frames[0]
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 44
    a, b, c, d = (65536 * v for v in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    assert np.array_equal(read_video(path, [1]).frames[0], EIGHT[matrix](plain))


@pytest.mark.parametrize("aspect", [Fraction(2, 1), Fraction(10, 11), Fraction(64, 45)])
def test_pixels_become_square(tmp_path, aspect):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 88, 66, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((66, 88, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert read_video(path, [1]).frames.shape == (1, 66, round(88 * aspect), 3)


def write_channels(path, channels, codec="pcm_f32le", layout="stereo", rate=RATE, form="flt"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        data = channels.T.reshape(1, -1)
        if form.startswith("s"):
            kind = np.int16 if form.startswith("s16") else np.int32
            data = np.round(data * np.iinfo(kind).max).astype(kind)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), format=form, layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("codec", "form"), [("pcm_f32le", "flt"), ("pcm_s16le", "s16"), ("pcm_s32le", "s32")]
)
@pytest.mark.parametrize(("layout", "n"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_channels_are_averaged(tmp_path, codec, form, layout, n):
    rng = np.random.default_rng(n)
    wave = (0.99 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)).astype(np.float32)
    equal = write_channels(tmp_path / "equal.mkv", np.tile(wave, (n, 1)), codec, layout, form=form)
    np.testing.assert_allclose(read_audio(equal), wave, atol=1e-3)
    different = rng.uniform(-1, 1, (n, RATE)).astype(np.float32)
    mixed = write_channels(tmp_path / "mixed.mkv", different, codec, layout, form=form)
    np.testing.assert_allclose(read_audio(mixed), different.mean(axis=0), atol=1e-3)


def test_opposite_channels_low_rates_and_full_scale(tmp_path):
    wave = (0.5 * np.sin(2 * np.pi * 220 * np.arange(8000) / 8000)).astype(np.float32)
    path = write_channels(tmp_path / "a.wav", np.stack([wave, -wave]), rate=8000)
    audio = decode_audio(path, 8000)
    np.testing.assert_allclose(audio.samples, wave, atol=1e-4)
    assert "opposite phase" in audio.note
    loud = write_channels(tmp_path / "b.wav", 3 * wave[None], layout="mono", rate=8000)
    assert np.abs(read_audio(loud, 8000)).max() == 1.0
    assert len(read_audio(path, 16_000)) == 16_000


def test_the_default_track_is_the_one_that_is_heard(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        tracks[0].disposition, tracks[1].disposition = 0, av.stream.Disposition.default
        for stream, level in zip(tracks, (1000, 9000)):
            frame = av.AudioFrame.from_ndarray(np.full((1, RATE), level, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame))
    assert abs(np.median(read_audio(path)) - 9000 / 32768) < 1e-3


@pytest.mark.parametrize(("levels", "heard"), [((0, 9000, 500), 9000), ((700, 9000, 0), 700), ((0, 0, 0), 0)])
def test_of_tracks_without_a_default_the_first_with_sound_is_heard(tmp_path, levels, heard):
    path = tmp_path / "three.mkv"
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in levels]
        for stream in tracks:
            stream.disposition = 0
        for stream, level in zip(tracks, levels):
            wave = np.full((1, 2 * RATE), level, np.int16)
            wave[:, RATE:] = level // 3
            frame = av.AudioFrame.from_ndarray(wave, "s16", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame))
    assert abs(np.median(read_audio(path, seconds=1.0)) - heard / 32768) < 1e-3
    assert abs(np.median(read_audio(path, seconds=0.5, start=1.25)) - heard // 3 / 32768) < 1e-3


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_default_track_is_the_one_that_is_seen(tmp_path, suffix):
    path = tmp_path / f"two{suffix}"
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream("libx264", rate=25) for _ in range(2)]
        tracks[0].disposition, tracks[1].disposition = 0, av.stream.Disposition.default
        for stream in tracks:
            stream.width = stream.height = 32
            stream.pix_fmt = "yuv420p"
        for stream, level in zip(tracks, (40, 220)):
            for k in range(10):
                picture = np.full((32, 32, 3), level, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = k, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    assert read_video(path).frames.min() > 200
    assert len(read_timeline(path)) == 10


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", "/dev/null", "/dev/zero"):
        for read in (probe, read_video, read_audio, read_timeline):
            with pytest.raises(MediaError, match="not a regular file"):
                read(path)
    assert shards.content_of(str(tmp_path / "pipe.mp4")) == "unreadable"
    assert len(read_audio(write_wav(tmp_path / "a.wav", np.zeros(160, np.float32)))) == 160


def test_an_animated_gif_has_its_own_times(tmp_path):
    path = tmp_path / "a.gif"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb8"
        stream.codec_context.time_base = Fraction(1, 100)
        for at, level in ((0, 0), (10, 80), (150, 160), (160, 240)):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24")
            frame = frame.reformat(format="rgb8")
            frame.pts, frame.time_base = at, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(read_timeline(path).seconds, [0, 0.1, 1.5, 1.6], atol=0.011)
    levels = read_video(path).frames.mean(axis=(1, 2, 3))
    assert len(levels) == 4 and (np.diff(levels) > 40).all()


def test_notes_name_the_true_cause(tmp_path, monkeypatch):
    black = np.zeros((25, 64, 64, 3), np.uint8)
    mute = write_video(tmp_path / "mute.mp4", black)
    silent = write_video(tmp_path / "silent.mp4", black, audio=np.zeros(RATE, np.float32))
    loud = write_film(tmp_path / "loud.mkv", instants(25, 25))
    late = write_film(tmp_path / "late.mkv", instants(25, 25, 6.0), offset=3.0)
    settings = replace(SETTINGS, frames=4, seconds=1.0)
    assert prepared(mute, monkeypatch, settings).facts["audio_note"] == "no audio stream"
    assert (
        prepared(silent, monkeypatch, settings).facts["audio_note"]
        == "silent: digital silence throughout the window"
    )
    assert prepared(late, monkeypatch, settings).facts["audio_note"] == "silent: no audio in the window"
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"RIFF" + np.random.default_rng(0).bytes(400))
    note = prepared(loud, monkeypatch, settings, audio=str(noise)).facts["audio_note"]
    assert note.startswith("undecodable audio: ")
    gone = prepared(loud, monkeypatch, settings, audio=str(tmp_path / "gone.wav")).facts["audio_note"]
    assert "no such file" in gone
