"""Studios: differences between the built-in datasets besides their generators.

Light, lens, sensor, frame rate, codec, ages and voices differ from dataset to dataset, as between real ones, so a
cross-dataset evaluation changes more than the generators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from amdd.profiles import CorpusSettings


@dataclass(frozen=True)
class Studio:
    """``camera`` a name of :data:`amdd.puppets.person.camera.CAMERAS`; ``tempo`` frames a second over the setting's;
    ``scale`` the written image's side over the setting's; ``ages`` years, lowest and highest; ``codec`` of forged
    AVI files; ``first_crf`` of the recording, before anything is forged; ``like`` what is imitated."""

    camera: str
    tempo: float = 1.0
    scale: float = 1.0
    ages: tuple[float, float] = (20, 72)
    codec: Literal["h264", "mpeg4"] = "h264"
    first_crf: int | None = None
    like: str = ""


WEB = Studio("studio", like="clips from the web: rooms of all kinds, H.264, 25 frames a second")
STUDIOS = {
    "puppet-favc": WEB,
    "puppet-timit": Studio(
        "timit", ages=(20, 45), codec="mpeg4",
        like="an office, one camera: colour noise, warm cast, JPEG frames for reals, MPEG-4 in AVI for fakes, WAV beside",
    ),
    "puppet-dfdm": Studio(
        "interview", tempo=1.2, ages=(30, 60), first_crf=18,
        like="interviews: close, strong light from the side, sharpened, 30 frames a second, without audio",
    ),
    "puppet-lav": Studio(
        "phone", scale=0.875, first_crf=28,
        like="videos of a platform: phones, noise filtered away, recompressed at seven eighths of the side",
    ),
    "puppet-unseen": WEB,  # only the generators differ from those of the training corpus
}  # fmt: skip


def speech_engine(settings: CorpusSettings, corpus: str) -> Literal["bank", "espeak"]:
    """Return the speech synthesiser of ``corpus``: the training corpus and what shares its studio have one of their own."""
    alike = corpus == settings.train or STUDIOS[corpus] is STUDIOS.get(settings.train)
    return settings.speech if alike else settings.external_speech


def fps_of(fps: int, corpus: str) -> int:
    """Return the frame rate of ``corpus`` for the setting ``fps``."""
    return round(fps * STUDIOS[corpus].tempo)


def side_of(size: int, corpus: str) -> int:
    """Return the side of the written image in pixels, even, for the setting ``size``."""
    return 2 * round(size * STUDIOS[corpus].scale / 2)


def table() -> list[dict[str, str]]:
    """Return one row per dataset with its studio."""
    return [
        {
            "dataset": name,
            "camera": s.camera,
            "relative frame rate": f"{s.tempo:g}",
            "relative image side": f"{s.scale:g}",
            "ages": f"{s.ages[0]:g}-{s.ages[1]:g}",
            "imitates": s.like,
        }
        for name, s in STUDIOS.items()
    ]
