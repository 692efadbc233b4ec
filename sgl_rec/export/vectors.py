"""Vectors out, with the names of what they stand for: Parquet, CSV, or NumPy's own file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.files import atomic_path

FORMATS = (".parquet", ".csv", ".npy")


def check_format(path: Path) -> None:
    """Raises: UserError for a suffix that is none of ``FORMATS``."""
    if path.suffix.lower() not in FORMATS:
        raise must_be(str(path), "suffix", ", ".join(FORMATS), repr(path.suffix), "choose another name")


def write_vectors(
    path: Path, vectors: Float[Tensor, "N D"], *, names: Sequence[str], labels: Sequence[str] | None = None
) -> None:
    """Write a row for each vector.

    Args:
        path: ``.parquet`` has the columns ``name``, ``label`` where there are labels, and ``vector`` (a list of
            float32); ``.csv`` has ``name``, ``label`` and ``0`` to ``D - 1``; ``.npy`` has the vectors alone,
            and a file of the same name with ``.txt`` behind it the names, one a line.

    Raises: UserError for another suffix, or a file that cannot be written.

    Example:
        >>> import tempfile, torch
        >>> path = Path(tempfile.mkdtemp()) / "v.csv"
        >>> write_vectors(path, torch.tensor([[0.5, 1.0]]), names=["a.png"])
        >>> print(path.read_text())
        name,0,1
        a.png,0.5,1.0
        <BLANKLINE>
    """
    check_format(path)
    rows = np.ascontiguousarray(vectors.detach().cpu().numpy(), np.float32)
    columns = {"name": list(names)} | ({} if labels is None else {"label": list(labels)})
    kind = path.suffix.lower()
    if kind == ".npy":
        with atomic_path(path.with_name(f"{path.name}.txt")) as temporary:
            lines = (" ".join(name.splitlines()) for name in names)
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with atomic_path(path) as temporary:
        if kind == ".npy":
            with temporary.open("wb") as file:
                np.save(file, rows, allow_pickle=False)
        elif kind == ".csv":
            table = pd.concat([pd.DataFrame(columns), pd.DataFrame(rows)], axis=1)
            table.to_csv(temporary, index=False, lineterminator="\n")
        else:
            vector = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
            pq.write_table(pa.table({**columns, "vector": vector}), temporary)
