"""Codecs, pixel formats, matrices and ranges of phones, browsers and cameras: the colours that a player shows."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from amdd.data.media import probe, read_timeline, read_video
from amdd.data.media.hdr import HLG, PQ, TO_709, WHITE, hlg_to_scene, pq_to_nits

SIDE = 64
COLOURS = np.array([[200, 40, 40], [40, 180, 60], [50, 60, 200], [128, 128, 128]], np.uint8)
MATRICES = {"bt709": (1, Colorspace.ITU709), "bt601": (6, Colorspace.ITU601)}


def patches(width: int = SIDE, height: int = SIDE) -> np.ndarray:
    """Four patches of one colour each, uint8 (H, W, 3)."""
    frame = np.empty((height, width, 3), np.uint8)
    for k, colour in enumerate(COLOURS):
        y, x = divmod(k, 2)
        frame[y * height // 2 : (y + 1) * height // 2, x * width // 2 : (x + 1) * width // 2] = colour
    return frame


def centres(frame: np.ndarray) -> np.ndarray:
    """Mean colour (4, 3) in the middle of each patch."""
    h, w = frame.shape[0] // 2, frame.shape[1] // 2
    parts = [frame[y * h : (y + 1) * h, x * w : (x + 1) * w] for y in range(2) for x in range(2)]
    return np.stack([p[h // 4 : -h // 4, w // 4 : -w // 4].mean((0, 1)) for p in parts])


def write(path, codec, pixels="yuv420p", matrix="bt709", full=False, frame=None, n=6, options=None):
    """Write ``n`` equal frames, their colours converted and tagged by ``matrix`` and range."""
    frame = patches() if frame is None else frame
    tag, space = MATRICES[matrix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = frame.shape[1], frame.shape[0], pixels
        stream.time_base = Fraction(1, 25)
        if not pixels.startswith(("rgb", "bgr", "gbr", "pal")):
            stream.codec_context.colorspace = tag
            stream.codec_context.color_primaries = stream.codec_context.color_trc = tag
            stream.codec_context.color_range = 2 if full else 1
        for k in range(n):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            wanted = ColorRange.JPEG if full else ColorRange.MPEG
            if not pixels.startswith(("rgb", "bgr", "gbr", "pal")):
                picture = picture.reformat(format=pixels, dst_colorspace=space, dst_color_range=wanted)
            else:
                picture = picture.reformat(format=pixels)
            picture.pts = k
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


QUIET = {"x265-params": "log-level=none"}
FORMATS = [
    ("mp4", "libx264", "yuv420p", {}),
    ("mp4", "libx264", "yuv422p", {}),
    ("mp4", "libx264", "yuv444p", {}),
    ("mp4", "libx264", "yuv420p10le", {}),
    ("mp4", "libx265", "yuv420p", QUIET),
    ("mov", "libx265", "yuv420p10le", QUIET),
    ("mp4", "libx265", "yuv422p10le", QUIET),
    ("webm", "libvpx-vp9", "yuv420p", {"crf": "20", "b": "0"}),
    ("webm", "libvpx-vp9", "yuv444p", {"crf": "20", "b": "0"}),
    ("webm", "libvpx", "yuv420p", {"crf": "8", "b": "2M"}),
    ("mp4", "libsvtav1", "yuv420p", {"crf": "20", "preset": "10"}),
    ("webm", "libsvtav1", "yuv420p10le", {"crf": "20", "preset": "10"}),
    ("mov", "prores_ks", "yuv422p10le", {}),
    ("mkv", "ffv1", "yuv420p16le", {}),
    ("avi", "mpeg4", "yuv420p", {"q": "3"}),
    ("mpg", "mpeg2video", "yuv420p", {"q": "3"}),
]


@pytest.mark.parametrize(("suffix", "codec", "pixels", "options"), FORMATS, ids=lambda v: str(v)[:16])
def test_every_codec_gives_its_colours(tmp_path, suffix, codec, pixels, options):
    matrix = "bt601" if codec in ("mpeg4", "mpeg2video", "libvpx") else "bt709"
    path = write(tmp_path / f"a.{suffix}", codec, pixels, matrix, options=options)
    video = read_video(path)
    assert len(video.frames) == 6 and len(read_timeline(path)) == 6
    found = np.stack([centres(f) for f in video.frames])
    assert np.abs(found - COLOURS).max() <= 12, found.round()[0]
    facts = probe(path)
    assert (facts.width, facts.height) == (SIDE, SIDE) and facts.fps == pytest.approx(25, abs=0.1)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_those_of_the_tags(tmp_path, matrix, full):
    path = write(tmp_path / "a.mp4", "libx264", "yuv420p", matrix, full, options={"crf": "10"})
    found = centres(read_video(path, [3]).frames[0])
    assert np.abs(found - COLOURS).max() <= 6, found.round()


@pytest.mark.parametrize(("width", "height"), [(66, 34), (130, 98), (1920, 2), (2, 64)])
def test_uncommon_sizes_keep_their_shape(tmp_path, width, height):
    path = write(tmp_path / "a.mp4", "libx264", frame=patches(width, height))
    assert read_video(path).frames.shape[1:] == (height, width, 3)


@pytest.mark.parametrize("size", [(65, 33), (63, 64)])
def test_odd_sizes_keep_their_shape(tmp_path, size):
    path = write(tmp_path / "a.mkv", "ffv1", "yuv444p", frame=patches(*size))
    assert read_video(path).frames.shape[1:] == (size[1], size[0], 3)


def test_transparency_is_left_out(tmp_path):
    path = write(tmp_path / "a.mkv", "ffv1", "bgra")
    found = centres(read_video(path).frames[0])
    assert np.abs(found - COLOURS).max() <= 2


def test_an_animated_gif_is_a_film(tmp_path):
    from PIL import Image

    first, second = Image.fromarray(patches()), Image.fromarray(patches()[::-1].copy())
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second], duration=200, loop=0)
    video = read_video(tmp_path / "a.gif")
    assert len(video.frames) >= 2
    assert np.abs(centres(video.frames[0]) - COLOURS).max() <= 12
    assert np.abs(centres(video.frames[-1]) - COLOURS[[2, 3, 0, 1]]).max() <= 12


# --- high dynamic range --------------------------------------------------------------------------------------

FROM_709 = np.linalg.inv(TO_709.astype(float))


def nits_to_pq(nits: np.ndarray) -> np.ndarray:
    """The inverse of SMPTE ST 2084, from its own formula."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    y = np.power(np.clip(nits, 0, 10_000) / 10_000, m1)
    return np.power((c1 + c2 * y) / (1 + c3 * y), m2)


