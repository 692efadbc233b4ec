"""The line an epoch, on stderr and in ``log.txt``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.observers import EpochLog, epoch_line, log_file
from sgl_rec.pipeline.train import train
from sgl_rec.types import Terms

ROW = {
    "epoch": 2,
    "seconds": 1.0,
    "seconds_validation": 0.5,
    "loss": 0.5,
    "ranking": 0.25,
    "ndcg@10": 0.1,
    "ndcg@20": 0.2,
}


def test_a_line_has_terms_metric_and_all_seconds() -> None:
    expected = "search epoch 2: loss 0.5000, ranking 0.2500, valid ndcg@20 0.2000, 1.5 s"
    assert epoch_line(ROW, stage="search", metric="ndcg@20") == expected


def test_an_epoch_that_was_not_validated_has_no_metric() -> None:
    assert epoch_line({"epoch": 1, "seconds": 1.0, "loss": 0.5}, stage="refit", metric="ndcg@20") == (
        "refit epoch 1: loss 0.5000, 1.0 s"
    )


def test_the_log_has_a_line_an_epoch_whatever_the_level(tmp_path: Path, restored_state: None) -> None:
    log = logging.getLogger("sgl_rec")
    for level in (logging.NOTSET, logging.DEBUG, logging.ERROR):
        log.setLevel(level)
        with log_file(tmp_path / "log.txt"):
            log.debug("a detail")
            log.info("a step")
        log.info("outside")
        assert log.level == level
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["INFO a step"] * 3


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    def open_it() -> None:
        with log_file(tmp_path / "absent" / "log.txt"):
            pass

    with pytest.raises(UserError, match=r"log\.txt: cannot be written"):
        open_it()


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_start(self, *, epoch: int, max_epochs: int, num_steps: int) -> None:
        self.heard.append((epoch, max_epochs, num_steps))

    def on_step(self, *, epoch: int, step: int, terms: Terms) -> None:
        self.heard.append((epoch, step, terms))

    def on_epoch(self, row: Mapping[str, float]) -> None:
        self.heard.append(row)


def test_somebody_elses_observer_hears_all(caplog: pytest.LogCaptureFixture) -> None:
    listener, terms = Listener(), Terms(torch.tensor(0.5))
    with caplog.at_level(logging.INFO, "sgl_rec"):
        for other in (listener, None):
            both = EpochLog(other, stage="search", metric="ndcg@20")
            both.on_start(epoch=1, max_epochs=9, num_steps=3)
            both.on_step(epoch=1, step=2, terms=terms)
            both.on_epoch(ROW)
    assert listener.heard == [(1, 9, 3), (1, 2, terms), ROW]
    assert [record.getMessage()[:15] for record in caplog.records] == ["search epoch 2:"] * 2


def test_a_log_that_cannot_be_written_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with caplog.at_level("INFO", "sgl_rec"), log_file(Path("/dev/full")):
        logging.getLogger("sgl_rec").info("one")
        logging.getLogger("sgl_rec").info("two")
    assert sum(record.message.count("cannot be written") for record in caplog.records) == 1
    assert len(caplog.records) == 3
    assert "No space left" in caplog.text


@pytest.mark.parametrize(("uniformity", "collapses"), [(0.0, True), (0.3, False)])
def test_a_run_that_collapses_is_warned_of_within_three_epochs(
    uniformity: float, collapses: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture, restored_state: None
) -> None:
    """Alignment alone is best where all embeddings are one; beside uniformity it is not."""
    settings = {
        "loss": {"uniformity": {"weight": uniformity}},
        "training": {"max_epochs": 3, "backend": "torch"},
    }
    with caplog.at_level(logging.WARNING, "sgl_rec"):
        run = train("demo", method="directau", settings=settings, out=tmp_path / "run", threads=1)
    assert ("collapse: " in caplog.text) == collapses
    assert {"monitor.alignment", "monitor.user_rank", "monitor.item_uniformity"} <= set(run.history.columns)
