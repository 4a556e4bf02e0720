"""Who says what, who is forged with whom: the built-in corpora as a list of jobs, before anything is rendered.

A :class:`Take` is one recording of one person. Each forgery names its target take and its donor. Everything
follows from ``CorpusSettings.seed``; nothing depends on the order in which jobs run.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field

import numpy as np

from amdd.profiles import CorpusSettings
from amdd.puppets.people import Identity, make_identity

CORPORA = ("puppet-favc", "puppet-timit", "puppet-dfdm", "puppet-lav")
FIRST = {"puppet-favc": 0, "puppet-timit": 100_000, "puppet-dfdm": 200_000, "puppet-lav": 300_000}
SUBJECTS = ["fadg0", "faks0", "fcft0", "fcmh0", "fcmr0", "fcrh0", "fdac1", "fdms0", "fdrd1", "fedw0", "felc0", "fgjd0", "fjas0", "fjem0", "fjre0", "fjwb0", "fkms0", "fpkt0", "fram1", "mabw0", "mbdg0", "mbjk0", "mccs0", "mcem0", "mdab0", "mdbb0", "mdld0", "mgwt0", "mjar0", "mjsw0", "mmdb1", "mmdm2", "mpdf0", "mpgl0", "mrcz0", "mreb0", "mrgg0", "mrjo0", "msjs1", "mstk0", "mtas1", "mtmr0", "mwbt0"]  # fmt: skip
DFDM_TAGS = {
    "dfdm-faceswap": "1original",
    "dfdm-lightweight": "2lightweight",
    "dfdm-iae": "3iae",
    "dfdm-dfaker": "4dfaker",
    "dfdm-dflh128": "5dfl-h128",
}
CRFS = (0, 10, 23)


@dataclass(frozen=True)
class Output:
    """One file to write. ``forger`` is "" for a real; ``audio`` is "own", "none", "converted" or "vocoded"."""

    path: str
    generator: str
    forger: str = ""
    donor: int | None = None  # seed of the person whose face or voice is taken
    audio: str = "own"
    wav: str = ""
    crf: int | None = None
    frames_folder: bool = False
    segment: bool = False  # forge a short piece only (LAV-DF)
    row: dict = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Take:
    """One recording: person, number, and what becomes of it."""

    corpus: str
    person: int
    number: int
    pool: str
    camera: str
    outputs: tuple[Output, ...]


def _code(rng: np.random.Generator) -> str:
    """Eleven characters that look like a video site's id, underscores and hyphens included."""
    return "".join(rng.choice(list(string.ascii_letters + string.digits + "_-"), 11))


def _donor(person: Identity, pool: list[Identity], rng: np.random.Generator) -> Identity:
    """Someone else of the same pool, alike in gender and skin, as forgers choose."""
    others = [p for p in pool if p.seed != person.seed]
    alike = sorted(others, key=lambda p: (p.gender != person.gender, abs(p.skin - person.skin)))
    return alike[int(rng.integers(0, min(3, len(alike))))]


