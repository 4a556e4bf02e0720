"""Faces found in one frame and followed to the others by optical flow: ``preparation.detector=centerface-flow``.

A search by CenterFace costs eight times what following costs. Its boxes come from a grid of four pixels: moved by one
pixel, a frame gives a crop that differs by one to two pixels at the median (``benchmarks/face_search.py``). A followed box
has no such noise, but it does keep the error of the box it came from, and it turns with the face only in the image plane.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from amdd.data.faces.centerface import CenterFace

SIDE = 160  # pixels of the patch in which a face is followed; the face fills half of it
POINTS = 40
FEWEST = 12  # points that must be left
SHARE = 0.5  # of the points must be found again, and go back to where they came from within RETURN pixels
RETURN = 1.0
ALIKE = 0.6  # correlation of the face's pixels with those it started from
GROWTH, TURN = 1.35, 25.0  # factor and degrees; what a face changes by more than this is searched again


class FlowFace(CenterFace):
    """CenterFace in the middle frame; where it finds one face, that face is followed forwards and backwards.

    A frame in which the face is lost (a cut, a turned head, a blink of darkness) is searched, and the face found there
    is followed from then on. Clips that show no face or several in a searched frame are searched frame by frame.
    """

    name = "centerface-flow"

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        middle = len(frames) // 2
        start = super().detect_many(frames[middle][None])[0]
        if len(frames) == 1:
            return [start]
        faces = {middle: start}
        for order in (range(middle + 1, len(frames)), range(middle - 1, -1, -1)):
            if len(start) != 1:
                return super().detect_many(frames)
            track = _Track(frames[middle], start[0])
            for t in order:
                face = track.to(frames[t])
                if face is not None:
                    faces[t] = face[None]
                    continue
                faces[t] = super().detect_many(frames[t][None])[0]
                if len(faces[t]) > 1:
                    return super().detect_many(frames)
                if len(faces[t]):
                    track = _Track(frames[t], faces[t][0])
        return [faces[t] for t in range(len(frames))]


class _Track:
    """Corner points of ``face`` (15,) in ``frame``, and where they have come to since."""

    def __init__(self, frame: np.ndarray, face: np.ndarray) -> None:
        self.face = face
        side = float(max(face[2] - face[0], face[3] - face[1]))
        self.step = int(
            np.ceil(2 * side / SIDE)
        )  # whole, since averaging by a fraction takes ten times as long
        corner = (face[:2] + face[2:4]) / 2 - side
        height, width = frame.shape[:2]
        self.x0, self.y0 = (int(v) for v in np.clip(np.floor(corner), 0, (width - 1, height - 1)))
        self.x1, self.y1 = (
            int(v)
            for v in np.clip(np.ceil(corner + 2 * side) + 1, (self.x0 + 1, self.y0 + 1), (width, height))
        )
        grey = self._patch(frame)
        self.box = self._inside(face[:4].reshape(2, 2))
        mask = np.zeros_like(grey)
        x0, y0, x1, y1 = self.box.round().astype(int).clip(0).ravel()
        mask[y0:y1, x0:x1] = 255
        found = cv2.goodFeaturesToTrack(grey, POINTS, 0.01, 4, mask=mask)
        self.start = np.zeros((0, 2), np.float32) if found is None else found[:, 0]
        self.points, self.kept, self.count = self.start, np.arange(len(self.start)), len(self.start)
        self.grey = grey
        self.looks = self._look(grey, np.eye(2, 3))

    def to(self, frame: np.ndarray) -> np.ndarray | None:
        """The face (15,) in ``frame``, or None where it is not to be followed there."""
        if len(self.points) < FEWEST or frame.shape[0] < self.y1 or frame.shape[1] < self.x1:
            return None
        grey = self._patch(frame)
        there, good = _moved(self.grey, grey, self.points)
        back, again = _moved(grey, self.grey, there)
        keep = good & again & (np.abs(back - self.points).max(axis=1) < RETURN)
        if keep.sum() < max(FEWEST, SHARE * self.count):
            return None
        kept, points = self.kept[keep], there[keep]
        matrix, inliers = cv2.estimateAffinePartial2D(self.start[kept], points, ransacReprojThreshold=2.0)
        if matrix is None or inliers.mean() < SHARE:
            return None
        growth = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        turn = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
        if not 1 / GROWTH < growth < GROWTH or abs(turn) > TURN:
            return None
        if float((self.looks * self._look(grey, matrix)).mean()) < ALIKE:
            return None
        self.kept, self.points, self.grey = kept, points, grey
        face = self.face.copy()
        centre = matrix[:, :2] @ self.box.mean(axis=0) + matrix[:, 2]
        half = (self.box[1] - self.box[0]) / 2 * growth
        marks = self._inside(self.face[5:].reshape(5, 2)) @ matrix[:, :2].T + matrix[:, 2]
        places = np.concatenate([[centre - half, centre + half], marks]) * self.step + (self.x0, self.y0)
        face[:4], face[5:] = places[:2].ravel(), places[2:].ravel()
        return face

    def _patch(self, frame: np.ndarray) -> np.ndarray:
        """The surroundings of the face, grey, uint8 (h, w), about ``SIDE`` pixels a side or fewer."""
        part = frame[self.y0 : self.y1, self.x0 : self.x1]
        if self.step > 1:
            height, width = (max(1, n // self.step) for n in part.shape[:2])
            part = part[: height * self.step, : width * self.step]
            part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)

    def _inside(self, places: np.ndarray) -> np.ndarray:
        """``places`` (n, 2) of the frame in pixels of the patch."""
        return (places - (self.x0, self.y0)) / self.step

    def _look(self, grey: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """The face as ``matrix`` places it in the patch, float32 (32, 32) of mean 0 and deviation 1."""
        step = (self.box[1] - self.box[0]) / 32
        place = np.concatenate(
            [matrix[:, :2] * step, (matrix[:, :2] @ self.box[0] + matrix[:, 2])[:, None]], axis=1
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        look = cv2.warpAffine(
            cv2.blur(grey, (3, 3)), place, (32, 32), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        look = look.astype(np.float32) - look.mean()
        return look / max(1.0, float(look.std()))


def _moved(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions in ``after`` of ``points`` float32 (n, 2) of ``before``, and whether each was found, bool (n,)."""
    nothing: Any = None  # the stubs of OpenCV do not have it that the result may be left to be allocated
    there, good, _ = cv2.calcOpticalFlowPyrLK(before, after, points, nothing, winSize=(11, 11), maxLevel=3)
    return np.asarray(there), np.asarray(good)[:, 0].astype(bool)
