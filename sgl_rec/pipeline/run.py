"""A finished run in Python: its figures, its embeddings, its lists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sgl_rec.export.lists import list_frame
from sgl_rec.pipeline.content.new_items import Placing, place_new_items
from sgl_rec.pipeline.evaluate import evaluate_run
from sgl_rec.pipeline.recommend import Unknown, recommend_run
from sgl_rec.pipeline.report.report import report_run
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.pipeline.similar import similar_run
from sgl_rec.types import Embeddings


class Run:
    """What ``train`` and ``load_run`` return. Everything is read from the run folder."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def path(self) -> Path:
        return self.folder.path

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of ``metrics.json``."""
        return self.folder.read_json(self.folder.metrics_file)

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row an epoch: seconds, every loss term, every validation metric."""
        return self.folder.read_history()

    def embeddings(self) -> Embeddings:
        """The final embeddings; row u and i belong to ``user_ids[u]`` and ``item_ids[i]``.

        Raises: UserError for a baseline that has none.
        """
        return self.folder.embeddings()

    @property
    def user_ids(self) -> pd.Index[Any]:
        return self.folder.data.users.values

    @property
    def item_ids(self) -> pd.Index[Any]:
        return self.folder.data.items.values

    def evaluate(self, *, ks: Sequence[int] | None = None, output: str | Path | None = None) -> dict[str, Any]:
        """Score the test part again; with ``output`` also write exactly the lists that were scored."""
        return evaluate_run(self.folder, ks=ks, output=None if output is None else Path(output))

    def recommend(
        self,
        users: Sequence[object] | None = None,
        *,
        k: int = 10,
        items: Sequence[object] | None = None,
        include_seen: bool = False,
        unknown: Unknown = "error",
        new_items: Placing | str | Path | None = None,
        only_new: bool = False,
    ) -> pd.DataFrame:
        """Top-k lists (``user_id``, ``item_id``, ``score``, ``rank``) for ``users``, by default for all.

        ``new_items`` is a file of items the run has never seen, or what ``place`` made of one; they are ranked
        among the run's own, or alone with ``only_new``.
        """
        lists = recommend_run(
            self.folder,
            users=users,
            items=items,
            k=k,
            include_seen=include_seen,
            unknown=unknown,
            new_items=self._placing(new_items),
            only_new=only_new,
        )
        return list_frame(lists.blocks, users=lists.users, items=lists.items, titles=lists.titles)

    def similar(
        self,
        items: Sequence[object] | str | int,
        *,
        k: int = 10,
        new_items: Placing | str | Path | None = None,
    ) -> pd.DataFrame:
        """The k nearest other items of each of ``items`` (or of one) by cosine.

        ``query_id`` is the item asked for. ``new_items`` as in ``recommend``.
        """
        placing, stored = self._placing(new_items), self.folder.data
        names, titles = (stored.items, stored.titles) if placing is None else (placing.items, placing.titles)
        asked = [items] if isinstance(items, str | int) else items
        lists = similar_run(self.folder, asked, k=k, new_items=placing)
        frame = list_frame([lists], users=names, items=names, titles=titles)
        return frame.rename(columns={"user_id": "query_id"})

    def place(
        self, path: str | Path, *, images: str | Path | None = None, features: Sequence[str | Path] = ()
    ) -> Placing:
        """Read and place items the run has never seen: see ``pipeline.content.new_items.place_new_items``."""
        return place_new_items(self.folder, Path(path), images=images, features=features)

    def _placing(self, new_items: Placing | str | Path | None) -> Placing | None:
        return self.place(new_items) if isinstance(new_items, str | Path) else new_items

    def report(self, output: str | Path | None = None) -> Path:
        """Write the run's page (by default ``report.html`` in its folder) and return where it is."""
        return report_run(self.folder, output=None if output is None else Path(output))


def load_run(path: str | Path) -> Run:
    """The run in a folder. Raises: UserError when there is none."""
    return Run(RunFolder.open(path))
