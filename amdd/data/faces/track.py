"""Frames to aligned face crops: find every face, follow the main one through the clip, cut it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from amdd.data.faces.detectors import CenterFace, Detector, DetectorError, FaceAlignment, detector_for
from amdd.profiles import PreparationSettings

__all__ = [
    "CenterFace",
    "DetectorError",
    "FaceAlignment",
    "FaceTrack",
    "NoFaceError",
    "align",
    "crop_faces",
    "detector_for",
    "follow",
    "warp",
]

MAX_ROLL = 45.0  # degrees; beyond it a face is on its side, or its points are wrong


class NoFaceError(ValueError):
    """No face in any of the frames."""


@dataclass(frozen=True)
class FaceTrack:
    """The main face of a clip, frame by frame.

    ``crops`` uint8 (T, S, S, 3); ``boxes`` (T, 4) and ``points`` (T, 5, 2) in pixels of the frame; ``found``
    (T,): whether the face was seen there, or its place taken from the nearest frame where it was;
    ``transforms`` (T, 2, 3): frame pixels to crop pixels; ``faces``: the most faces seen in one frame.
    """

    crops: np.ndarray
    boxes: np.ndarray
    points: np.ndarray
    found: np.ndarray
    transforms: np.ndarray
    faces: int

    @property
    def found_share(self) -> float:
        return float(self.found.mean())


def crop_faces(
    frames: np.ndarray, settings: PreparationSettings, detector: Detector | None = None
) -> FaceTrack:
    """Crop the main face of ``frames`` uint8 (T, H, W, 3) to ``settings.size`` pixels, eyes level.

    In a frame where the face isn't seen (turned away, blurred) its place is taken from the nearest frame
    where it is: repeating that frame's pixels instead would show the network a frozen image, which is itself
    a trace of manipulation. Raises :class:`NoFaceError` if no frame shows a face.
    """
    detector = detector or detector_for(settings.detector, settings.face_device)
    candidates = detector.detect_many(frames)
    chosen = follow(candidates)
    faces = np.zeros((len(frames), 15), np.float32)
    points = np.full((len(frames), 5, 2), np.nan, np.float32)
    turns = np.zeros(len(frames), int)
    seen = np.flatnonzero(chosen >= 0)
    if len(seen):
        faces[seen] = [candidates[t][chosen[t]] for t in seen]
        looked_at = frames if len(seen) == len(frames) else frames[seen]  # selecting would copy every frame
        points[seen] = detector.points(looked_at, faces[seen])
    found = (chosen >= 0) & ~_tilted(points)
    # A face on its side or upside down: the frame is turned, searched again, and turned back.
    tilted = (chosen >= 0) & ~found
    doubtful = np.flatnonzero(~found) if tilted.any() else seen[:0]
    if not len(seen):  # nothing upright anywhere: three frames tell whether turning helps
        probes = np.unique(np.linspace(0, len(frames) - 1, 3).round().astype(int))
        helps = any(_turned(frames[t], detector) is not None for t in probes)
        doubtful = np.arange(len(frames)) if helps else probes[:0]
    for t in doubtful:
        best = _turned(frames[t], detector)
        if best is not None:
            turns[t], faces[t], points[t] = best
            found[t] = True
    seen = np.flatnonzero(found)
    if not len(seen):
        what = "no upright face" if tilted.any() else "no face"
        raise NoFaceError(f"{what} in any of {len(frames)} frames ({detector.name})")
    nearest = seen[np.abs(np.arange(len(frames))[:, None] - seen[None]).argmin(axis=1)]
    back = [turn_matrix(int(turns[k]), *frames.shape[1:3]) for k in nearest]
    transforms = np.stack(
        [
            _joined(align(faces[k][:4], points[k], settings.size, settings.margin), m)
            for k, m in zip(nearest, back)
        ]
    )
    crops = np.stack([warp(frame, m, settings.size) for frame, m in zip(frames, transforms)])
    boxes, points = _in_frame(faces[nearest, :4], points[nearest], back)
    return FaceTrack(crops, boxes, points, found, transforms, max(1, *(len(c) for c in candidates)))


def _roll(points: np.ndarray) -> float:
    """Return the angle of the line through the eyes of ``points`` (5, 2) in degrees, 0 where they are not known."""
    if not np.isfinite(points[:2]).all():
        return 0.0
    across = points[1] - points[0]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _tilted(points: np.ndarray) -> np.ndarray:
    return np.array([abs(_roll(p)) > MAX_ROLL for p in points], bool)


def _turned(frame: np.ndarray, detector: Detector) -> tuple[int, np.ndarray, np.ndarray] | None:
    """Return the best upright face of the frame turned by one to three quarters, or None: the number of quarters, and face
    (15,) and points (5, 2) in pixels of the turned frame."""
    best = None
    for turn in (1, 3, 2):
        turned = np.ascontiguousarray(np.rot90(frame, turn))
        for face in detector.detect_many(turned[None])[0]:
            points = detector.points(turned[None], face[None])[0]
            upright = np.isfinite(points[:2]).all() and abs(_roll(points)) <= MAX_ROLL
            if upright and (best is None or face[4] > best[1][4]):
                best = (turn, face, points)
    return best


def turn_matrix(turn: int, height: int, width: int) -> np.ndarray:
    """Return the matrix (2, 3) from the pixels of a frame to those of ``numpy.rot90(frame, turn)``."""
    return np.array(
        {
            0: [[1, 0, 0], [0, 1, 0]],
            1: [[0, 1, 0], [-1, 0, width - 1]],
            2: [[-1, 0, width - 1], [0, -1, height - 1]],
            3: [[0, -1, height - 1], [1, 0, 0]],
        }[turn],
        np.float64,
    )


def _joined(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the matrix (2, 3) of ``before``, then ``after``."""
    product = after[:, :2].astype(np.float64) @ before
    product[:, 2] += after[:, 2]
    return product.astype(np.float32)


