"""AMDD: attribution-guided multimodal deepfake detection (arXiv 2604.26453), reproduced.

The names in ``__init__.pyi`` are the public face, and each is imported when it is first used::

    import amdd

    profile = amdd.load_profile("demo")
    manifest = amdd.scan("fakeavceleb", "/data")

The order of the rooms is the import contract in ``pyproject.toml``.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
