"""Faces followed by optical flow on rendered people."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from amdd.data.faces.flow import FlowFace
from amdd.data.faces.track import CenterFace, NoFaceError, crop_faces
from amdd.profiles import PreparationSettings
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip

SETTINGS = PreparationSettings(frames=6, size=112, detector="centerface-flow")


class Counting(FlowFace):
    """Counts the searches."""

    def __init__(self):
        super().__init__()
        self.searches = 0

    def _search(self, frame, long_side):
        self.searches += 1
        return super()._search(frame, long_side)


@pytest.fixture(scope="module")
def rendered():
    n = 6
    pose = np.zeros((n, 3), np.float32)
    pose[:, 0] = np.linspace(-0.15, 0.15, n)
    still = {"actions": (n, 52), "shift": (n, 2), "gaze": (n, 2)}
    motion = SimpleNamespace(pose=pose, **{k: np.zeros(s, np.float32) for k, s in still.items()})
    return render_clip(make_identity(3), motion, 0, size=256)


def test_one_search_finds_the_face_of_every_frame(rendered):
    detector, usual = Counting(), CenterFace().detect_many(rendered.frames)
    found = detector.detect_many(rendered.frames)
    assert detector.searches == 1
    for face, other in zip(found, usual):
        side = other[0, 3] - other[0, 1]
        assert face.shape == (1, 15) and np.abs(face[0, :4] - other[0, :4]).max() < 0.12 * side
        assert np.abs(face[0, 5:9] - other[0, 5:9]).max() < 0.06 * side


def test_a_moved_turned_and_scaled_face_is_followed_exactly(rendered):
    frame = rendered.frames[3]
    matrices = [cv2.getRotationMatrix2D((128.0, 128.0), a, s) for a, s in ((4, 1.0), (0, 1.0), (-5, 1.05))]
    for matrix, (x, y) in zip(matrices, ((6, -3), (0, 0), (-8, 5))):
        matrix[:, 2] += x, y
    frames = np.stack([cv2.warpAffine(frame, m, (256, 256), borderMode=1) for m in matrices])
    found, start = FlowFace().detect_many(frames), CenterFace().detect(frame)[0]
    for face, matrix in zip(found, matrices):
        marks = start[5:].reshape(5, 2) @ matrix[:, :2].T + matrix[:, 2]
        assert np.abs(face[0, 5:].reshape(5, 2) - marks).max() < 1
        centre = matrix[:, :2] @ (start[:2] + start[2:4]) / 2 + matrix[:, 2]
        assert np.abs((face[0, :2] + face[0, 2:4]) / 2 - centre).max() < 1


def test_a_cut_is_searched_and_followed_on(rendered):
    frames = np.full((6, 300, 600, 3), 90, np.uint8)
    frames[:4, :256, :256] = rendered.frames[:4]
    frames[4:, 40:296, 340:596] = rendered.frames[4:]
    detector = Counting()
    found = detector.detect_many(frames)
    assert [len(f) for f in found] == [1] * 6 and detector.searches == 2
    assert all(f[0, 2] < 256 for f in found[:4]) and all(f[0, 0] > 340 for f in found[4:])


def test_a_frame_without_face_has_none(rendered):
    frames = rendered.frames.copy()
    frames[1] = 100
    assert [len(f) for f in FlowFace().detect_many(frames)] == [1, 0, 1, 1, 1, 1]
    track = crop_faces(frames, SETTINGS)
    assert track.found.tolist() == [True, False, True, True, True, True]
    with pytest.raises(NoFaceError, match="no face in any of 3 frames"):
        crop_faces(np.zeros((3, 80, 80, 3), np.uint8), SETTINGS)


def test_no_face_or_several_in_the_middle_are_searched_as_usual(rendered):
    two = np.concatenate([rendered.frames, rendered.frames[:, :, ::-1]], axis=2)
    empty = rendered.frames.copy()
    empty[3] = 100
    for frames in (two, empty):
        for a, b in zip(FlowFace().detect_many(frames), CenterFace().detect_many(frames)):
            assert np.array_equal(a, b)
    assert crop_faces(two, SETTINGS).faces == 2


def test_deterministic_and_upright(rendered):
    a, b = crop_faces(rendered.frames, SETTINGS), crop_faces(rendered.frames, SETTINGS)
    assert np.array_equal(a.crops, b.crops) and a.found.all()
    lying = np.ascontiguousarray(np.rot90(rendered.frames, axes=(1, 2)))
    upright = crop_faces(rendered.frames, replace(SETTINGS, detector="centerface"))
    turned = crop_faces(lying, SETTINGS)
    assert turned.found.all()
    assert np.abs(turned.crops.astype(int) - upright.crops).mean((1, 2, 3)).max() < 8


@pytest.mark.parametrize("shape", [(1, 1), (9, 700), (700, 9), (33, 31)])
def test_frames_of_odd_shapes(shape):
    rng = np.random.default_rng(0)
    assert len(FlowFace().detect_many(rng.integers(0, 255, (3, *shape, 3), np.uint8))) == 3
