"""One tiny pipeline for all tests: TensorFlow is imported once, every component runs once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import b2brecs_runtime
from pipeline_support import GRAPH, Run


@pytest.fixture(scope="session")
def tf():
    return b2brecs_runtime.ensure_tensorflow()


def make(folder: Path, **sizes: int) -> Run:
    import make_run

    defaults = {"rows": 4000, "customers": 200, "products": 90}
    return Run(str(folder), make_run.write(str(folder), **{**defaults, **sizes}))


@pytest.fixture
def fresh(tmp_path: Path) -> Run:
    """A run folder with data, nothing run yet."""
    return make(tmp_path / "run")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run folder whose six tasks have run. Tests MUST NOT write into it."""
    run = make(tmp_path_factory.mktemp("finished") / "run")
    for task in GRAPH:
        run.do(task)
    return run
