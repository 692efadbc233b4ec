"""The training loop: a step a batch, a validation and a checkpoint an epoch."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.training.adam import Adam
from sgl_rec.training.checkpoint import Checkpoint, load_module
from sgl_rec.training.cuda_graph import CapturedStep, CudaRecorder, TrainingStep
from sgl_rec.training.interrupt import Interrupted, StopRequest
from sgl_rec.training.learner import Learner
from sgl_rec.training.stopping import EarlyStopping
from sgl_rec.types import Embeddings, Terms


class EpochSource(Protocol):
    """One epoch's batches by step."""

    def batch(self, step: int) -> Any: ...


class BatchSource(Protocol):
    """The batches of every epoch."""

    @property
    def num_steps(self) -> int: ...

    def epoch(self, number: int) -> EpochSource: ...


class Observer(Protocol):
    """Who watches the loop: a progress bar, a log. Epochs and steps are counted from 1."""

    def on_start(self, *, epoch: int, max_epochs: int, num_steps: int) -> None:
        """A fit begins or goes on with ``epoch``."""
        ...

    def on_step(self, *, epoch: int, step: int, terms: Terms) -> None:
        """A step is done; reading its terms waits for the device."""
        ...

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """An epoch is done: its row of the history."""
        ...


class Nobody:
    """The observer that does nothing."""

    def on_start(self, *, epoch: int, max_epochs: int, num_steps: int) -> None:
        pass

    def on_step(self, *, epoch: int, step: int, terms: Terms) -> None:
        pass

    def on_epoch(self, row: Mapping[str, float]) -> None:
        pass


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves: the parameters and final embeddings of the chosen epoch, and the way there.

    Args:
        epoch: the chosen epoch, counted from 1.
        history: one row an epoch: ``epoch``, ``seconds``, ``seconds_validation``, each term, each metric.
    """

    parameters: dict[str, Tensor]
    embeddings: Embeddings
    epoch: int
    history: list[dict[str, float]]

    @property
    def scorer(self) -> Embeddings:
        """What is measured: on the CPU, as from the run folder."""
        return self.embeddings.to("cpu")


_KINDS: dict[str, Any] = {
    "epoch": int,
    "step": int,
    "seconds": (int, float),
    "history": list,
    "finished": bool,
    "best_epoch": (int, type(None)),
    "sums": list,
    "stopping": dict,
}
"""What a checkpoint's values are."""


@dataclass(frozen=True)
class _Best:
    """The encoder as of the chosen epoch."""

    parameters: dict[str, Tensor]
    epoch: int


