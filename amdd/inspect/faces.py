"""Faces of a window, followed one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amdd.data.faces.detectors import Detector, detector_for
from amdd.data.faces.track import FaceTrack, NoFaceError, crop_faces
from amdd.profiles import PreparationSettings

MOST_PEOPLE = 6  # followed in one window
SAME = 0.3  # overlap from which two boxes are one face
ALSO_THERE = 0.5  # of a window's frames in which a further face must be seen
SMALLEST = 16.0  # pixels; a further face below this side is nobody to be followed


@dataclass(frozen=True)
class Track:
    """One face in one window: ``crops`` uint8 (T, S, S, 3), ``boxes`` (T, 4) in pixels of the frame, ``found`` (T,),
    ``transforms`` (T, 2, 3) from frame to crop."""

    crops: np.ndarray
    boxes: np.ndarray
    found: np.ndarray
    transforms: np.ndarray

    @property
    def side(self) -> float:
        """Median of the longer side of the face, in pixels of the frame."""
        return float(np.median(np.maximum(*(self.boxes[:, 2:] - self.boxes[:, :2]).T)))


class _Left:
    """The faces that are left when those already followed are taken away; frames are not searched again."""

    def __init__(self, detector: Detector, faces: list[np.ndarray]) -> None:
        self.name, self.detector, self.faces = detector.name, detector, faces

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        if len(frames) == len(self.faces):
            return self.faces
        return [np.zeros((0, 15), np.float32)] * len(
            frames
        )  # a turned frame: only the main face is sought there

    def points(self, frames: np.ndarray, faces: np.ndarray) -> np.ndarray:
        return self.detector.points(frames, faces)


class _Kept:
    """A detector that keeps the faces of the frames it saw first."""

    def __init__(self, detector: Detector) -> None:
        self.name, self.detector = detector.name, detector
        self.faces: list[np.ndarray] | None = None

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        found = self.detector.detect_many(frames)
        if self.faces is None:
            self.faces = found
        return found

    def points(self, frames: np.ndarray, faces: np.ndarray) -> np.ndarray:
        return self.detector.points(frames, faces)


def tracks_of(
    frames: np.ndarray, settings: PreparationSettings, most: int = MOST_PEOPLE
) -> tuple[tuple[Track, ...], int]:
    """Return the faces of ``frames`` uint8 (T, H, W, 3), followed one by one, and the most faces seen in one frame.

    The first is the main face as :func:`amdd.data.faces.track.crop_faces` finds it. A further face counts as a person if
    it is seen in half of the frames. Without any face there are no tracks.
    """
    detector = _Kept(detector_for(settings.detector, settings.face_device))
    try:
        main = crop_faces(frames, settings, detector)
    except NoFaceError:
        return (), 0
    tracks, left = [_track(main)], list(detector.faces or [])
    faces = max((len(f) for f in left), default=0)
    while len(tracks) < most and faces > len(tracks):
        left = [_without(f, box) for f, box in zip(left, tracks[-1].boxes)]
        if len(frames) == 1 and not len(left[0]):
            break
        try:
            found = crop_faces(frames, settings, _Left(detector, left))
        except NoFaceError:
            break
        track = _track(found)
        if track.found.mean() < ALSO_THERE or track.side < SMALLEST:
            break
        tracks.append(track)
    return tuple(tracks), faces


def _track(found: FaceTrack) -> Track:
    return Track(found.crops, found.boxes, found.found, found.transforms)


def _without(faces: np.ndarray, box: np.ndarray) -> np.ndarray:
    return faces[[overlap(face[:4], box) < SAME for face in faces]] if len(faces) else faces


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the intersection over union of two boxes (x0, y0, x1, y1)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inner = width * height
    return float(inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner))
