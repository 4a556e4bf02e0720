"""The plan of every built-in corpus by its name."""

from __future__ import annotations

from collections.abc import Callable

from amdd.profiles import CorpusSettings
from amdd.puppets.corpus import layouts, unseen
from amdd.puppets.corpus.layouts import Clip

MAKERS: dict[str, Callable[[CorpusSettings], list[Clip]]] = {
    "puppet-favc": layouts.favc,
    "puppet-timit": layouts.timit,
    "puppet-dfdm": layouts.dfdm,
    "puppet-lav": layouts.lav,
    unseen.NAME: unseen.unseen,
}
NAMES = tuple(MAKERS)


def plan(settings: CorpusSettings, only: tuple[str, ...] | None = None) -> dict[str, list[Clip]]:
    """Return every clip of the built-in corpora by corpus name; ``only`` limits it to some of them.

    Raises ``ValueError`` naming an unknown corpus.
    """
    unknown = set(only or ()) - set(MAKERS)
    if unknown:
        raise ValueError(
            f"no built-in corpus {', '.join(sorted(unknown))}; expected one of: {', '.join(NAMES)}"
        )
    wanted = [n for n in NAMES if n in (settings.train, *settings.external)]
    if settings.timit_supplement and "puppet-timit" not in wanted:
        wanted.append("puppet-timit")
    return {name: MAKERS[name](settings) for name in (only or wanted)}