@dataclass
class _State:
    """Where the loop stands; all of it goes into the checkpoint."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    sums: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    best: _Best | None = None
    finished: bool = False


class Trainer:
    """Fit a learner.

    Everything random is drawn by what is handed in, from streams named by epoch and step, so a checkpoint needs
    no generator's state and a resume may begin within an epoch.

    Args:
        learner: what is trained (``training.learner``).
        batches: what it learns from, by epoch and step.
        validate: what the learner embeds -> metrics; None trains for ``max_epochs`` and keeps the last one.
        monitor: the same -> figures for the history that nothing is chosen by, where ``validate`` is asked;
            without it every epoch.
        stopping: with ``validate``, when to stop; ``metric`` names what it looks at.
        checkpoint: file to write after every epoch and to resume from; None keeps nothing.
        stop: asked before every step.
        schedule: (step, counted over all epochs) -> its learning rate, in the place of one for all; not for a
            recorded step.
        cuda_graph: on a GPU, record the step and replay it (``training.cuda_graph``); nothing elsewhere.
    """

    def __init__(
        self,
        learner: Learner,
        *,
        batches: BatchSource,
        learning_rate: float,
        max_epochs: int,
        validate: Callable[[Any], Mapping[str, float]] | None = None,
        validate_every: int = 1,
        monitor: Callable[[Any], Mapping[str, float]] | None = None,
        metric: str = "ndcg@20",
        stopping: EarlyStopping | None = None,
        checkpoint: Path | None = None,
        observer: Observer | None = None,
        stop: StopRequest | None = None,
        schedule: Callable[[int], float] | None = None,
        cuda_graph: bool = False,
    ) -> None:
        self.learner, self.encoder, self.objective = learner, learner.encoder, learner.objective
        self.batches, self.validate, self.validate_every = batches, validate, validate_every
        self.monitor = monitor
        self.metric, self.max_epochs, self.checkpoint = metric, max_epochs, checkpoint
        self.stopping = stopping or EarlyStopping(patience=max_epochs, floor=-math.inf, warmup=0)
        self.observer, self.stop = observer or Nobody(), stop or StopRequest()
        modules = (self.encoder, self.objective)
        parameters = [one for module in modules for one in module.parameters() if one.requires_grad]
        self.optimizer, self.schedule = Adam(parameters, learning_rate=learning_rate), schedule
        device = next(self.encoder.parameters()).device
        self._step: TrainingStep = self.step
        if cuda_graph and device.type == "cuda":
            self._step = CapturedStep(self.step, recorder=CudaRecorder(device))
        self.state = _State()
        if checkpoint is not None and checkpoint.is_file():
            self._restore(checkpoint)

    def fit(self) -> Fitted:
        """Run until the stopping rule or ``max_epochs``.

        Raises: Interrupted after saving, when ``stop`` was requested; UserError when the loss is not finite.
        """
        state = self.state
        if not state.finished:
            start = {"epoch": state.epoch + 1, "max_epochs": self.max_epochs, "num_steps": self.batches.num_steps}
            self.observer.on_start(**start)
        while not state.finished:
            self._run_epoch()
            enough = self.validate is not None and self.stopping.should_stop
            state.finished = enough or state.epoch >= self.max_epochs
            self._save()
        assert state.best is not None, "the last epoch is always validated"
        self.encoder.load_state_dict(state.best.parameters)
        return Fitted(state.best.parameters, self.learner.embed(), state.best.epoch, state.history)

    def _run_epoch(self) -> None:
        state, begin = self.state, time.perf_counter()
        epoch = self.batches.epoch(state.epoch)
        if state.step == 0:
            self.learner.on_epoch()
        while state.step < self.batches.num_steps:
            if self.stop.requested:
                state.seconds += time.perf_counter() - begin
                self._save()
                raise Interrupted
            if self.schedule is not None:
                self.optimizer.learning_rate = self.schedule(state.epoch * self.batches.num_steps + state.step)
            views = self.learner.draw_views(state.epoch, state.step)
            terms = self._step(epoch.batch(state.step), views)
            self.learner.after_step()  # not in the step, which a GPU may replay without Python
            self._add(terms)
            state.step += 1
            self.observer.on_step(epoch=state.epoch + 1, step=state.step, terms=terms)
        row = self._close_epoch(begin)
        state.history.append(row)
        self.observer.on_epoch(row)

    def step(self, batch: Any, views: tuple[Any, ...]) -> Terms:
        """One batch: compute the terms, step the optimiser; no ``after_step``."""
        self.optimizer.zero_grad()
        terms = self.learner.backward(batch, views)
        self.optimizer.step()
        return terms

    def _add(self, terms: Terms) -> None:
        """Sum each term in float64 where it lies: nothing is read back before the epoch ends."""
        for name, value in {"loss": terms.total.detach(), **terms.values}.items():
            sums = self.state.sums
            sums[name] = sums[name] + value if name in sums else value.double()

    def _close_epoch(self, begin: float) -> dict[str, float]:
        state = self.state
        means = {name: value.item() / self.batches.num_steps for name, value in state.sums.items()}
        if not math.isfinite(means["loss"]):
            raise UserError(
                f"training: loss must be finite, got {means['loss']} in epoch {state.epoch + 1}; "
                "lower training.learning_rate or raise the temperature"
            )
        seconds = state.seconds + time.perf_counter() - begin  # the means have waited for the device
        state.epoch, state.step, state.seconds, state.sums = state.epoch + 1, 0, 0.0, {}
        begin = time.perf_counter()
        metrics = self._validate()
        spent = time.perf_counter() - begin
        return {"epoch": state.epoch, "seconds": seconds, "seconds_validation": spent, **means, **metrics}

    def _validate(self) -> Mapping[str, float]:
        state = self.state
        last = state.epoch >= self.max_epochs
        if self.validate is None:
            if last:
                self._keep()
            return {} if self.monitor is None else self.monitor(self.learner.embed())
        if not last and state.epoch % self.validate_every:
            return {}
        embeddings = self.learner.embed()
        metrics = self.validate(embeddings)
        if self.stopping.update(metrics[self.metric], state.epoch):
            self._keep()
        return metrics if self.monitor is None else {**self.monitor(embeddings), **metrics}

    def _keep(self) -> None:
        self.state.best = _Best(copy.deepcopy(self.encoder.state_dict()), self.state.epoch)

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        state, saved = self.state, Checkpoint()
        saved.put("encoder", self.encoder.state_dict())
        saved.put("objective", self.objective.state_dict())
        saved.put("optimizer", self.optimizer.state_dict())
        saved.put("sums", state.sums)
        if state.best is not None:
            saved.put("best.parameters", state.best.parameters)
        saved.values = {
            "epoch": state.epoch,
            "step": state.step,
            "seconds": state.seconds,
            "history": state.history,
            "finished": state.finished,
            "sums": list(state.sums),
            "best_epoch": state.best.epoch if state.best else None,
            "stopping": self.stopping.state_dict(),
        }
        saved.save(self.checkpoint)

    def _restore(self, path: Path) -> None:
        saved, state = Checkpoint.load(path), self.state
        device = next(self.encoder.parameters()).device
        load_module(self.encoder, saved.group("encoder"), where=path)
        load_module(self.objective, saved.group("objective"), where=path)
        try:
            for name, kind in _KINDS.items():
                if not isinstance(saved.values[name], kind):
                    raise TypeError(f"{name} of its type")
            self.optimizer.load_state_dict(saved.group("optimizer"))
            state.epoch, state.step = saved.values["epoch"], saved.values["step"]
            state.seconds, state.history = saved.values["seconds"], saved.values["history"]
            state.finished = saved.values["finished"]
            self.stopping.load_state_dict(saved.values["stopping"])
            if saved.values["best_epoch"] is not None:
                own = self.encoder.state_dict()
                parameters = {name: _like(saved.group("best.parameters")[name], own[name]) for name in own}
                state.best = _Best(parameters, saved.values["best_epoch"])
            sums, total = saved.group("sums"), torch.zeros((), dtype=torch.float64, device=device)
            state.sums = {name: _like(sums[name], total) for name in saved.values["sums"]}
        except (KeyError, TypeError) as error:
            raise UserError(f"{path}: must be a whole checkpoint, got none of {error}; train again") from error


def _like(found: Tensor, own: Tensor) -> Tensor:
    """A tensor of a checkpoint, where its like lies. Raises: KeyError for one of another shape or type."""
    if (found.shape, found.dtype) != (own.shape, own.dtype):
        raise KeyError(f"a tensor of shape {tuple(own.shape)} and type {own.dtype}")
    return found.to(own.device)
