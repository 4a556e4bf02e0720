"""Files and metadata that real corpora, accidents and attackers bring: a reason each, and nothing else lost."""

import os
import struct
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pandas as pd
import pytest

import amdd.data.prepare.rows as rows_module
from amdd.data.media import (
    MediaError,
    decode,
    path_from_text,
    path_text,
    probe,
    read_audio,
    read_video,
    write_video,
    write_wav,
)
from amdd.data.prepare import prepare
from amdd.profiles import PreparationSettings
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip

SETTINGS = PreparationSettings(frames=3, size=48, n_mels=16, seconds=0.6, shard=8, workers=1)


@pytest.fixture(scope="module")
def faces():
    shapes = {"actions": (2, 52), "shift": (2, 2), "gaze": (2, 2), "pose": (2, 3)}
    motion = SimpleNamespace(**{k: np.zeros(s, np.float32) for k, s in shapes.items()})
    return render_clip(make_identity(3), motion, 0, size=128).frames[[0, 1] * 10]


@pytest.fixture(scope="module")
def sound():
    return np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)


@pytest.fixture
def good(tmp_path, faces, sound):
    return write_video(tmp_path / "good.mp4", faces, audio=sound)


def encode(path, frames, codec="ffv1", pix_fmt="yuv444p", pts=None, base=Fraction(1, 25)):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pix_fmt
        stream.codec_context.time_base = base
        for k, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = k if pts is None else pts[k]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def run(tmp_path, names, **columns):
    """Prepare ``names`` and a good clip after them; result and reason per clip."""
    names = [*names, "good.mp4"]
    table = pd.DataFrame({"clip_id": [f"{k}" for k in range(len(names))], "video": names})
    table["corpus"], table["label"], table["generator"], table["has_audio"] = "toy", 0, "real", True
    table["audio"], table["fake_periods"] = "", ""
    for name, values in columns.items():
        table[name] = values
    result = prepare(table, SETTINGS, tmp_path / "out", progress=False, root=tmp_path)
    assert result.manifest["clip_id"].tolist()[-1] == str(len(names) - 1)  # the good one survived
    return result, dict(zip(result.failures["clip_id"].astype(str), result.failures["reason"]))


def test_broken_files(tmp_path, good, sound):
    data = good.read_bytes()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "truncated.mp4").write_bytes(data[: data.find(b"mdat") - 8])
    (tmp_path / "text.mp4").write_text("404 Not Found")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
    write_wav(tmp_path / "sound.wav", sound)
    (tmp_path / "folder.mp4").mkdir()
    names = ["empty.mp4", "truncated.mp4", "text.mp4", "noise.mp4", "sound.wav", "folder.mp4", "missing.mp4"]
    _, reasons = run(tmp_path, names)
    wanted = ["0 bytes", "decoded|open", "open", "open", "no video", "without pictures", "no such file"]
    assert len(reasons) == 7
    for k, part in enumerate(wanted):
        assert any(p in reasons[str(k)] for p in part.split("|")), (names[k], reasons[str(k)])


