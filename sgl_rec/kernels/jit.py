"""Numba's compiler as every CPU kernel uses it: cached where a folder can be written, on torch's threads."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import torch
from numba.core import event

log = logging.getLogger("sgl_rec")

Function = TypeVar("Function", bound=Callable[..., Any])

# Beside torch, OpenMP is the layer that leaves torch's own threads alone; the others stand in where it is absent.
if numba.config.THREADING_LAYER == "default":
    numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]


def jit(*, parallel: bool = False, inline: bool = False) -> Callable[[Function], Function]:
    """Compile for the CPU on the first call with each combination of types.

    Sums may be reordered and fused (the order is fixed once compiled, so that the bits repeat); infinities and
    NaN keep their meaning. Compiling ``parallel`` costs most by the size of the function: keep such a function
    to its ``prange`` over parts, and the work in a function it calls.

    Args:
        parallel: whether ``numba.prange`` runs on several threads (``num_threads`` says how many).
        inline: whether callers take the body in.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "no_cfunc_wrapper": True,  # nothing calls them from C, and it is a tenth of the time to compile
        "parallel": parallel,
        "error_model": "numpy",
        "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    }
    if inline:
        options["forceinline"] = True

    def compiled(function: Function) -> Function:
        try:
            dispatcher = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no folder for the cache can be written: compiled anew in every process
            _tell(
                "the compiled kernels cannot be kept, for want of a folder to write to; NUMBA_CACHE_DIR names one"
            )
            return numba.njit(**options)(function)  # type: ignore[no-any-return]
        _watch_neighbours(dispatcher)
        return dispatcher  # type: ignore[no-any-return]

    return compiled


@functools.cache
def _tell(line: str) -> None:
    """Say a line once in a process."""
    log.info("%s", line)


class _Announcement(event.Listener):  # type: ignore[misc]
    """The first compilation is said: it takes seconds in which nothing else is seen."""

    def on_start(self, event: Any) -> None:
        _tell("compiling the kernels for this processor: some ten seconds, once")

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Announcement())


def _watch_neighbours(dispatcher: Any) -> None:
    """Make the cache look at the whole folder: Numba itself compares the file of a function, and not the files
    of the functions that it takes in."""
    file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if file is not None and hasattr(file, "_source_stamp"):
        folder = Path(inspect.getfile(dispatcher.py_func)).parent
        file._source_stamp = (file._source_stamp, _stamps(folder), _stamps(Path(__file__).parent))


@functools.cache
def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = sorted(folder.glob("*.py"))
    return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in found)


def num_threads() -> int:
    """The threads of a parallel kernel, which is told so: torch's number, so that one setting rules both."""
    wanted = torch.get_num_threads()
    count: int = min(wanted, numba.config.NUMBA_NUM_THREADS)
    numba.set_num_threads(count)
    if torch.get_num_threads() != wanted:
        # The two share OpenMP's setting, and Numba, when it starts its threads, sets it to their number.
        torch.set_num_threads(wanted)
    return count
