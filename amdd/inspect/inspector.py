"""One clip to its answer: windows streamed through the network, faces followed, rules applied."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from amdd.base.hashing import code_hash
from amdd.base.paths import path_text
from amdd.data.media import MediaError
from amdd.inspect.answer import Inspection, Person, Verdict, Window
from amdd.inspect.clip import Clip, Piece, WindowStore, open_clip, starts_of, windows
from amdd.inspect.faces import Track, overlap
from amdd.inspect.novelty import features_of
from amdd.inspect.verdict import judge, named, over_people, usual_text, window_verdict
from amdd.inspect.weights import Scorer, load_scorer

BATCH = 8  # windows that are in memory at once
NEAR = 1.0  # a face that has moved by less than this many of its sides is the same one
MOST_PEOPLE = 8  # of a clip
MOST_SECONDS = 4 * 3600.0  # of a clip
PATIENCE = 3.0  # seconds without a progress bar


class Features(Protocol):
    """Anything that answers windows as :func:`amdd.inspect.novelty.features_of` does."""

    def __call__(self, store: WindowStore) -> dict[str, np.ndarray]: ...


@dataclass
class _Followed:
    """A face over the windows so far."""

    box: np.ndarray
    windows: list[Window] = field(default_factory=list)
    attribution: list[np.ndarray] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    audio: list[bool] = field(default_factory=list)


def inspect(
    path: str | Path,
    weights: str | Path | None = None,
    *,
    prevalence: float | None = None,
    most_windows: int = 0,
    scorer: Scorer | None = None,
    fast: bool = False,
    detector: str | None = None,
    progress: bool = False,
) -> Inspection:
    """Answer one clip: real, forged or *can't tell*, with probability, generator, unusualness and what was missing.

    ``weights`` names a training run or packed folder (default: the network that is shipped); ``prevalence`` is the share
    of forgeries among clips of this kind, where it is not that of the validation clips; ``most_windows`` bounds the
    windows of a long clip. ``fast`` computes by ONNX, where that is installed. ``detector`` names a function ``module:name``
    that scores windows in place of the network (:mod:`amdd.inspect.plugin`). ``progress`` shows a bar on standard error
    for what takes more than a few seconds. Raises :class:`~amdd.data.media.MediaError` for a file that cannot be read,
    with reason and cure.
    """
    began = time.perf_counter()
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"prevalence={prevalence}: expected a share between 0 and 1")
    if detector is not None:
        from amdd.inspect.plugin import plugged

        scorer, features = plugged(detector)
    else:
        scorer = scorer or load_scorer(weights)
        features = _features(scorer, fast)
    clip = open_clip(path)
    seen = _Clip(clip, scorer, prevalence, features)
    starts = starts_of(min(clip.seconds, MOST_SECONDS), scorer.run.profile.preparation, most_windows)
    pieces = windows(clip, scorer.run.profile.preparation, starts)
    seen.take(tqdm(pieces, clip.path.name, len(starts), unit="window", delay=PATIENCE, disable=not progress))
    return seen.answer(began)


def _features(scorer: Scorer, fast: bool) -> Features:
    if fast:
        from amdd.inspect.onnx import features_by_onnx

        return features_by_onnx(scorer)
    return lambda store: features_of(scorer.run, store)


class _Clip:
    """Collect the facts of a clip while its windows come in; the size does not grow with the images."""

    def __init__(self, clip: Clip, scorer: Scorer, prevalence: float | None, features: Features) -> None:
        self.clip, self.scorer, self.prevalence, self.features = clip, scorer, prevalence, features
        self.faces: list[_Followed] = []
        self.size, self.count, self.empty, self.short, self.most = (0, 0), 0, [], False, 0
        self.notes: dict[str, int] = {}
        self.audio = 0
        self.ignored = 0

    def take(self, pieces: Iterable[Piece]) -> None:
        for batch in _batches(pieces, BATCH):
            pairs, owners = [], []
            for piece in batch:
                self._note(piece)
                for track, face in self._match(piece):
                    pairs.append((piece, track))
                    owners.append(face)
            if pairs:
                self._score(pairs, owners)

    def _note(self, piece: Piece) -> None:
        self.size, self.count = piece.size, self.count + 1
        self.short, self.most = self.short or piece.short, max(self.most, piece.faces)
        self.audio += piece.has_audio
        if piece.note:
            self.notes[piece.note] = self.notes.get(piece.note, 0) + 1
        if not piece.tracks:
            self.empty.append((piece.start, piece.end))

    def _match(self, piece: Piece) -> Iterator[tuple[Track, _Followed]]:
        """Give each track of the window to the face that was last near its place, or to a new one."""
        free = list(self.faces)
        for track in piece.tracks:
            near = [(_distance(face.box, track.boxes[0]), k) for k, face in enumerate(free)]
            best = min(near, default=(math.inf, -1))
            if best[0] < NEAR:
                face = free.pop(best[1])
            elif len(self.faces) < MOST_PEOPLE:
                face = _Followed(track.boxes[0])
                self.faces.append(face)
            else:
                self.ignored += 1
                continue
            face.box = track.boxes[-1]
            yield track, face

    def _score(self, pairs: list[tuple[Piece, Track]], owners: list[_Followed]) -> None:
        scorer, calibration = self.scorer, self.scorer.calibration
        found = self.features(WindowStore(scorer.run.profile.preparation, pairs))
        heard = np.array([piece.has_audio for piece, _ in pairs])
        scores = scorer.novelty.scores(found, heard)
        surprise = scorer.novelty.surprise(scores, heard)
        for k, ((piece, track), face) in enumerate(zip(pairs, owners)):
            logit = float(found["logit"][k])
            probability = calibration.probability(logit, self.prevalence)
            verdict = window_verdict(probability, float(surprise[k]), calibration)
            face.windows.append(
                Window(
                    *(float(piece.start), float(piece.end), logit, probability, float(surprise[k]), verdict),
                    face=track.side,
                    lost=int((~track.found).sum()),
                    frames=len(track.found),
                    audio=piece.has_audio,
                )
            )
            face.attribution.append(found["attribution"][k])
            face.scores.append(float(scores[k]))
            face.audio.append(piece.has_audio)

    def answer(self, began: float) -> Inspection:
        people = tuple(self._person(k, face) for k, face in enumerate(self._ranked(), 1))
        if people:
            main, verdict, rule, why = over_people(people)
        else:
            main, verdict, rule = None, "can't tell", "no face"
            why = f"No face was found in any of the frames looked at, in {self.count} window(s)."
        return Inspection(
            file=path_text(self.clip.path),
            verdict=verdict,
            rule=rule,
            why=why,
            probability=main.probability if main else math.nan,
            low=main.low if main else math.nan,
            high=main.high if main else math.nan,
            generator=main.generator if main else "unknown",
            generators=main.generators if main else {},
            surprise=main.surprise if main else math.nan,
            unusual=main.unusual if main else "",
            missing=tuple(self._missing()),
            people=people,
            seconds=round(self.clip.seconds, 3),
            width=self.size[0],
            height=self.size[1],
            fps=round(self.clip.timeline.fps, 3),
            has_audio=bool(self.audio),
            prevalence=self.scorer.calibration.prevalence if self.prevalence is None else self.prevalence,
            detector=self.scorer.run.name,
            sha256=sha256_of(self.clip.path),
            weights=self.scorer.digest,
            code=code_of(),
            took=round(time.perf_counter() - began, 3),
        )

    def _ranked(self) -> list[_Followed]:
        """Return the faces, those seen in most windows first, then the larger ones."""
        seen = [face for face in self.faces if face.windows]
        return sorted(seen, key=lambda f: (-len(f.windows), -float(np.median([w.face for w in f.windows]))))

    def _person(self, number: int, face: _Followed) -> Person:
        scorer, calibration = self.scorer, self.scorer.calibration
        logit = float(np.mean([w.logit for w in face.windows]))
        probability = calibration.probability(logit, self.prevalence)
        low, high = calibration.interval(logit, self.prevalence)
        middle = np.array([np.median(face.scores)])
        surprise = float(scorer.novelty.surprise(middle, np.array([np.mean(face.audio) >= 0.5]))[0])
        crop = scorer.run.profile.preparation.size
        verdict, rule, why = judge(face.windows, probability, surprise, crop, calibration)
        classes = scorer.run.profile.model.classes
        generator, shares = named(verdict, np.mean(face.attribution, axis=0), classes, calibration.name_from)
        box = tuple(round(float(v), 1) for v in face.box)
        return Person(
            *(verdict, rule, why, probability, low, high, generator, shares, surprise),
            unusual=usual_text(surprise, scorer.novelty.clips),
            number=number,
            windows=tuple(face.windows),
            box=box,
        )

    def _missing(self) -> Iterator[str]:
        notes = sorted(self.notes.items(), key=lambda item: -item[1])
        if not self.audio:
            yield f"audio ({notes[0][0] if notes else 'none'}); the answer rests on the image alone"
        elif self.audio < self.count:
            yield f"audio in {self.count - self.audio} of {self.count} windows ({notes[0][0] if notes else 'none'})"
        elif notes:
            yield f"a plain audio track: {notes[0][0]}"
        for number, face in enumerate(self._ranked(), 1):
            lost, frames = sum(w.lost for w in face.windows), sum(w.frames for w in face.windows)
            if lost:
                yield f"the face of person {number} in {lost} of {frames} frames looked at"
        if self.empty:
            spans = ", ".join(f"{a:.1f}-{b:.1f} s" for a, b in self.empty[:4])
            yield f"any face in {len(self.empty)} of {self.count} windows ({spans}{', ...' if self.empty[4:] else ''})"
        if len(self.faces) > 1:
            yield "one voice for each face: all faces were judged with the same audio track"
        if self.ignored:
            yield f"faces beyond the first {MOST_PEOPLE}, in {self.ignored} places"
        if self.short or self.clip.timeline.stated > len(self.clip.timeline):
            yield "the end of the file, which lists more frames than can be decoded"
        if self.clip.seconds > MOST_SECONDS:
            yield f"everything after {MOST_SECONDS / 3600:.0f} hours"


def _batches(pieces: Iterable[Piece], size: int) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    for piece in pieces:
        batch.append(piece)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the distance of two boxes' centres in units of their side, 0 for boxes that overlap well."""
    if overlap(a, b) > 0.3:
        return 1 - overlap(a, b) - 1e-3
    side = max(float(np.max(a[2:] - a[:2])), float(np.max(b[2:] - b[:2])), 1.0)
    return float(np.linalg.norm((a[:2] + a[2:] - b[:2] - b[2:]) / 2)) / side


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, "" for a folder of images."""
    if not path.is_file():
        return ""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@lru_cache(maxsize=1)
def code_of() -> str:
    """Return the hash of the code that answers."""
    try:
        return code_hash(("amdd.inspect.inspector",), without=("amdd.puppets",))
    except (OSError, ValueError):
        return ""


__all__ = ["Inspection", "MediaError", "Verdict", "inspect"]