def _in_frame(
    boxes: np.ndarray, points: np.ndarray, matrices: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes (T, 4) and points (T, 5, 2) of turned frames in pixels of the frames."""
    boxes, points = boxes.copy(), points.copy()
    for k, matrix in enumerate(matrices):
        if np.array_equal(matrix[:, :2], np.eye(2)):
            continue
        inverse = cv2.invertAffineTransform(matrix)
        corners = boxes[k].reshape(2, 2) @ inverse[:, :2].T + inverse[:, 2]
        boxes[k] = [*corners.min(0), *corners.max(0)]
        points[k] = points[k] @ inverse[:, :2].T + inverse[:, 2]
    return boxes, points


def follow(candidates: Sequence[np.ndarray]) -> np.ndarray:
    """Index of the main face in each frame's ``candidates``, -1 where there are none; int (T,).

    The path through the frames with the greatest sum of size and score, less what its jumps cost (dynamic
    programming): a large face that stays beats a larger one that passes through.
    """
    chosen = np.full(len(candidates), -1)
    steps = [t for t, faces in enumerate(candidates) if len(faces)]
    if not steps:
        return chosen
    largest = max(float(_sides(candidates[t]).max()) for t in steps)
    totals: list[np.ndarray] = []
    origin: list[np.ndarray] = []
    for k, t in enumerate(steps):
        faces = candidates[t]
        worth = _sides(faces) / largest + 0.5 * faces[:, 4]
        if k == 0:
            totals.append(worth)
            origin.append(np.zeros(len(faces), int))
            continue
        before = candidates[steps[k - 1]]
        jump = np.linalg.norm(_centres(faces)[:, None] - _centres(before)[None], axis=2)
        jump = jump / np.maximum(_sides(faces)[:, None], _sides(before)[None])
        growth = np.abs(np.log(_sides(faces)[:, None] / _sides(before)[None]))
        reach = totals[-1][None] - np.minimum(jump + growth, 2.0)  # bounded: a cut must stay payable
        origin.append(reach.argmax(axis=1))
        totals.append(worth + reach.max(axis=1))
    best = int(totals[-1].argmax())
    for k in range(len(steps) - 1, -1, -1):
        chosen[steps[k]] = best
        best = int(origin[k][best])
    return chosen


def _sides(faces: np.ndarray) -> np.ndarray:
    return np.maximum(np.sqrt((faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1])), 1.0)


def _centres(faces: np.ndarray) -> np.ndarray:
    return (faces[:, :2] + faces[:, 2:4]) / 2


def align(box: np.ndarray, points: np.ndarray, size: int, margin: float) -> np.ndarray:
    """The similarity (2, 3) that takes frame pixels to a ``size``-pixel crop.

    Place and scale come from the ``box`` (crop side = ``margin`` x its longer side), the turn from the eyes of
    ``points`` (5, 2), if they are finite and plausible: the box is the steadier of the two in small faces.
    """
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], np.float64)
    side = max(float(box[2] - box[0]), float(box[3] - box[1]), 1.0) * margin
    roll = _roll(points)
    roll = roll if abs(roll) <= MAX_ROLL else 0.0
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), roll, size / side)
    matrix[:, 2] += (size - 1) / 2 - centre
    return matrix.astype(np.float32)


def warp(frame: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """``frame`` uint8 (H, W, 3) through ``matrix`` (2, 3) to (size, size, 3)."""
    matrix = matrix.astype(np.float64)
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    if scale < 0.75:  # bilinear sampling alone would alias: average first
        x0, y0, x1, y1 = _covered(matrix, size, scale, *frame.shape[:2])
        matrix[:, 2] += matrix[:, :2] @ (x0, y0)
        frame = frame[y0:y1, x0:x1]
        height, width = frame.shape[:2]
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame = cv2.resize(frame, target, interpolation=cv2.INTER_AREA)
        step = np.array([width / target[0], height / target[1]])
        # Pixel centres: small = (large + 0.5) / step - 0.5
        matrix = np.concatenate([matrix[:, :2] * step, matrix[:, 2:]], axis=1)
        matrix[:, 2] += matrix[:, :2] @ (0.5 - 0.5 / step)
    return cv2.warpAffine(
        frame, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _covered(
    matrix: np.ndarray, size: int, scale: float, height: int, width: int
) -> tuple[int, int, int, int]:
    """Return the part x0, y0, x1, y1 of a frame that ``matrix`` (2, 3) takes to a ``size``-pixel crop, in pixels.

    Averaging the whole frame of 640 x 480 pixels took longer than decoding it; a crop covers a tenth of it.
    """
    corners = np.array([[-1, -1], [size, -1], [-1, size], [size, size]], np.float64)
    inverse = cv2.invertAffineTransform(matrix)
    corners = corners @ inverse[:, :2].T + inverse[:, 2]
    pad = 2 / scale  # pixels that averaging and bilinear sampling look at beyond the corners
    low = np.clip(np.floor(corners.min(axis=0) - pad), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + pad) + 1, low + 1, (width, height)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
