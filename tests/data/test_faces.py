"""Detection, tracking and alignment on rendered people and on made-up boxes."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from amdd.data.faces.track import (
    CenterFace,
    DetectorError,
    FaceAlignment,
    NoFaceError,
    align,
    crop_faces,
    detector_for,
    follow,
    turn_matrix,
    warp,
)
from amdd.profiles import PreparationSettings
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip

SETTINGS = PreparationSettings(frames=4, size=64)


@pytest.fixture(scope="module")
def rendered():
    n = 4
    pose = np.zeros((n, 3), np.float32)
    pose[:, 0] = np.linspace(-0.2, 0.2, n)
    still = {"actions": (n, 52), "shift": (n, 2), "gaze": (n, 2)}
    motion = SimpleNamespace(pose=pose, **{k: np.zeros(s, np.float32) for k, s in still.items()})
    return render_clip(make_identity(3), motion, 0, size=192)


def test_finds_the_rendered_face(rendered):
    detector = CenterFace()
    for frame, marks in zip(rendered.frames, rendered.landmarks):
        faces = detector.detect(frame)
        assert faces.shape == (1, 15) and faces[0, 4] > 0.5
        x0, y0, x1, y1 = faces[0, :4]
        inner = marks[17:]
        share = ((inner[:, 0] > x0) & (inner[:, 0] < x1) & (inner[:, 1] > y0) & (inner[:, 1] < y1)).mean()
        assert share > 0.9
        eyes = np.stack([marks[36:42].mean(0), marks[42:48].mean(0)])
        size = np.linalg.norm(eyes[1] - eyes[0])
        assert np.abs(faces[0, 5:9].reshape(2, 2) - eyes).max() < 0.25 * size


def test_a_small_face_in_a_large_picture_is_searched_finer(rendered):
    frame = np.full((720, 1280, 3), 90, np.uint8)
    frame[300:492, 700:892] = rendered.frames[1]
    assert len(CenterFace(fine=192).detect(frame)) == 0
    (face,) = CenterFace(fine=640).detect(frame)
    assert 700 < face[0] < face[2] < 892 and 300 < face[1] < face[3] < 492


@pytest.mark.parametrize("version", ["4.11.0", "4.14.0", "3.4.18"])
def test_a_version_of_opencv_that_computes_the_network_wrongly_is_refused(version, monkeypatch):
    from amdd.data.faces import centerface

    monkeypatch.setattr(centerface.cv2, "__version__", version)
    with pytest.raises(centerface.DetectorError, match=r"opencv-python>=5"):
        centerface.CenterFace()


def test_an_image_gives_the_same_faces_whatever_was_searched_before():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, shape, np.uint8) for shape in ((64, 64, 3), (32, 416, 3), (96, 64, 3))]
    images.append(np.full((32, 416, 3), 128, np.uint8))
    used = CenterFace(threshold=0.01)  # so that something is found
    for image in [*images, *images[::-1]]:
        fresh = CenterFace(threshold=0.01).detect(image)
        assert len(fresh) and np.array_equal(used.detect(image), fresh)


def test_nothing_is_found_where_nothing_is():
    rng = np.random.default_rng(0)
    detector = detector_for("centerface")
    assert detector is detector_for("centerface")
    for shape in ((64, 64, 3), (30, 400, 3), (1, 1, 3), (333, 7, 3)):
        assert detector.detect(rng.integers(0, 255, shape, np.uint8)).shape[1] == 15
        assert len(detector.detect(np.full(shape, 128, np.uint8))) == 0


def test_crops(rendered):
    track = crop_faces(rendered.frames, SETTINGS)
    assert track.crops.shape == (4, 64, 64, 3) and track.crops.dtype == np.uint8
    assert track.found.all() and track.found_share == 1 and track.faces == 1
    for matrix, marks in zip(track.transforms, rendered.landmarks):
        inside = marks @ matrix[:, :2].T + matrix[:, 2]
        assert (inside[17:] > 2).all() and (inside[17:] < 62).all()


def test_a_turned_head_is_set_upright(rendered):
    frame = rendered.frames[1]
    centre = (96.0, 96.0)
    turned = cv2.warpAffine(frame, cv2.getRotationMatrix2D(centre, 20, 1), (192, 192), borderMode=1)
    track = crop_faces(turned[None], SETTINGS)
    eyes = track.points[0, :2] @ track.transforms[0][:, :2].T + track.transforms[0][:, 2]
    assert abs(eyes[0, 1] - eyes[1, 1]) < 0.01
    marks = rendered.landmarks[1] @ cv2.getRotationMatrix2D(centre, 20, 1)[:, :2].T
    marks = (marks + cv2.getRotationMatrix2D(centre, 20, 1)[:, 2]) @ track.transforms[0][:, :2].T
    true_eyes = np.stack([marks[36:42].mean(0), marks[42:48].mean(0)])
    across = true_eyes[1] - true_eyes[0]
    assert abs(np.degrees(np.arctan2(across[1], across[0]))) < 6


def test_a_frame_without_face_takes_the_nearest_place(rendered):
    frames = rendered.frames.copy()
    frames[2] = 100
    track = crop_faces(frames, SETTINGS)
    assert track.found.tolist() == [True, True, False, True] and track.found_share == 0.75
    assert np.array_equal(track.boxes[2], track.boxes[1])
    assert (track.crops[2] == 100).all()  # its own pixels, not its neighbour's
    with pytest.raises(NoFaceError, match="no face in any of 3 frames"):
        crop_faces(np.zeros((3, 80, 80, 3), np.uint8), SETTINGS)


def test_deterministic(rendered):
    a, b = crop_faces(rendered.frames, SETTINGS), crop_faces(rendered.frames, SETTINGS, CenterFace())
    assert np.array_equal(a.crops, b.crops) and np.array_equal(a.transforms, b.transforms)


def box(x: float, y: float, side: float, score: float = 0.9) -> np.ndarray:
    return np.array([x, y, x + side, y + side, score, *[0] * 10], np.float32)


def test_follows_the_face_that_stays():
    steady = [box(100 + t, 50, 40) for t in range(5)]
    candidates = [np.stack([s]) for s in steady]
    candidates[2] = np.stack([box(300, 50, 48, 0.95), steady[2]])  # larger, but passing through
    assert follow(candidates).tolist() == [0, 0, 1, 0, 0]
    crowd = [np.stack([box(10, 10, 15, 0.95), s]) for s in steady]  # a small face in the background
    assert follow(crowd).tolist() == [1] * 5
    gap = [candidates[0], steady[0][None][:0], candidates[1]]
    assert follow(gap).tolist() == [0, -1, 0]
    assert follow([steady[0][None][:0]] * 3).tolist() == [-1] * 3


def test_align_takes_the_box_to_the_crop():
    none = np.full((5, 2), np.nan)
    matrix = align(np.array([10, 20, 50, 60.0]), none, 60, 1.5)
    corners = np.array([[30, 40], [30 - 30, 40], [30 + 30, 40]]) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(corners, [[29.5, 29.5], [-0.5, 29.5], [59.5, 29.5]], atol=1e-4)
    wild = none.copy()
    wild[:2] = [[30, 10], [30, 60]]  # eyes one above the other: not believed
    np.testing.assert_allclose(align(np.array([10, 20, 50, 60.0]), wild, 60, 1.5), matrix)


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.0, 3.0])
def test_warp_keeps_places_at_any_scale(scale):
    frame = np.zeros((200, 200, 3), np.uint8)
    cv2.circle(frame, (120, 80), 12, (255, 255, 255), -1)
    size = 96
    matrix = np.array([[scale, 0, 48 - scale * 120], [0, scale, 48 - scale * 80]], np.float32)
    crop = warp(frame, matrix, size).astype(float)[..., 0]
    ys, xs = np.mgrid[:size, :size]
    centre = np.array([(crop * xs).sum(), (crop * ys).sum()]) / crop.sum()
    np.testing.assert_allclose(centre, [48, 48], atol=0.6)


def test_face_alignment_says_how_to_get_its_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("AMDD_DOWNLOAD", raising=False)
    with pytest.raises(DetectorError, match=r"s3fd-619a316812.pth.*AMDD_DOWNLOAD=1.*centerface"):
        crop_faces(np.zeros((1, 64, 64, 3), np.uint8), replace(SETTINGS, detector="face-alignment"))
    with pytest.raises(DetectorError, match="expected one of: centerface, centerface-flow, face-alignment"):
        detector_for("haar")


@pytest.mark.slow
def test_face_alignment_runs_on_weights_in_the_hub_cache(monkeypatch, tmp_path, rendered):
    """Shapes and wiring only: the weights are random, so what is found means nothing."""
    import torch
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models import FAN

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(s3fd().state_dict(), folder / "s3fd-619a316812.pth")
    torch.save(FAN(4).state_dict(), folder / "2DFAN4-11f355bf06.pth.tar")
    detector = FaceAlignment()
    found = detector.detect_many(rendered.frames[:2])
    assert len(found) == 2 and all(f.shape[1] == 15 for f in found)
    faces = np.stack([np.r_[40, 40, 150, 150, 0.9, np.full(10, np.nan)]] * 2).astype(np.float32)
    assert detector.points(rendered.frames[:2], faces).shape == (2, 5, 2)
    level = np.array([[70, 80], [120, 80], [95, 100], [75, 125], [115, 125]], np.float32)
    monkeypatch.setattr(detector, "detect_many", lambda frames: [faces[:1]] * len(frames))
    monkeypatch.setattr(detector, "points", lambda frames, faces: np.stack([level] * len(faces)))
    track = crop_faces(rendered.frames[:2], SETTINGS, detector)
    assert track.crops.shape == (2, 64, 64, 3) and np.isfinite(track.points).all()


def test_the_device_of_face_alignment_is_a_setting(monkeypatch):
    import amdd.data.faces.detectors as detectors

    devices = []

    class Recorder(detectors.CenterFace):
        def __init__(self, device: str) -> None:
            super().__init__()
            devices.append(device)

    monkeypatch.setattr(detectors, "FaceAlignment", Recorder)
    monkeypatch.setattr(detectors, "_built", SimpleNamespace())
    monkeypatch.setenv(
        "AMDD_FACE_DEVICE", "cuda"
    )  # no longer read: what changes a result is recorded with it
    frames = np.zeros((1, 64, 64, 3), np.uint8)
    for device in ("cpu", "cuda:1", "cpu"):
        with pytest.raises(NoFaceError):
            crop_faces(frames, replace(SETTINGS, detector="face-alignment", face_device=device))
    assert devices == ["cpu", "cuda:1"]


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_face_on_its_side_is_turned_upright(rendered, turn):
    """A clip whose file does not say that it lies on its side gives the crops of the upright clip."""
    upright = crop_faces(rendered.frames, SETTINGS)
    lying = np.ascontiguousarray(np.rot90(rendered.frames, turn, axes=(1, 2)))
    track = crop_faces(lying, SETTINGS)
    assert track.found.all()
    difference = np.abs(track.crops.astype(int) - upright.crops).mean((1, 2, 3))
    assert (difference < 4).all(), difference
    matrix = turn_matrix(turn, *rendered.frames.shape[1:3])
    for k in range(len(lying)):
        marks = rendered.landmarks[k] @ matrix[:, :2].T + matrix[:, 2]
        inner = marks[17:] @ track.transforms[k][:, :2].T + track.transforms[k][:, 2]
        assert (inner > 2).all() and (inner < 62).all()
        x0, y0, x1, y1 = track.boxes[k]
        centre = marks[17:].mean(0)
        assert x0 < centre[0] < x1 and y0 < centre[1] < y1


def test_one_frame_on_its_side_among_upright_ones(rendered):
    frames = rendered.frames.copy()
    frames[2] = np.rot90(frames[2])
    track = crop_faces(frames, SETTINGS)
    assert track.found.all()
    plain = crop_faces(rendered.frames, SETTINGS)
    assert np.abs(track.crops.astype(int) - plain.crops).mean((1, 2, 3)).max() < 4


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6)])
def test_turn_matrix_is_numpys_rot90(turn, shape):
    frame = np.arange(shape[0] * shape[1]).reshape(shape)
    turned, matrix = np.rot90(frame, turn), turn_matrix(turn, *shape)
    for y in range(shape[0]):
        for x in range(shape[1]):
            u, v = (matrix[:, :2] @ (x, y) + matrix[:, 2]).astype(int)
            assert turned[v, u] == frame[y, x]


class Sideways:
    """A detector that finds one face on its side, however the frame is turned."""

    name = "sideways"

    def detect_many(self, frames):
        face = np.zeros((1, 15), np.float32)
        face[0, :5] = 10, 10, 30, 30, 0.9
        face[0, 5:9] = 20, 12, 20, 28
        return [face.copy() for _ in frames]

    def points(self, frames, faces):
        return faces[:, 5:15].reshape(-1, 5, 2)


def test_a_face_that_is_upright_in_no_turn_is_not_found():
    with pytest.raises(NoFaceError, match="no upright face in any of 3 frames"):
        crop_faces(np.zeros((3, 64, 64, 3), np.uint8), SETTINGS, Sideways())
