"""The progress bar; under a real terminal it stands in ``test_train.py``."""

from __future__ import annotations

import io
import logging

import pytest
import torch
from rich.console import Console

from sgl_rec.cli import progress
from sgl_rec.cli.progress import REFRESH_STEPS, ProgressBar
from sgl_rec.types import Terms


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=160)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    return stream


def terms(loss: float) -> Terms:
    return Terms(torch.tensor(loss), {"ranking": torch.tensor(loss / 2)})


def test_it_shows_epoch_all_steps_terms_and_metric(screen: io.StringIO) -> None:
    with ProgressBar("ndcg@10") as bar:
        bar.on_start(epoch=1, max_epochs=7, num_steps=3)
        for step in range(1, 4):
            bar.on_step(epoch=1, step=step, terms=terms(0.5))
        bar.on_epoch({"epoch": 1, "loss": 0.5, "ndcg@10": 0.125, "ndcg@20": 0.25})
        for step in range(1, 4):
            bar.on_step(epoch=2, step=step, terms=terms(0.25))
    shown = screen.getvalue()
    for text in ("epoch 2/7", "6/21", "loss 0.2500 ranking 0.1250", "valid ndcg@10 0.1250"):
        assert text in shown


def test_a_resumed_fit_begins_where_it_stood(screen: io.StringIO) -> None:
    with ProgressBar("ndcg@20") as bar:
        bar.on_start(epoch=4, max_epochs=7, num_steps=3)
        bar.on_step(epoch=4, step=3, terms=terms(0.5))
    assert "12/21" in screen.getvalue()


def test_the_loss_is_read_back_seldom(screen: io.StringIO) -> None:
    class Loss(torch.Tensor):
        read = 0

        def item(self) -> float:
            Loss.read += 1
            return 0.5

    num_steps = 5 * REFRESH_STEPS + 1
    with ProgressBar("ndcg@20") as bar:
        bar.on_start(epoch=1, max_epochs=1, num_steps=num_steps)
        for step in range(1, num_steps + 1):
            bar.on_step(epoch=1, step=step, terms=Terms(torch.zeros(()).as_subclass(Loss), {}))
    assert Loss.read == 5 + 1


def test_log_lines_stand_above_the_bar_and_the_handler_is_given_back(
    screen: io.StringIO, restored_state: None
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log = logging.getLogger("sgl_rec")
    log.addHandler(handler)
    with ProgressBar("ndcg@20"):
        log.warning("a [bold]line[/bold] 17%")
    log.warning("after")
    assert "a [bold]line[/bold] 17%\n" in screen.getvalue()
    assert stream.getvalue() == "after\n"
