"""Prepared clips changed as they are read: audio removed or exchanged, confounds added, frames corrupted."""

from amdd.data.variants.audio import with_foreign_audio, with_silence, without_audio
from amdd.data.variants.confounds import join, supplemented, with_leading_silence
from amdd.data.variants.corruptions import LEVELS, corrupt, corrupted
from amdd.data.variants.order import with_shuffled_frames
from amdd.data.variants.view import View, view

__all__ = [
    "LEVELS",
    "View",
    "corrupt",
    "corrupted",
    "join",
    "supplemented",
    "view",
    "with_foreign_audio",
    "with_leading_silence",
    "with_shuffled_frames",
    "with_silence",
    "without_audio",
]