def scene_to_hlg(light: np.ndarray) -> np.ndarray:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(light <= 1 / 12, np.sqrt(3 * light), a * np.log(np.maximum(12 * light - b, 1e-9)) + c)


def linear(colours: np.ndarray) -> np.ndarray:
    x = colours / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def write_hdr(path, colours: np.ndarray, transfer: str):
    """Write patches of sRGB ``colours`` (4, 3), seen at a diffuse white of 203 cd/m2, as 10-bit HDR of BT.2020."""
    light = linear(colours) @ FROM_709.T * WHITE
    if transfer == "pq":
        signal = nits_to_pq(light)
    else:  # the display light of BT.2100's system of 1,000 cd/m2, undone
        luma = light @ [0.2627, 0.6780, 0.0593]
        signal = scene_to_hlg(np.clip(light / 1000 * ((luma / 1000) ** (-0.2 / 1.2))[:, None], 0, 1))
    frame = np.empty((SIDE, SIDE, 3), np.uint16)
    for k, level in enumerate(np.clip(signal, 0, 1) * 65_535):
        y, x = divmod(k, 2)
        frame[y * 32 : (y + 1) * 32, x * 32 : (x + 1) * 32] = level.round()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none:crf=8"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_range = 9, 9, 1
        context.color_trc = PQ if transfer == "pq" else HLG
        for k in range(3):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb48le").reformat(
                format="yuv420p10le", dst_colorspace=9, dst_color_range=ColorRange.MPEG
            )
            picture.pts = k
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_high_dynamic_range_is_shown_as_on_an_ordinary_screen(tmp_path, transfer):
    found = centres(read_video(write_hdr(tmp_path / "a.mp4", COLOURS, transfer)).frames[1])
    assert np.abs(found - COLOURS).max() <= 8, found.round()


def test_highlights_approach_white_without_clipping_into_each_other(tmp_path):
    bright = np.array([[128] * 3, [235] * 3, [255] * 3, [255] * 3], float)
    bright[3] *= 1.6  # beyond diffuse white
    found = centres(read_video(write_hdr(tmp_path / "a.mp4", bright, "pq")).frames[1])[:, 0]
    assert (np.diff(found) > 1).all() and found[-1] <= 255
    assert abs(found[0] - 128) <= 4


def test_transfer_functions_have_the_values_of_the_standard():
    np.testing.assert_allclose(pq_to_nits(np.array([0.0, 1.0])), [0, 10_000], atol=1e-6)
    assert pq_to_nits(np.array(0.58)) == pytest.approx(203, rel=0.01)  # BT.2408, table 1
    levels = np.linspace(0.001, 1, 50)
    np.testing.assert_allclose(nits_to_pq(pq_to_nits(levels)), levels, atol=1e-6)
    np.testing.assert_allclose(scene_to_hlg(hlg_to_scene(levels)), levels, atol=1e-4)
