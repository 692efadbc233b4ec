"""A training step recorded once as a CUDA graph and replayed for every batch: one launch instead of hundreds.

A recorded step reads and writes fixed memory. A batch is therefore copied into the tensors it was recorded with,
and so are the keys of noise. The edges of a view are not: a view drawn anew has another number of them, and its
arrays would have to be padded to a common size, with every kernel told where to stop. The step is recorded again
instead. That costs a pass of Python through one step, once an epoch where views are drawn once an epoch.

What Python does in a step happens while it is recorded and not when it is replayed: the step must not read from
the device, count, or draw on the host.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from sgl_rec.errors import one_line
from sgl_rec.types import Batch, Graph, Noise, Terms

log = logging.getLogger("sgl_rec")

TrainingStep = Callable[[Batch, tuple[Graph, ...]], Terms]


class Recorder(Protocol):
    """Who records; in tests, somebody without a GPU."""

    def aside(self, call: Callable[[], Terms]) -> Terms:
        """Run once in the way that recording asks of warm-up."""
        ...

    def record(self, call: Callable[[], Terms]) -> tuple[Terms, Callable[[], None]]:
        """Record without running; what it will have computed, and the way to replay it."""
        ...


class CudaRecorder:
    """``torch.cuda.graph``, after steps on a stream beside the current one."""

    def __init__(self, device: torch.device) -> None:
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def aside(self, call: Callable[[], Terms]) -> Terms:
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            terms = call()
        current.wait_stream(self._stream)
        return terms

    def record(self, call: Callable[[], Terms]) -> tuple[Terms, Callable[[], None]]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            terms = call()
        return terms, graph.replay


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A step with the memory that it reads and writes."""

    batch: Batch
    views: tuple[Graph, ...]
    terms: Terms
    replay: Callable[[], None]

    def run(self, batch: Batch, views: tuple[Graph, ...]) -> Terms:
        for own, given in zip(_columns(self.batch), _columns(batch), strict=True):
            own.copy_(given)
        for own_view, view in zip(self.views, views, strict=True):
            if own_view.noise is not None and view.noise is not None:
                key: Any = own_view.noise.key
                key.fill_(_signed(view.noise.key))
        self.replay()
        # The next replay writes over its results.
        values = {name: value.clone() for name, value in self.terms.values.items()}
        return Terms(self.terms.total.detach().clone(), values)


class CapturedStep:
    """``step`` for a GPU: the first calls run as they are, the later ones replay a recording.

    A batch of another size (the last of an epoch) runs as it is, and the recording stays. Views over other edges
    are recorded anew, after ``warmup`` steps: it is in these that kernels are compiled and tables of a pattern
    made. All these steps are training steps like any other. A step that cannot be recorded runs as it is from
    then on, and the log says why.

    Args:
        step: (batch, views) -> terms: embeds, computes the loss, steps the optimiser. It finds its parameters,
            gradients and the optimiser's state where it left them.
        recorder: ``CudaRecorder`` of the device.
        warmup: steps before a recording, at least 1.

    Example:
        >>> from sgl_rec.types import Batch, Terms
        >>> class Loud:
        ...     def aside(self, call):
        ...         return call()
        ...     def record(self, call):
        ...         return call(), lambda: print("replayed")
        >>> step = CapturedStep(lambda batch, views: Terms(batch.user.sum()), recorder=Loud(), warmup=1)
        >>> batch = Batch(*[torch.tensor([1, 2])] * 3)
        >>> [int(step(batch, ()).total) for _ in range(2)]
        replayed
        [3, 3]
    """

    def __init__(self, step: TrainingStep, *, recorder: Recorder, warmup: int = 2) -> None:
        assert warmup >= 1
        self._step, self._recorder, self._warmup = step, recorder, warmup
        self._recorded: _Recorded | None = None
        self._size = 0
        self._views: tuple[Graph, ...] = ()
        self._left = warmup
        self._refused = False

    def __call__(self, batch: Batch, views: tuple[Graph, ...]) -> Terms:
        if self._refused:
            return self._step(batch, views)
        if len(batch.user) > self._size:  # a resumed run may begin with the short batch at an epoch's end
            self._size, self._recorded, self._left = len(batch.user), None, self._warmup
        if not _same_edges(views, self._views):
            self._recorded, self._left, self._views = None, self._warmup, views
        if len(batch.user) != self._size:
            return self._step(batch, views)
        if self._left:
            self._left -= 1
            return self._recorder.aside(lambda: self._step(batch, views))
        if self._recorded is None:
            self._recorded = self._record(batch, views)
        return self._step(batch, views) if self._recorded is None else self._recorded.run(batch, views)

    def _record(self, batch: Batch, views: tuple[Graph, ...]) -> _Recorded | None:
        own = Batch(*(column.clone() for column in _columns(batch)))
        own_views = tuple(_with_key_in_memory(view, batch.user.device) for view in views)
        try:
            terms, replay = self._recorder.record(lambda: self._step(own, own_views))
        except Exception as error:  # whatever it is, the step itself says so when it runs as it is
            self._refused = True
            log.warning("the training step cannot be recorded as a CUDA graph: %s", one_line(error))
            return None
        return _Recorded(own, own_views, terms, replay)


def _columns(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    return batch.user, batch.positive, batch.negative


def _same_edges(views: tuple[Graph, ...], known: tuple[Graph, ...]) -> bool:
    """Whether two tuples of views differ in the keys of their noise at most."""
    return len(views) == len(known) and all(
        len(one.layers) == len(other.layers)
        and all(layer is same for layer, same in zip(one.layers, other.layers, strict=True))
        and (one.noise is None) == (other.noise is None)
        and (one.noise is None or other.noise is None or one.noise.magnitude == other.noise.magnitude)
        for one, other in zip(views, known, strict=True)
    )


def _with_key_in_memory(view: Graph, device: torch.device) -> Graph:
    """The view with its noise's key in a tensor, which can be overwritten before a replay."""
    if view.noise is None:
        return view
    key: Any = torch.full((1,), _signed(view.noise.key), dtype=torch.int64, device=device)
    return replace(view, noise=Noise(view.noise.magnitude, key))


def _signed(key: int) -> int:
    return key - 2**64 if key >= 2**63 else key
