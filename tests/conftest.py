"""Shared fixtures; shapes in signatures are checked while the tests run."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic products on a GPU ask for
if not torch.cuda.is_available():  # the GPU's kernels run in Triton's interpreter; read when triton is imported
    os.environ.setdefault("TRITON_INTERPRET", "1")
# Every public signature's shapes are checked at each call. `kernels` stays out: compiled bodies live there.
install_import_hook(
    [f"sgl_rec.{room}" for room in ("graph", "views", "encoders", "losses", "evaluation", "baselines")],
    "beartype.beartype",
)
torch.use_deterministic_algorithms(True)
torch.set_num_threads(1)  # small tensors: threads that wait for each other cost more than they give


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not config.getoption("--run-slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --run-slow"))
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets, or a skip with the reason."""
    root = os.environ.get("SGL_REC_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("real data is absent: set SGL_REC_DATA to a folder of prepared data sets")
    return Path(root)


TINY = {"encoder": {"embedding_dim": 8}, "training": {"max_epochs": 2}}
"""Settings of the one small run that many tests look at."""


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the demo (two epochs, eight dimensions). Read it; copy it to damage it."""
    import sgl_rec

    folder = tmp_path_factory.mktemp("tiny") / "runs" / "demo"
    threads = torch.get_num_threads()
    sgl_rec.train("demo", method="lightgcn", settings=TINY, out=folder, threads=1)
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def run_copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the small run, to be damaged; it lies at ``runs/demo`` of ``tmp_path``."""
    return Path(shutil.copytree(tiny_run, tmp_path / "runs" / "demo"))


@pytest.fixture
def restored_state() -> Iterator[None]:
    """What a command changes for its whole process, put back: the logger and torch's threads."""
    logger, threads = logging.getLogger("sgl_rec"), torch.get_num_threads()
    before = (logger.level, logger.propagate, list(logger.handlers))
    yield
    logger.setLevel(before[0])
    logger.propagate, logger.handlers[:] = before[1:]
    torch.set_num_threads(threads)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch, restored_state: None) -> None:
    """The cells of a bench train in this process: what a process of its own adds is tested where it is made."""

    from sgl_rec.errors import UserError
    from sgl_rec.pipeline.bench.cell import Task, run_cell

    def run(task: Task) -> str | None:
        try:
            run_cell(task)
        except UserError as error:
            return str(error)
        return None

    monkeypatch.setattr("sgl_rec.pipeline.bench.processes.in_a_process", run)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 4 x 8 grey pictures of 8 x 8: a class is a bar in one place, under noise."""
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path_factory.mktemp("pictures")
    draw = torch.Generator().manual_seed(0)
    for place in range(4):
        (folder / f"bar-{place}").mkdir()
        for number in range(8):
            pixels = torch.randint(0, 90, (8, 8), generator=draw, dtype=torch.uint8)
            pixels[:, 2 * place : 2 * place + 2] += 120
            image.fromarray(pixels.numpy()).save(folder / f"bar-{place}" / f"{number}.png")
    return folder


PICTURES = {
    "data": {"size": 8, "num_channels": 1, "invert": False},
    "head": {"output_dim": 16, "hidden_dim": 16},
    "encoder": {"width": 4},
    "training": {"max_epochs": 2, "batch_size": 16},
}
"""Settings of pretraining on ``pictures`` that take moments."""


@pytest.fixture(scope="session")
def tiny_pretrain(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on ``pictures``. Read it; copy it to damage it."""
    pytest.importorskip("kornia")
    from sgl_rec.pipeline.pretrain.pretrain import pretrain

    threads = torch.get_num_threads()
    folder = pretrain("vision", pictures, settings=PICTURES, out=tmp_path_factory.mktemp("tiny") / "p", threads=1)
    torch.set_num_threads(threads)
    return folder.path
