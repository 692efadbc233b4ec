"""What there can be learnt from: how samples are read, which encoders take them, which views they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from sgl_rec.registry import Registry

MODALITIES = Registry(
    "modality",
    {
        "vision": "sgl_rec.pipeline.pretrain.vision:VISION",
        "text": "sgl_rec.pipeline.pretrain.text:TEXT",
        "graph": "sgl_rec.pipeline.pretrain.graph:GRAPH",
        "image-text": "sgl_rec.pipeline.pretrain.image_text:IMAGE_TEXT",
    },
    "sgl_rec.modalities",
)


@dataclass(frozen=True, eq=False)
class Samples:
    """S samples that were read.

    Args:
        take: indices -> those samples, as an encoder and a view take them.
        shape: what an encoder is told of them, its positional arguments: channels and size, number of features.
        names: what each sample is called.
        sha256: of all of them.
        label: class of each, where there are any; ``classes`` has their names.
        notes: what was left out, a line each.
        other: the second side of each sample, where that is more than another view of the first: the text that
            says the same, the text of an image.
        second: that side as samples of their own, where they are of another kind than the first.
        words: texts -> what ``take`` returns, where samples are texts.
        negative: what is like the second side and no match.
        unlike: other samples that are known not to say the same as what they stood with: where a ``negative`` is
            to be found for each sample before training.
        score: how alike the two sides are, where that was judged.
        learnt: indices of those that are learnt from, where it is not all.
        given: arguments of views that the samples know and no user: ids of special tokens.
        kept: what the reading has learnt (a tokenizer), as text; a run keeps it and hands it to later readings.
    """

    take: Callable[[Tensor], Any]
    shape: tuple[int, ...]
    names: tuple[str, ...]
    sha256: str
    label: Tensor | None = None
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    other: Callable[[Tensor], Any] | None = None
    second: Samples | None = None
    words: Callable[[Sequence[str]], Any] | None = None
    negative: Callable[[Tensor], Any] | None = None
    unlike: Samples | None = None
    score: Tensor | None = None
    learnt: Tensor | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    kept: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def other_side(self) -> Samples:
        """The second sides; these samples themselves where there are no others."""
        return self.second or (self if self.other is None else replace(self, take=self.other))


class Sides(NamedTuple):
    """Two modalities of which a third is made.

    Args:
        first, second: what they are called.
        are_both_in: whether a path holds pairs; else it is read as one side alone, by that one's own reader,
        keys: with these of the run's keys of ``[data]``.
    """

    first: str
    second: str
    are_both_in: Callable[[Path], bool]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Modality:
    """A kind of samples.

    Args:
        read: (path, **arguments) -> Samples; its keyword arguments are the keys of ``[data]``. One that learns of
            what it reads also takes ``kept``, what an earlier reading has learnt.
        encoders: made as ``Encoder(*shape, **arguments, generator=)``; called with what ``Samples.take`` returns,
            each makes rows of ``embedding_dim``.
        views: called as ``view(samples, **arguments, generator=)``; what comes out is like what went in.
        method: the one that is trained where none is named.
        learnt_by: keys of ``[data]`` that say how ``kept`` is learnt, and nothing to a later reading.
        learning: keys of ``[data]`` that say what is learnt from, and nothing of samples that are only looked at.
        fitting: (path, the run's keys of ``[data]``, the caller's) -> those of the run's that fit another file.
        sides: what the two sides of a sample are, where they are of two modalities; each then has its tower.
    """

    read: Callable[..., Samples]
    encoders: Registry
    views: Registry
    method: str = ""
    learnt_by: tuple[str, ...] = ()
    learning: tuple[str, ...] = ()
    fitting: Callable[[Path, Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]] | None = None
    sides: Sides | None = None
