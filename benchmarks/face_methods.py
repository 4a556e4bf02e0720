"""Cheaper ways to find the face, for ``face_search.py``; none of them is used by preparation."""

from __future__ import annotations

from abc import ABC, abstractmethod

import cv2
import numpy as np

import amdd.data.faces.centerface as centerface
from amdd.data.faces.centerface import EMPTY, CenterFace

X, Y = [0, 2, 5, 7, 9, 11, 13], [1, 3, 6, 8, 10, 12, 14]
MAPS = ["537", "538", "539", "540"]


def vote(heat, size, offset, marks, threshold):
    """Return CenterFace's faces (n, 15), each the mean by score of all boxes that overlap its best one by half."""
    rows, columns = np.nonzero(heat > threshold)
    if not len(rows):
        return EMPTY.copy()
    height, width = np.exp(np.clip(size[:, rows, columns], -8, 8)) * 4
    top = (rows + offset[0, rows, columns] + 0.5) * 4 - height / 2
    left = (columns + offset[1, rows, columns] + 0.5) * 4 - width / 2
    faces = np.empty((len(rows), 15), np.float32)
    faces[:, :5] = np.stack([left, top, left + width, top + height, heat[rows, columns]], axis=1)
    faces[:, 5::2] = (marks[1::2, rows, columns] * width + left).T
    faces[:, 6::2] = (marks[0::2, rows, columns] * height + top).T
    faces, kept = faces[np.argsort(-faces[:, 4], kind="stable")], []
    while len(faces):
        overlaps = np.array([centerface._overlap(faces[0], face) for face in faces])
        mean = np.average(faces[overlaps >= 0.5], axis=0, weights=faces[overlaps >= 0.5, 4])
        mean[4] = faces[0, 4]
        kept.append(mean)
        faces = faces[overlaps < 0.3]
    return np.array(kept, np.float32)


class Voting(CenterFace):
    """CenterFace with :func:`vote`."""

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        plain = centerface._decode
        centerface._decode = vote
        try:
            return super().detect_many(frames)
        finally:
            centerface._decode = plain


class Following(CenterFace, ABC):
    """One full search in the middle frame; where it finds one face, the others are found from that face.

    Frames in which nothing is found so are searched in full, and all of them unless there was exactly one face.
    """

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        middle = len(frames) // 2
        (key,) = super().detect_many(frames[middle][None])
        if len(key) != 1 or len(frames) == 1:
            return super().detect_many(frames)
        others = [t for t in range(len(frames)) if t != middle]
        faces = dict(zip(others, self.near(frames, others, key[0], middle))) | {middle: key}
        return [
            faces[t] if len(faces[t]) else super(Following, self).detect_many(f[None])[0]
            for t, f in enumerate(frames)
        ]

    @abstractmethod
    def near(self, frames: np.ndarray, others: list[int], key: np.ndarray, middle: int) -> list[np.ndarray]:
        """Return the faces of the frames ``others``, found from the face ``key`` of the frame ``middle``."""

    def maps(self, picture: np.ndarray) -> list[np.ndarray]:
        self._net.setInput(cv2.dnn.blobFromImage(picture, 1.0))
        return [found[0] for found in self._net.forward(MAPS)]


