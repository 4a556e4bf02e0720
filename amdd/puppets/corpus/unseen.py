"""Plan of ``puppet-unseen``: generators that no training clip comes from, in the training corpus's own studio.

Every other external corpus differs in its studio as well, so what a detector loses there is not the generator's alone.
Here people, speech, camera and encoding are drawn as for ``puppet-favc``; reals, fakes of its generators and fakes of
others differ by the generator only. Layout: ``clips.csv`` with ``real/<id>_<n>.mp4`` and ``<generator>/...``, as one's own
clips are read (:mod:`amdd.corpora.folder`).
"""

from __future__ import annotations

from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.casting import pools
from amdd.puppets.corpus.layouts import DFDM_TAGS, Clip, Shot, alike, ring_of
from amdd.puppets.person.people import make_identity

NAME = "puppet-unseen"
KNOWN = ("faceswap", "fsgan", "wav2lip")  # the training corpus's
UNSEEN = (*DFDM_TAGS, "gan-swap")


def unseen(settings: CorpusSettings) -> list[Clip]:
    """Return the plan: the test people's reals, fakes of the training corpus's generators and of :data:`UNSEEN`."""
    ring = ring_of(pools(settings)["test"])
    n_real = settings.real[2]

    def shot(i: int) -> Shot:
        i %= n_real
        return Shot(NAME, ring[i % len(ring)], i // len(ring))

    out = [_clip(shot(i), "real") for i in range(n_real)]
    for i in range(settings.fake[2]):
        target = shot(i)
        near, lap = ring[(ring.index(target.person) + 1) % len(ring)], i // len(ring)
        face, voice = alike(ring, target.person, lap), alike(ring, target.person, lap + 1)
        out.append(_clip(target, "faceswap", face=near))
        out.append(_clip(target, "wav2lip", voice=voice))
        out.append(_clip(target, "fsgan", face=face))
    for k, generator in enumerate(UNSEEN):
        for i in range(settings.unseen):
            target = shot(i + 7 * k)  # not the same recordings for every generator
            donor = alike(ring, target.person, i // len(ring) + k)
            network = generator if generator != "gan-swap" else f"gan-swap-{'lq' if i % 2 else 'hq'}"
            out.append(_clip(target, generator, face=donor, network=network))
    return list({clip.path: clip for clip in out}.values())


def _clip(shot: Shot, generator: str, face: int = 0, voice: int = 0, network: str = "") -> Clip:
    """Return one clip of the recording ``shot``; ``face`` or ``voice`` is the donor's seed, ``network`` the forger."""
    name, donor = make_identity(shot.person).name, face or voice
    stem = f"{name}_{shot.number:02d}" + (f"_{make_identity(donor).name}" if donor else "")
    path = f"{generator}/{stem}.mp4"
    return Clip(
        NAME,
        path,
        shot,
        generator,
        (network or generator,) if donor else (),
        "donor" if voice else "own",
        Shot(NAME, face, 0) if face else None,
        Shot(NAME, voice, 0) if voice else None,
        quality=network.rpartition("-")[2] if generator == "gan-swap" else "",
        split_hint="external",
    )
