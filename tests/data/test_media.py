"""Round trips through the one encoder and the one decoder, and what odd files give."""

import struct
import wave
from fractions import Fraction

import av
import numpy as np
import pytest

from amdd.data.media import MediaError, coding, probe, read_audio, read_video, write_video, write_wav
from amdd.data.media import decode as media
from amdd.data.media import pictures as picture_module


def pictures(n: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Frames whose number can be read off: a grey level, and a white block in the upper left."""
    frames = np.zeros((n, height, width, 3), np.uint8)
    frames += (np.arange(n) * 37 % 200).astype(np.uint8)[:, None, None, None]
    frames[:, : height // 2, : width // 4] = 255
    return frames


def tone(seconds: float, hertz: float = 440, rate: int = 16_000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("clip") / "a.mp4", pictures(50), audio=tone(2.0))


def test_round_trip(clip):
    info = probe(clip)
    assert (info.width, info.height, info.fps, info.n_frames) == (64, 48, 25.0, 50)
    assert info.has_audio and info.video_codec == "h264" and info.audio_codec == "aac"
    video = read_video(clip)
    assert video.frames.shape == (50, 48, 64, 3) and video.frames.dtype == np.uint8
    assert np.abs(video.frames.astype(int) - pictures(50)).mean() < 3
    sound = read_audio(clip)
    assert sound.dtype == np.float32 and abs(len(sound) - 32_000) < 2048
    spectrum = np.abs(np.fft.rfft(sound[4000:28_000]))
    assert abs(np.fft.rfftfreq(24_000, 1 / 16_000)[spectrum.argmax()] - 440) < 2


def test_encoding_is_deterministic(clip, tmp_path):
    again = write_video(tmp_path / "b.mp4", pictures(50), audio=tone(2.0))
    assert again.read_bytes() == clip.read_bytes()


def test_colours_are_rgb(tmp_path):
    frames = np.zeros((3, 32, 32, 3), np.uint8)
    frames[..., 0] = 200
    got = read_video(write_video(tmp_path / "red.mp4", frames)).frames
    assert got[..., 0].mean() > 180 and got[..., 2].mean() < 30


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
def test_containers(tmp_path, suffix):
    path = write_video(tmp_path / f"c{suffix}", pictures(10), audio=tone(0.4))
    assert len(read_video(path).frames) == 10
    assert len(read_audio(path, seconds=0.25)) == 4000


def test_named_frames_are_those_frames(clip):
    everything = read_video(clip).frames
    video = read_video(clip, [0, 7, 7, 31, 49])
    for k, i in enumerate([0, 7, 7, 31, 49]):
        assert np.array_equal(video.frames[k], everything[i])
    assert not video.short and video.n_frames == 50
    beyond = read_video(clip, [10, 49, 60, 999])
    assert beyond.short and beyond.reached == 50
    assert np.array_equal(beyond.frames[3], everything[49])


def test_seeking_lands_on_the_same_frames(tmp_path):
    path = write_video(tmp_path / "long.mp4", pictures(900, 32, 32))
    everything = read_video(path).frames
    for wanted in ([3, 400, 899], [888], [260, 261, 700, 701]):
        video = read_video(path, wanted)
        assert all(np.array_equal(f, everything[i]) for f, i in zip(video.frames, wanted))


def test_only_what_was_asked_for_is_decoded(tmp_path, monkeypatch):
    path = write_video(tmp_path / "long.mp4", pictures(2000, 32, 32))
    decoded = []
    original = media._decode

    def counting(container, stream, wanted=None):
        for frame in original(container, stream):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(media, "_decode", counting)
    read_video(path, [5, 10])
    assert len(decoded) == 11
    decoded.clear()
    read_video(path, [0, 1990])
    assert len(decoded) < 400  # one key frame's distance, not the whole


def test_picture_budget(tmp_path, monkeypatch):
    path = write_video(tmp_path / "long.mp4", pictures(100, 32, 32))
    monkeypatch.setattr(media, "MAX_PIXELS", 32 * 32 * 20)
    video = read_video(path, [5, 90])
    assert video.short and video.reached <= 22 and len(video.frames) == 2
    monkeypatch.setattr(media, "MAX_BYTES", 32 * 32 * 3 * 10)
    assert len(read_video(path).frames) == 11


def test_large_pictures_are_scaled_while_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_module, "MAX_SIDE", 40)
    path = write_video(tmp_path / "big.mp4", pictures(3, 60, 80))
    assert read_video(path).frames.shape == (3, 30, 40, 3)


def test_rotation(clip, tmp_path):
    data = bytearray(clip.read_bytes())
    at = data.find(b"tkhd") + 4 + 4 + 20 + 16  # the display matrix of the first track
    for matrix, turns in (
        ((0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30), -1),
        ((-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30), 2),
    ):
        data[at : at + 36] = struct.pack(">9i", *matrix)
        path = tmp_path / "turned.mp4"
        path.write_bytes(data)
        upright = read_video(clip, [3]).frames[0]
        assert np.array_equal(read_video(path, [3]).frames[0], np.rot90(upright, turns))


def test_variable_frame_rate(tmp_path):
    path = tmp_path / "vfr.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        at = 0
        for k, picture in enumerate(pictures(20)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = at
            at += 20 if k % 2 else 90
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(read_video(path).frames) == 20
    assert read_video(path, [0, 19]).frames.shape[0] == 2


def test_odd_sizes_and_one_frame(tmp_path):
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 51, 37, "yuv444p"
        frame = av.VideoFrame.from_ndarray(pictures(1, 37, 51)[0], format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    video = read_video(path, [0, 5, 9])
    assert video.frames.shape == (3, 37, 51, 3) and video.short and video.n_frames == 1
    with pytest.raises(ValueError, match="even sides"):
        write_video(tmp_path / "x.mp4", pictures(2, 37, 51))
    with pytest.raises(ValueError, match="uint8"):
        write_video(tmp_path / "x.mp4", np.zeros((2, 8, 8, 3)))
    assert not (tmp_path / "x.mp4").exists()


def test_frame_folder_without_suffixes(tmp_path):
    folder = tmp_path / "sa1"
    folder.mkdir()
    for k, picture in enumerate(pictures(12), 1):
        with av.open(str(folder / "x.jpg"), "w", format="image2", options={"update": "1"}) as container:
            stream = container.add_stream("mjpeg", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        (folder / "x.jpg").rename(folder / f"{k:03d}")
    info = probe(folder)
    assert (info.n_frames, info.fps, info.has_audio, info.width) == (12, 25.0, False, 64)
    video = read_video(folder, [0, 6, 11])
    assert np.abs(video.frames.astype(int) - pictures(12)[[0, 6, 11]]).mean() < 4
    assert read_video(folder, [0, 40]).short
    with pytest.raises(MediaError, match="no audio stream"):
        read_audio(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="without pictures"):
        read_video(tmp_path / "empty")


def test_wav_and_resampling(tmp_path):
    sound = tone(1.0, rate=32_000)
    path = write_wav(tmp_path / "a.wav", sound, 32_000)
    with wave.open(str(path)) as handle:
        assert (handle.getnchannels(), handle.getframerate(), handle.getnframes()) == (1, 32_000, 32_000)
    got = read_audio(path)
    assert abs(len(got) - 16_000) <= 16  # the resampler gave back its last samples
    np.testing.assert_allclose(got[200:15_000], tone(1.0)[200:15_000], atol=0.01)
    np.testing.assert_allclose(read_audio(path, 32_000), sound, atol=1e-4)
    part = read_audio(path, 32_000, seconds=0.25, start=0.5)
    np.testing.assert_allclose(part, sound[16_000:24_000], atol=1e-4)
    with pytest.raises(MediaError, match="no video"):
        read_video(path)


def test_late_start_of_a_long_sound(tmp_path):
    rate = 4000
    sound = np.repeat(np.arange(60) / 100, rate).astype(np.float32)  # the level says which second it is
    path = write_wav(tmp_path / "long.wav", sound, rate)
    part = read_audio(path, rate, seconds=1.0, start=45.0)
    assert abs(np.median(part) - 0.45) < 0.005


def test_sound_that_changes_its_channels_midway_ends_there(clip, monkeypatch):
    """Found by fuzzing: the resampler would read past its memory and take the process down."""
    from amdd.data.media import audio as module

    def frames(container, stream):
        for k, layout in enumerate(["mono", "mono", "stereo", "mono"]):
            data = np.full((1 if layout == "mono" else 2, 1024), 0.25, np.float32)
            frame = av.AudioFrame.from_ndarray(data, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = 16_000, 1024 * k
            yield frame

    monkeypatch.setattr(module, "_decode", frames)
    assert len(read_audio(clip)) == 2048


def test_the_coding_of_a_file_tells_its_encoder_and_nothing_of_its_content(tmp_path):
    rng = np.random.default_rng(0)
    made = {}
    for name, quality, options in (
        ("a", 18, {}),
        ("b", 30, {}),
        ("c", 18, {"audio": rng.normal(0, 0.1, 16_000)}),
    ):
        frames = rng.integers(0, 255, (8, 64, 64, 3), np.uint8)
        made[name] = coding(write_video(tmp_path / f"{name}.mp4", frames, crf=quality, **options))
    assert made["a"] == made["b"] != made["c"]
    assert "h264" in made["a"] and "aac" not in made["a"] and "aac" in made["c"]
    with pytest.raises(MediaError):
        coding(tmp_path / "nothing.mp4")


def test_the_same_frames_give_the_same_bytes_at_every_call(tmp_path):
    """x264's AVX-512 code let what lay in memory before decide; hence many calls, with memory stirred in between."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 215, (12, 12, 3)).astype(np.uint8).repeat(20, 0).repeat(20, 1)
    fine = rng.normal(0, 6, (240, 240, 3))
    frames = np.stack([np.clip(np.roll(coarse, 3 * t, 1) + np.roll(fine, t, 0), 0, 255) for t in range(8)])
    frames = frames.astype(np.uint8)
    written = set()
    for k in range(12):
        stirred = [rng.integers(0, 255, 100_000 + 1000 * k, np.uint8) for _ in range(20)]
        del stirred
        written.add(write_video(tmp_path / f"{k}.mp4", frames).read_bytes())
    assert len(written) == 1
