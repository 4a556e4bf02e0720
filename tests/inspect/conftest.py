"""A small network that separates two kinds of clips, for all tests of this folder."""

from __future__ import annotations

import contextlib
import io

import pytest
from support.filmed import trained

from amdd.inspect.weights import load_scorer


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder, the run, and its prepared corpus."""
    root = tmp_path_factory.mktemp("filmed")
    run, prepared = trained(root)
    return root, run, prepared


@pytest.fixture(scope="session")
def scorer(made):
    return load_scorer(made[1].folder)


@pytest.fixture(scope="session")
def exported(made, scorer):
    """The network as ONNX where ``--fast`` looks for it, and what the command printed."""
    pytest.importorskip("onnxruntime")
    from amdd.base.paths import build_root
    from amdd.commands.inspect import Export

    path = build_root() / "onnx" / f"{scorer.digest}.onnx"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert Export(weights=made[1].folder, out=path).do() == 0
    yield path, said.getvalue().strip()
    path.unlink()
