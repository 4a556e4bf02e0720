"""Plans of the built-in corpora: every clip's file name, people and forger, in the layouts of the real ones.

A plan is a pure function of the profile's :class:`~amdd.profiles.CorpusSettings`: nothing is drawn or written
here except the metadata files, which the real datasets have too. Four roots (a fifth is in
:mod:`amdd.puppets.corpus.unseen`):

* ``puppet-favc``: ``FakeAVCeleb_v1.2/{meta_data.csv,<type>/<race>/<gender>/<id>/<clip>.mp4}``
* ``puppet-timit``: ``DeepfakeTIMIT/{higher,lower}_quality/<subject>/<sentence>-video-<donor>.avi`` and ``.wav``,
  ``VidTIMIT/<subject>/{audio/<sentence>.wav,video/<sentence>/001}``
* ``puppet-dfdm``: ``DFDM_crf{0,10,23}/<target>_<source>_<recording>_<tag>.mp4``, ``Celeb-DF-v2/Celeb-real/...``
* ``puppet-lav``: ``LAV-DF/{metadata.json,metadata.min.json,test/NNNNNN.mp4}``

Three pools of people (train, validation, test) never meet: every donor is of its target's pool, so the graph of
identities and donors falls into one component per pool. Which pool a person is of is written nowhere but in the
truth table. Sets that only test take people who are in no training clip.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.casting import pools
from amdd.puppets.corpus.studios import speech_engine
from amdd.puppets.forgers.audio_families import AUDIO_FAMILIES, families_beside
from amdd.puppets.person.people import Identity, make_identity

TYPES = {
    "A": "RealVideo-RealAudio",
    "B": "RealVideo-FakeAudio",
    "C": "FakeVideo-RealAudio",
    "D": "FakeVideo-FakeAudio",
}
DFDM_TAGS = {
    "dfdm-faceswap": "1original",
    "dfdm-lightweight": "2lightweight",
    "dfdm-iae": "3iae",
    "dfdm-dfaker": "4dfaker",
    "dfdm-dflh128": "5dflh128",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True)
class Shot:
    """One recording of one person: ``person`` is an identity's seed; ``number`` counts their recordings."""

    corpus: str
    person: int
    number: int


@dataclass(frozen=True)
class Clip:
    """One file of a corpus, real or forged.

    ``video`` names the forgers that change the image, in order; ``audio`` what becomes of the audio: "own",
    "donor" (the voice donor's own recording), "none", or a family of
    :data:`~amdd.puppets.forgers.audio_families.AUDIO_FAMILIES`. ``local`` limits both to a short segment.
    """

    corpus: str
    path: str
    shot: Shot
    generator: str = "real"
    video: tuple[str, ...] = ()
    audio: str = "own"
    face_donor: Shot | None = None
    voice_donor: Shot | None = None
    quality: str = ""
    local: bool = False
    split_hint: str = ""
    extra: dict = field(default_factory=dict, hash=False, compare=False)

    @property
    def fake(self) -> bool:
        """Whether a generator changed the clip."""
        return self.generator != "real"

    @property
    def audio_generator(self) -> str:
        """Name of the family that forged the audio, "" if the audio is a recording's own or missing."""
        return self.audio if self.audio in AUDIO_FAMILIES else ""


def ring_of(people: list[int]) -> list[int]:
    """Return identity seeds sorted by gender, so that neighbours are alike and all lie on one ring."""
    return sorted(people, key=lambda seed: (make_identity(seed).gender, seed))


def alike(people: list[int], person: int, step: int) -> int:
    """Return the ``step``-th other person of the same gender, or anyone else if there is none."""
    gender = make_identity(person).gender
    others = [p for p in people if p != person and make_identity(p).gender == gender]
    others = others or [p for p in people if p != person] or [person]
    start = sum(1 for p in others if p < person)
    return others[(start + step) % len(others)]


def _clip_number(person: int, number: int) -> str:
    rng = np.random.default_rng(np.random.SeedSequence([607, person]))
    return f"{int(rng.integers(1, 60)) + 7 * number:05d}"


def video_id(person: int) -> str:
    """Return the eleven-character identifier of a donor's source video, used in file names."""
    rng = np.random.default_rng(np.random.SeedSequence([613, person]))
    return "".join(LETTERS[i] for i in rng.integers(0, len(LETTERS), 11))


