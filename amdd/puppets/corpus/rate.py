"""A blind test: pairs of people drawn by the first and by the present renderer, rated without labels.

The page is self-contained and needs neither server nor network. Ratings are saved by the reader as CSV.
"""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from tqdm import tqdm

from amdd.base.paths import write_text
from amdd.puppets.person.actions import ACTIONS, INDEX
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import Motion

FIRST = Path(__file__).parent / "data" / "first_people.zip"  # stills of the first renderer, by identity seed
QUALITY = 88


def still(seed: int, scene: int) -> np.ndarray:
    """Render one frame, uint8 (256, 256, 3), of the person ``seed``, posed as in the first renderer's still of that seed."""
    rng = np.random.default_rng(seed)
    actions = np.zeros((1, len(ACTIONS)), np.float32)
    pose = np.array([[rng.uniform(-0.3, 0.3), 0, 0]], np.float32)
    actions[0, INDEX["jawOpen"]] = 0.15 * (scene % 3 == 2)
    none = np.zeros((1, 2), np.float32)
    return render_clip(make_identity(seed), Motion(actions, pose, none, none), scene).frames[0]


def _address(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def pairs(seed: int, count: int) -> list[dict]:
    """Return ``count`` pairs in random order: ``person``, and for sides "left" and "right" the picture and its renderer."""
    rng = np.random.default_rng(seed)
    out = []
    with zipfile.ZipFile(FIRST) as archive:
        names = sorted(archive.namelist())[:count]
        for k, name in enumerate(tqdm(names, desc="people", unit="person")):
            person = int(Path(name).stem)
            good, data = cv2.imencode(
                ".jpg", still(person, k)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
            )
            if not good:
                raise RuntimeError(f"the still of person {person} could not be encoded")
            sides = [("first", archive.read(name)), ("this", data.tobytes())]
            if rng.random() < 0.5:
                sides.reverse()
            out.append(
                {
                    "person": person,
                    **{
                        side: {"renderer": who, "picture": _address(jpeg)}
                        for side, (who, jpeg) in zip(("left", "right"), sides)
                    },
                }
            )
    return [out[i] for i in rng.permutation(len(out))]


def write_page(path: Path, seed: int = 0, count: int = 20) -> Path:
    """Write the page to ``path`` and return it; ``seed`` orders pairs and sides, ``count`` of at most 20 pairs.

    Raises ``ValueError`` for a count outside 1 to 20.
    """
    if not 1 <= count <= 20:
        raise ValueError(f"there are 20 pairs; a page of {count} can't be made")
    environment = Environment(
        loader=PackageLoader("amdd.puppets.corpus"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    data = json.dumps(pairs(seed, count)).replace("</", "<\\/")
    write_text(path, environment.get_template("rate.html").render(data=data, seed=seed, count=count))
    return path