def plan_favc(settings: CorpusSettings) -> list[Take]:
    """FakeAVCeleb's four categories; three pools of people who never meet."""
    takes: list[Take] = []
    start = FIRST["puppet-favc"]
    root = "FakeAVCeleb_v1.2"
    for split, n_people, n_real, n_fake in zip(
        ("train", "val", "test"), settings.identities, settings.real, settings.fake
    ):
        rng = np.random.default_rng([settings.seed, 11, ("train", "val", "test").index(split)])
        pool = [make_identity(start + i) for i in range(n_people)]
        start += n_people
        outputs: list[list[Output]] = []
        for j in range(n_real):
            person = pool[j % n_people]
            outputs.append([_favc_output(root, person, j // n_people + 1, "A", "real", None, rng)])
        for g, forger in enumerate(("faceswap", "wav2lip", "fsgan")):
            order = rng.permutation(n_real)
            for j in range(n_fake):
                k = int(order[j % n_real])
                person = pool[k % n_people]
                donor = _donor(person, pool, rng)
                outputs[k].append(_favc_output(root, person, k // n_people + 1, "C", forger, donor, rng))
            del g
        if split == "test":
            for j in range(settings.fake_audio):
                k = int(rng.integers(0, n_real))
                person = pool[k % n_people]
                kind = ("wav2lip", "fsgan-wav2lip", "faceswap-wav2lip")[j % 3]
                outputs[k].append(
                    _favc_output(root, person, k // n_people + 1, "B", "rtvc", _donor(person, pool, rng), rng)
                )
                k = int(rng.integers(0, n_real))
                person = pool[k % n_people]
                outputs[k].append(
                    _favc_output(root, person, k // n_people + 1, "D", kind, _donor(person, pool, rng), rng)
                )
        for j, files in enumerate(outputs):
            unique = tuple({o.path: o for o in files}.values())
            takes.append(
                Take("puppet-favc", pool[j % n_people].seed, j // n_people + 1, split, "studio", unique)
            )
    return takes


def _favc_output(root, person, number, category, method, donor, rng) -> Output:
    kind = {
        "A": "RealVideo-RealAudio",
        "B": "RealVideo-FakeAudio",
        "C": "FakeVideo-RealAudio",
        "D": "FakeVideo-FakeAudio",
    }[category]
    clip, code = f"{number:05d}", _code(rng)
    other = donor.name if donor else "-"
    name = {
        "real": f"{clip}.mp4",
        "rtvc": f"{clip}_fake.mp4",
        "wav2lip": f"{clip}_{other}_wavtolip.mp4",
        "fsgan": f"{clip}_{other}_{code}.mp4",
        "faceswap": f"{clip}_{other}_{code}_faceswap.mp4",
        "fsgan-wav2lip": f"{clip}_{other}_{code}_{other}_wavtolip.mp4",
        "faceswap-wav2lip": f"{clip}_{other}_{code}_faceswap_{other}_wavtolip.mp4",
    }[method]
    folder = f"{kind}/{person.race}/{person.gender}/{person.name}"
    row = {
        "source": person.name,
        "target1": "-" if method in ("real", "rtvc") else other,
        "target2": other if category == "D" and method != "wav2lip" else "-",
        "method": method,
        "category": category,
        "type": kind,
        "race": person.race,
        "gender": person.gender,
        "path": name,
        "": f"FakeAVCeleb/{folder}",
    }
    forger = {"real": "", "rtvc": ""}.get(method, method)
    audio = "own" if category in "AC" else "converted"
    return Output(f"{root}/{folder}/{name}", method, forger, donor.seed if donor else None, audio, row=row)


def plan_timit(settings: CorpusSettings) -> list[Take]:
    """DeepfakeTIMIT and VidTIMIT: another camera, sound beside the picture, swaps at two qualities."""
    takes: list[Take] = []
    rng = np.random.default_rng([settings.seed, 12])
    n_people = max(2, min(len(SUBJECTS), settings.timit // 2))
    women = [s for s in SUBJECTS if s[0] == "f"]
    men = [s for s in SUBJECTS if s[0] == "m"]
    people, names = [], {}
    seed = FIRST["puppet-timit"]
    while len(people) < n_people:
        person = make_identity(seed)
        seed += 1
        free = women if person.gender == "women" else men
        if free and len(people) < n_people:
            names[person.seed] = free.pop(0)
            people.append(person)
    sentences = ["sa1", "sa2", *[f"s{kind}{n}" for n in range(400, 1200, 37) for kind in "ix"]]
    for j in range(settings.timit):
        person, number = people[j % n_people], j // n_people + 1
        subject, sentence = names[person.seed], sentences[number - 1]
        donor = _donor(person, people, rng)
        base = f"DeepfakeTIMIT/{{}}/{subject}/{sentence}-video-{names[donor.seed]}"
        reals = Output(
            f"VidTIMIT/{subject}/video/{sentence}",
            "real",
            wav=f"VidTIMIT/{subject}/audio/{sentence}.wav",
            frames_folder=True,
        )
        fakes = [
            Output(base.format(f"{word}_quality") + ".avi", "gan-swap", f"gan-swap-{short}", donor.seed, "none", wav=base.format(f"{word}_quality") + ".wav")
            for word, short in (("higher", "hq"), ("lower", "lq"))
        ]  # fmt: skip
        takes.append(Take("puppet-timit", person.seed, number, "test", "timit", (reals, *fakes)))
    return takes


def plan_dfdm(settings: CorpusSettings) -> list[Take]:
    """DFDM: five unseen autoencoders, three compressions, no sound; reals as Celeb-DF v2 keeps them."""
    rng = np.random.default_rng([settings.seed, 13])
    n_people = max(2, min(59, settings.dfdm_real))
    people = [make_identity(FIRST["puppet-dfdm"] + i) for i in range(n_people)]
    label = {p.seed: f"id{i}" for i, p in enumerate(people)}
    outputs: dict[tuple[int, int], list[Output]] = {}
    for j in range(settings.dfdm_real):
        person, number = people[j % n_people], j // n_people
        outputs[(person.seed, number)] = [
            Output(f"Celeb-DF-v2/Celeb-real/{label[person.seed]}_{number:04d}.mp4", "real", audio="none")
        ]
    keys = list(outputs)
    for g, (forger, tag) in enumerate(DFDM_TAGS.items()):
        for j in range(settings.dfdm_fake):
            key = keys[(g * settings.dfdm_fake + j) % len(keys)]
            donor = _donor(make_identity(key[0]), people, rng)
            name = f"{label[key[0]]}_{label[donor.seed]}_{key[1]:04d}_{tag}.mp4"
            outputs[key] += [
                Output(f"DFDM_crf{c}/{name}", forger, forger, donor.seed, "none", crf=c) for c in CRFS
            ]
    return [
        Take("puppet-dfdm", person, number, "test", "studio", tuple({o.path: o for o in files}.values()))
        for (person, number), files in outputs.items()
    ]


def plan_lav(settings: CorpusSettings) -> list[Take]:
    """LAV-DF: short forged pieces, in the picture, in the sound or in both."""
    rng = np.random.default_rng([settings.seed, 14])
    n_people = max(2, min(40, settings.lav))
    people = [make_identity(FIRST["puppet-lav"] + i) for i in range(n_people)]
    takes, number = [], 0
    for k, kind in enumerate(("real", "lav-video", "lav-audio", "lav-both")):
        for j in range(settings.lav):
            person = people[(j + 3 * k) % n_people]
            donor = _donor(person, people, rng)
            number += 1
            output = Output(
                f"LAV-DF/test/{number:06d}.mp4",
                kind,
                "wav2lip" if kind in ("lav-video", "lav-both") else "",
                None if kind == "real" else donor.seed,
                "converted" if kind in ("lav-audio", "lav-both") else "own",
                segment=kind != "real",
            )
            takes.append(Take("puppet-lav", person.seed, number, "test", "studio", (output,)))
    return takes


PLANS = {
    "puppet-favc": plan_favc,
    "puppet-timit": plan_timit,
    "puppet-dfdm": plan_dfdm,
    "puppet-lav": plan_lav,
}