def test_a_file_that_breaks_off_gives_what_it_has(tmp_path, good):
    data = good.read_bytes()
    at = data.find(b"mdat")
    (tmp_path / "cut.mp4").write_bytes(data[: at + (len(data) - at) // 3])  # the index comes first
    result, reasons = run(tmp_path, ["cut.mp4"])
    assert not reasons and result.manifest["truncated"].tolist() == [True, False]
    index = result.frame_indices(0)
    assert index.max() < result.manifest["n_frames"].iat[0] < 20


def test_odd_but_sound_files(tmp_path, good, faces, sound):
    (tmp_path / "wrong.avi").write_bytes(good.read_bytes())  # an mp4 by another name
    write_video(tmp_path / "mute.mp4", faces)
    encode(tmp_path / "odd.mkv", faces[:5, :127, :125])
    encode(tmp_path / "one.mkv", faces[:1])
    encode(tmp_path / "vfr.mkv", faces[:6], pts=[0, 40, 60, 300, 310, 900], base=Fraction(1, 1000))
    turned = bytearray(good.read_bytes())
    at = turned.find(b"tkhd") + 44
    turned[at : at + 36] = struct.pack(">9i", -65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30)
    encode(tmp_path / "upside.mkv", faces[:3, ::-1, ::-1])
    write_video(tmp_path / "turned.mp4", faces[:, ::-1, ::-1], audio=sound)
    data = bytearray((tmp_path / "turned.mp4").read_bytes())
    at = data.find(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", -65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(data)
    names = ["wrong.avi", "mute.mp4", "odd.mkv", "one.mkv", "vfr.mkv", "turned.mp4"]
    result, reasons = run(tmp_path, names)
    assert not reasons
    assert result.manifest["audio_present"].tolist() == [True, False, False, False, False, True, True]
    assert result.manifest["audio_note"].iat[1] == "no audio stream"
    assert result.manifest["n_frames"].iat[3] == 1
    difference = np.abs(result.frames(5).astype(int) - result.frames(6)).mean()
    assert difference < 12  # set upright by its display matrix


def test_zero_frames_a_second(tmp_path, good):
    data = bytearray(good.read_bytes())
    at = data.find(b"stts") + 4 + 4 + 4 + 4  # delta of the first entry of the video track's time table
    data[at : at + 4] = struct.pack(">I", 0)
    (tmp_path / "still.mp4").write_bytes(data)
    assert 0.5 <= probe(tmp_path / "still.mp4").fps <= 1000
    result, reasons = run(tmp_path, ["still.mp4"])
    assert not reasons and len(result) == 2


def test_8k(tmp_path, good):
    picture = np.full((1, 4320, 7680, 3), 90, np.uint8)
    encode(tmp_path / "8k.mkv", picture, codec="mjpeg", pix_fmt="yuvj420p")
    video = read_video(tmp_path / "8k.mkv", [0, 1, 2])
    assert video.frames.shape == (3, 1080, 1920, 3)
    _, reasons = run(tmp_path, ["8k.mkv"])
    assert "no face" in reasons["0"]


def test_ten_hours(tmp_path, good, faces, monkeypatch):
    """Ten hours by their time stamps: what is read is bounded by what is looked at."""
    hours = [0, 1, 2, *range(60, 36_000, 60)]
    frames = np.broadcast_to(faces[0], (len(hours), 128, 128, 3))
    encode(tmp_path / "long.mkv", frames, "mpeg4", "yuv420p", hours, Fraction(1, 1))
    assert probe(tmp_path / "long.mkv").seconds > 35_000
    decoded = []
    honest = decode._decode
    monkeypatch.setattr(decode, "_decode", lambda *a: (decoded.append(1) or frame for frame in honest(*a)))
    found = read_video(tmp_path / "long.mkv", [0, 1, 2])
    assert found.n_frames == len(hours) and len(decoded) <= 5, "decoding ends with the last wanted frame"
    result, reasons = run(tmp_path, ["long.mkv"])
    assert not reasons and len(result) == 2
    write_wav(tmp_path / "long.wav", np.zeros(2_000_000, np.float32), 1000)
    assert len(read_audio(tmp_path / "long.wav", seconds=4)) == 64_000


def test_names_that_are_not_utf8(tmp_path, good):
    name = os.fsdecode(b"\xff\xfe caf\xe9 \n.mp4")
    try:
        (tmp_path / name).write_bytes(good.read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    bad = os.fsdecode(b"missing \xff.mp4")
    names = [path_text(name), path_text(bad)]
    assert "\\xff" in names[0] and path_from_text(str(tmp_path / names[0])) == str(tmp_path / name)
    result, reasons = run(tmp_path, names)
    assert len(result) == 2 and "no such file" in reasons["1"]
    raw = pd.Series([name, bad, "good.mp4"], dtype=object)  # a table that was not told of path_text
    result, reasons = run(tmp_path, names, video=raw)
    assert len(result) == 2 and "no such file" in reasons["1"]
    assert "\\udcff" in result.manifest["video"].iat[0]


def test_paths_that_leave_the_corpus(tmp_path, good):
    root = tmp_path / "root"
    root.mkdir()
    (root / "good.mp4").write_bytes(good.read_bytes())
    (root / "link.mp4").symlink_to(good)
    (root / "loop.mp4").symlink_to(root / "loop.mp4")
    (root / "inside.mp4").symlink_to(root / "good.mp4")
    names = ["../good.mp4", str(good), "a/../../good.mp4", "link.mp4", "loop.mp4", "x\0.mp4", "inside.mp4"]
    result, reasons = run(root, names)
    assert result.manifest["clip_id"].tolist() == ["6", "7"]
    parts = ["'..'", "outside the corpus", "'..'", "AMDD_FOLLOW_LINKS", "", "null byte"]
    for k, part in enumerate(parts):
        assert part in reasons[str(k)]


def test_a_link_of_ones_own_may_be_followed(tmp_path, good, monkeypatch):
    root = tmp_path / "root"
    root.mkdir()
    (root / "good.mp4").write_bytes(good.read_bytes())
    (root / "link.mp4").symlink_to(good)
    monkeypatch.setenv("AMDD_FOLLOW_LINKS", "1")
    assert len(run(root, ["link.mp4"])[0]) == 2


def test_metadata_of_the_wrong_kind(tmp_path, good):
    names = [float("nan"), None, pd.NA, 7, "good.mp4", "good.mp4"]
    periods = [None, float("nan"), "[[", "[[1]]", "[[0.1, 1e309]]", "[[-5, -2]]", ""]
    result, reasons = run(
        tmp_path, names, fake_periods=periods, has_audio=[1, None, np.nan, "x", 0, True, True]
    )
    assert result.manifest["clip_id"].tolist() == ["4", "5", "6"] and len(reasons) == 4
    assert result.manifest["audio_present"].tolist() == [False, True, True]


def test_playlists_do_not_make_us_read_other_files(tmp_path, good):
    (tmp_path / "list.mp4").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{good}\n#EXT-X-ENDLIST\n"
    )
    (tmp_path / "concat.mp4").write_text("ffconcat version 1.0\nfile good.mp4\n")
    (tmp_path / "web.mp4").write_text("#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    _, reasons = run(tmp_path, ["list.mp4", "concat.mp4", "web.mp4"])
    assert len(reasons) == 3
    for name in ("concat:good.mp4|good.mp4", "http://127.0.0.1:9/a.mp4", "pipe:0"):
        with pytest.raises(MediaError, match="no such file"):
            probe(name)


def test_a_wide_table(tmp_path, good):
    extra = {f"column {k}": 0 for k in range(3000)}
    table = pd.DataFrame([{"clip_id": "a", "video": "good.mp4", **extra}])
    result = prepare(table, SETTINGS, tmp_path / "wide", progress=False, root=tmp_path)
    assert len(result) == 1 and result.manifest.shape[1] > 3000


def test_sound_with_an_absurd_rate(tmp_path):
    path = write_wav(tmp_path / "slow.wav", np.zeros(100, np.float32), 16_000)
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", 1)
    path.write_bytes(data)
    with pytest.raises(MediaError, match="sample rate of 1 Hz"):
        read_audio(path)


def test_twenty_thousand_entries_of_few_files(tmp_path, good, monkeypatch):
    """The manifest of a large corpus costs little before the first clip is decoded."""
    import tracemalloc

    from amdd.data.prepare.rows import clips_of

    n = 20_000
    table = pd.DataFrame({"clip_id": np.arange(n).astype(str), "video": "good.mp4", "corpus": "big"})
    monkeypatch.setattr(rows_module, "content_of", lambda path: "same")  # disk time is no concern here
    monkeypatch.setenv("AMDD_FOLLOW_LINKS", "1")
    tracemalloc.start()
    clips = clips_of(table, SETTINGS, 0, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(clips) == n and peak < 60e6