def favc(settings: CorpusSettings) -> list[Clip]:
    """Return the plan of the corpus in FakeAVCeleb's layout."""
    out: list[Clip] = []
    for k, (split, people) in enumerate(list(pools(settings).items())[:3]):
        ring, n_real = ring_of(people), settings.real[k]

        def shot(i: int, ring=ring, n_real=n_real) -> Shot:
            i %= n_real
            return Shot("puppet-favc", ring[i % len(ring)], i // len(ring))

        def first(person: int) -> Shot:
            return Shot("puppet-favc", person, 0)

        for i in range(n_real):
            out.append(_favc_clip(shot(i), "A", "real", split))
        for i in range(settings.fake[k]):
            target = shot(i)
            near = ring[(ring.index(target.person) + 1) % len(ring)]
            lap = i // len(ring)
            face, voice = alike(ring, target.person, lap), alike(ring, target.person, lap + 1)
            out.append(_favc_clip(target, "C", "faceswap", split, ("faceswap",), face=first(near)))
            out.append(_favc_clip(target, "C", "wav2lip", split, ("wav2lip",), "donor", voice=first(voice)))
            out.append(_favc_clip(target, "C", "fsgan", split, ("fsgan",), face=first(face)))
        if split != "test":
            continue
        kinds = (("wav2lip",), ("fsgan", "wav2lip"), ("faceswap", "wav2lip"))
        families = families_beside(speech_engine(settings, "puppet-favc"))
        for i in range(settings.fake_audio):
            target = shot(i)
            face, voice = first(alike(ring, target.person, i)), first(alike(ring, target.person, i + 1))
            sound, other = (families[(i + k) % len(families)] for k in (0, 2))
            heard = voice if AUDIO_FAMILIES[sound].words == "donor" else None
            out.append(_favc_clip(target, "B", "rtvc", split, (), sound, voice=heard))
            kind = kinds[i % 3]
            donor = face if len(kind) > 1 else None
            out.append(_favc_clip(target, "D", "-".join(kind), split, kind, other, donor, voice))
    seen: dict[str, Clip] = {}
    for clip in out:  # a small corpus can ask for the same forgery twice
        seen.setdefault(clip.path, clip)
    return list(seen.values())


def _favc_clip(
    shot: Shot,
    category: str,
    method: str,
    split: str,
    video: tuple[str, ...] = (),
    audio: str = "own",
    face: Shot | None = None,
    voice: Shot | None = None,
) -> Clip:
    identity = make_identity(shot.person)
    number = _clip_number(shot.person, shot.number)
    face_id = make_identity(face.person).name if face else ""
    voice_id = make_identity(voice.person).name if voice else ""
    stem, targets = number, ("-", "-")
    if category == "B":
        stem, targets = f"{number}_fake", ("fake.mp4", "-")
    elif category != "A":
        if face:
            swap = "_faceswap" if "faceswap" in video else ""
            stem += f"_{face_id}_{video_id(face.person)}{swap}"
            targets = (face_id, voice_id or video_id(face.person).split("_")[0] or "-")
        if "wav2lip" in video:
            stem += f"_{voice_id}_wavtolip"
            targets = targets if face else (voice_id, "-")
    folder = f"{TYPES[category]}/{identity.race}/{identity.gender}/{identity.name}"
    row = [identity.name, *targets, method, category, TYPES[category], identity.race, identity.gender]
    row += [f"{stem}.mp4", f"FakeAVCeleb/{folder}", audio if audio in AUDIO_FAMILIES else ""]
    path = f"FakeAVCeleb_v1.2/{folder}/{stem}.mp4"
    return Clip(
        "puppet-favc", path, shot, method, video, audio, face, voice, split_hint=split, extra={"row": row}
    )


def subject(identity: Identity) -> str:
    """Return a five-character name in VidTIMIT's format: gender, three letters, a digit."""
    rng = np.random.default_rng(np.random.SeedSequence([617, identity.seed]))
    letters = "".join("bcdfghjklmnprstvw"[i] for i in rng.integers(0, 17, 3))
    return f"{'m' if identity.gender == 'men' else 'f'}{letters}{identity.seed % 10}"


def sentence(shot: Shot) -> str:
    """Return the name of a sentence in TIMIT's format, such as "sa1" or "sx37"."""
    if shot.number < 2:
        return f"sa{shot.number + 1}"
    kind = "si" if shot.number % 3 else "sx"
    return f"{kind}{37 * (shot.person % 50) + 11 * shot.number}"


def timit(settings: CorpusSettings) -> list[Clip]:
    """Return the plan of the corpus in DeepfakeTIMIT's and VidTIMIT's layout."""
    people, out = pools(settings)["timit"], []
    for i in range(settings.timit):
        person = people[i % len(people)]
        shot = Shot("puppet-timit", person, i // len(people))
        donor = Shot("puppet-timit", alike(people, person, 0), 0)
        me, other = subject(make_identity(person)), subject(make_identity(donor.person))
        what = sentence(shot)
        out.append(
            Clip("puppet-timit", f"VidTIMIT/{me}/video/{what}", shot, split_hint="external",
                 extra={"wav": f"VidTIMIT/{me}/audio/{what}.wav"})
        )  # fmt: skip
        for folder, quality in (("higher_quality", "hq"), ("lower_quality", "lq")):
            stem = f"DeepfakeTIMIT/{folder}/{me}/{what}-video-{other}"
            out.append(
                Clip("puppet-timit", f"{stem}.avi", shot, "gan-swap", (f"gan-swap-{quality}",), "own", donor,
                     quality=quality, split_hint="external", extra={"wav": f"{stem}.wav"})
            )  # fmt: skip
    return out


def dfdm(settings: CorpusSettings) -> list[Clip]:
    """Return the plan of the corpus in DFDM's layout."""
    people, out = pools(settings)["dfdm"], []
    short = {person: f"id{i}" for i, person in enumerate(people)}
    shots = [
        Shot("puppet-dfdm", people[i % len(people)], i // len(people)) for i in range(settings.dfdm_real)
    ]
    for shot in shots:
        path = f"Celeb-DF-v2/Celeb-real/{short[shot.person]}_{shot.number:04d}.mp4"
        out.append(Clip("puppet-dfdm", path, shot, audio="none", split_hint="external"))
    for i in range(settings.dfdm_fake):
        for j, (generator, tag) in enumerate(DFDM_TAGS.items()):
            shot = shots[(i + 2 * j) % len(shots)]
            donor = Shot("puppet-dfdm", alike(people, shot.person, i), 0)
            name = f"{short[shot.person]}_{short[donor.person]}_{shot.number:04d}_{tag}.mp4"
            for crf in (0, 10, 23):
                out.append(
                    Clip("puppet-dfdm", f"DFDM_crf{crf}/{name}", shot, generator, (generator,), "none", donor,
                         quality=f"crf{crf}", split_hint="external", extra={"crf": crf})
                )  # fmt: skip
    return list({clip.path: clip for clip in out}.values())


def lav(settings: CorpusSettings) -> list[Clip]:
    """Return the plan of the corpus in LAV-DF's layout."""
    people = ring_of(pools(settings)["test"])
    families = families_beside(speech_engine(settings, "puppet-lav"))
    kinds = (("real", ()), ("lav-video", ("wav2lip",)), ("lav-audio", ()), ("lav-both", ("wav2lip",)))
    draw = np.random.default_rng(np.random.SeedSequence([619, settings.seed]))
    numbers = iter(draw.permutation(10 * 4 * max(settings.lav, 1)).tolist())
    out = []
    for i in range(settings.lav):
        shot = Shot("puppet-lav", people[i % len(people)], i // len(people))
        voice = Shot("puppet-lav", alike(people, shot.person, i), 50 + i)
        original = None
        sounds = {"lav-audio": families[i % len(families)], "lav-both": families[(i + 2) % len(families)]}
        for generator, video in kinds:
            name = f"test/{next(numbers):06d}.mp4"
            extra = {"file": name, "original": original}
            original = original or name
            donor = voice if generator != "real" else None
            out.append(
                Clip("puppet-lav", f"LAV-DF/{name}", shot, generator, video, sounds.get(generator, "own"), None, donor,
                     local=generator != "real", split_hint="external", extra=extra)
            )  # fmt: skip
    return out
