"""A map of clips that shows each clip's face and audio under the pointer; one piece of HTML, nothing is loaded."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pandas as pd

from amdd.data.prepare import ClipStore
from amdd.figures.exhibit import Exhibit, exhibit
from amdd.figures.style import colours
from amdd.figures.template import piece

WIDTH, HEIGHT, EDGE = 640, 420, 16
FACE, SOUND = 96, (150, 64)  # pixels: side of a face, width and height of a spectrogram
SHAPES = {
    "real": '<circle r="5"/>',
    "faceswap": '<rect x="-4.5" y="-4.5" width="9" height="9"/>',
    "wav2lip": '<path d="M0-6 5.5 4.5H-5.5Z"/>',
    "fsgan": '<path d="M0-6.5 6.5 0 0 6.5-6.5 0Z"/>',
}
MOST = 120  # clips on a map; more would make a heavy page


def jpeg(picture: np.ndarray, quality: int = 78) -> str:
    """An image uint8 (H, W, 3), BGR, as a data address."""
    ok, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError("a picture could not be encoded")
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def face_picture(frame: np.ndarray) -> str:
    """A face crop uint8 (S, S, 3), RGB, as a data address."""
    small = cv2.resize(frame, (FACE, FACE), interpolation=cv2.INTER_AREA)
    return jpeg(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))


def sound_picture(mel: np.ndarray) -> str:
    """A mel spectrogram (M, F) in [-1, 1] as a data address, low bands below."""
    grey = np.clip((np.asarray(mel, np.float32)[::-1] + 1) * 127.5, 0, 255).astype(np.uint8)
    return jpeg(cv2.applyColorMap(cv2.resize(grey, SOUND, interpolation=cv2.INTER_AREA), cv2.COLORMAP_MAGMA))


def clip_map(points: np.ndarray, clips: ClipStore, test: pd.DataFrame) -> Exhibit:
    """Return :func:`hover_map` of the clips ``test`` (rows of the manifest) at ``points`` (n, 2), thinned to a light page."""
    shown = np.linspace(0, len(test) - 1, min(len(test), MOST)).astype(int)
    rows = [int(k) for k in test.index[shown]]
    classes = test.generator.to_numpy().astype(str)[shown]
    labels = [f"{c}, {p}" for c, p in zip(classes, test.identity.to_numpy().astype(str)[shown])]
    faces = [face_picture(np.asarray(clips.frames(k))[0]) for k in rows]
    sounds = [sound_picture(np.asarray(clips.mel(k), np.float32)[0]) for k in rows]
    return hover_map(points[shown], classes, labels, faces, sounds)


@exhibit
def hover_map(
    points: np.ndarray,
    classes: np.ndarray,
    words: list[str],
    faces: list[str],
    sounds: list[str],
    name: str = "map",
) -> Exhibit:
    """Return points (n, 2) as marks by class; hovering, or moving the slider, shows that clip's ``words``, face and audio.

    ``faces`` and ``sounds`` come from :func:`face_picture` and :func:`sound_picture`. Raises ``ValueError`` when the
    lists are not of one length.
    """
    n = len(points)
    if not n or {len(classes), len(words), len(faces), len(sounds)} != {n}:
        raise ValueError("every point needs a class, words, a face and a sound")
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    place = EDGE + (points - low) / span * (np.array([WIDTH, HEIGHT]) - 2 * EDGE)
    names = [str(c) for c in classes]
    tints = colours(names)
    alt = f"Map of {n} clips as marks, one shape and colour for each class."
    page = piece(
        "map",
        name=name,
        alt=alt,
        width=WIDTH,
        height=HEIGHT,
        face=FACE,
        sound=SOUND,
        legend=[(c, tints[c], SHAPES.get(c, SHAPES["real"])) for c in sorted(tints)],
        marks=[
            (f"{x:.1f}", f"{y:.1f}", tints[c], SHAPES.get(c, SHAPES["real"]))
            for (x, y), c in zip(place, names)
        ],
        words=words,
        faces=faces,
        sounds=sounds,
    )
    return Exhibit("interactive", page, alt)
