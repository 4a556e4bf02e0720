"""Former place of :mod:`amdd.data.prepare`, kept for those who import it from here."""

from amdd.data.prepare import Prepared, foretell, open_prepared, prepare

__all__ = ["Prepared", "foretell", "open_prepared", "prepare"]