class Cells(Following):
    """The face's surroundings, ``margin`` times its side, scaled to ``cell`` pixels; all frames side by side."""

    def __init__(self, cell: int, margin: float) -> None:
        super().__init__()
        self.cell, self.margin = cell, margin

    def near(self, frames, others, key, middle):
        n, columns = self.cell, 4
        side = max(key[2] - key[0], key[3] - key[1]) * self.margin
        x0, y0 = (round(float(c - side / 2)) for c in (key[:2] + key[2:4]) / 2)
        side, (height, width) = round(float(side)), frames.shape[1:3]
        pads = max(-y0, 0), max(y0 + side - height, 0), max(-x0, 0), max(x0 + side - width, 0)
        picture = np.zeros((-(-len(others) // columns) * n, columns * n, 3), np.uint8)
        places = [(n * (i // columns), n * (i % columns)) for i in range(len(others))]
        for t, (row, column) in zip(others, places):
            part = frames[t, max(y0, 0) : y0 + side, max(x0, 0) : x0 + side]
            part = cv2.copyMakeBorder(part, *pads, cv2.BORDER_CONSTANT)
            picture[row : row + n, column : column + n] = cv2.resize(
                part, (n, n), interpolation=cv2.INTER_AREA
            )
        maps, found = self.maps(picture), []
        for row, column in (np.array(places) // 4).tolist():
            part = [m[:, row : row + n // 4, column : column + n // 4] for m in maps]
            faces = centerface._decode(part[0][0], *part[1:], self.threshold)[:1]
            faces[:, X] = faces[:, X] * (side / n) + x0
            faces[:, Y] = faces[:, Y] * (side / n) + y0
            found.append(faces)
        return found


class Region(Following):
    """The face's surroundings, half its side all round, at the scale and on the grid of the full search."""

    def near(self, frames, others, key, middle):
        height, width = frames.shape[1:3]
        scale = min(self.coarse, max(height, width)) / max(height, width)
        small = round(width * scale), round(height * scale)
        side = max(key[2] - key[0], key[3] - key[1])
        low = np.floor((key[:2] - side / 2) * scale / 32).clip(0).astype(int) * 32
        high = np.ceil((key[2:4] + side / 2) * scale / 32).astype(int) * 32
        found = []
        for t in others:
            picture = cv2.resize(frames[t], small, interpolation=cv2.INTER_AREA)
            picture = cv2.copyMakeBorder(picture, 0, -small[1] % 32, 0, -small[0] % 32, cv2.BORDER_CONSTANT)
            maps = self.maps(np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]]))
            faces = centerface._decode(maps[0][0], *maps[1:], self.threshold)[:1]
            faces[:, X] = (faces[:, X] + low[0]) / scale
            faces[:, Y] = (faces[:, Y] + low[1]) / scale
            found.append(faces)
        return found


class BlazeFace:
    """BlazeFace short range on whole frames scaled to 128 pixels; boxes that overlap the best one are averaged."""

    def __init__(self, path: str) -> None:
        # OpenCV 5's new engine returns the boxes of this network without their scores; the classic one is slower.
        engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
        self._net = cv2.dnn.readNetFromTFLite(path, *engine)
        grids = [np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * 2), -1).reshape(-1, 2) for n in (16, 8)]
        self.anchors = np.concatenate([np.repeat(grids[0], 2, 0), np.repeat(grids[1], 6, 0)])

    def detect_many(self, frames: np.ndarray) -> list[np.ndarray]:
        return [self._search(frame) for frame in frames]

    def _search(self, frame: np.ndarray) -> np.ndarray:
        side = max(frame.shape[:2])
        square = cv2.copyMakeBorder(frame, 0, side - frame.shape[0], 0, side - frame.shape[1], 0)
        square = cv2.resize(square, (128, 128), interpolation=cv2.INTER_AREA)
        self._net.setInput(cv2.dnn.blobFromImage(square, 1 / 127.5, mean=(127.5,) * 3))
        boxes, logits = (o[0] for o in self._net.forward(["regressors", "classificators"]))
        scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        good = scores > 0.5
        if not good.any():
            return EMPTY.copy()
        boxes, scores = boxes[good] / 128, scores[good]
        boxes[:, :2] += self.anchors[good]
        boxes[:, 4:] += np.tile(self.anchors[good], 6)
        faces = np.zeros((len(boxes), 15), np.float32)
        faces[:, :2], faces[:, 2:4] = boxes[:, :2] - boxes[:, 2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2
        faces[:, 4], faces[:, 5:11] = scores, boxes[:, 4:10]
        best = faces[scores.argmax()]
        near = np.array([centerface._overlap(best, face) >= 0.3 for face in faces])
        face = np.average(faces[near], axis=0, weights=scores[near]) * side
        face[4] = best[4]
        return face[None].astype(np.float32)
