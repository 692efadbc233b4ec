"""embed: a run and samples in, a vector for each sample out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from sgl_rec.export.vectors import check_format, write_vectors
from sgl_rec.pipeline.device import choose_device
from sgl_rec.pipeline.pretrain.encode import embed_samples, read_embedder, side_samples
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.sides import check_side


@dataclass(frozen=True, eq=False)
class Embedded:
    """A vector for each sample.

    Args:
        vectors: rows of the encoder, without the head that it was trained under; where each side has its own
            tower, rows of the space that the heads share.
        names: what each sample is called; ``labels`` its class, where there are any.
        left_out: samples that could not be read, a line each.
    """

    vectors: Float[Tensor, "N D"]
    names: tuple[str, ...]
    labels: tuple[str, ...] | None
    left_out: tuple[str, ...]


def embed(
    run: str | Path,
    source: str | Path,
    *,
    output: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    side: str = "first",
    device: str = "auto",
) -> Embedded:
    """Embed samples by the encoder of a finished run.

    Args:
        run: the folder that ``pretrain`` made.
        source: what is to be embedded, of the run's kind.
        output: also write them there: ``.parquet``, ``.csv`` or ``.npy`` (``export.vectors``).
        settings: values of ``[data]`` over the run's own.
        side: ``first`` or ``second`` of pairs. Of images with texts a source may also be one side alone: a folder
            or a zip file of images, a file with a text a line.

    Raises: UserError (a ValueError) for a run that is not finished, samples of another kind, another suffix.
    """
    which = check_side(side)
    folder = PretrainFolder.open(run)
    path = None if output is None else Path(output)
    if path is not None:
        check_format(path)
        folder.check_output(path, source)
    samples = side_samples(folder, source, which=which, settings=settings)
    vectors = embed_samples(read_embedder(folder, which).to(choose_device(device)), samples)
    labels = None
    if samples.label is not None:
        labels = tuple(samples.classes[place] for place in samples.label.tolist())
    if path is not None:
        write_vectors(path, vectors, names=samples.names, labels=labels)
    return Embedded(vectors, samples.names, labels, samples.notes)
