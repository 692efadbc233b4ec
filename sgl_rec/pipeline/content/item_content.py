"""What is known of each item beside who touched it, as vectors: in memory, and in a file of the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from sgl_rec.encoders.text.tfidf import Tfidf
from sgl_rec.errors import must_be
from sgl_rec.training.checkpoint import Checkpoint


@dataclass(frozen=True, eq=False)
class ItemContent:
    """Blocks of vectors, a row for each item.

    Args:
        blocks: by name (``text``, ``images``, ``features 1``), each of shape (I, F), 0 where an item has none.
        known: shape (I, P), which of the P blocks an item has.
        tfidf: what makes the texts' vectors, where that was learnt of them.
        encoders: block -> what made it, so that vectors of another encoder are not taken for the same.
        notes: what could not be read, a line each.
    """

    blocks: Mapping[str, Float[Tensor, "I F"]]
    known: Bool[Tensor, "I P"]
    tfidf: Tfidf | None = None
    encoders: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> list[Tensor]:
        return list(self.blocks.values())

    @property
    def described(self) -> Bool[Tensor, " I"]:
        """The items that have any."""
        return self.known.any(dim=1)

    @property
    def vectors(self) -> Float[Tensor, "I F"]:
        """All blocks of an item as one row, each of length 1: what cosines compare."""
        return torch.cat([normalize(block.float(), dim=1) for block in self.blocks.values()], dim=1)

    def save(self, path: Path) -> None:
        saved = Checkpoint(values={"blocks": list(self.blocks), "encoders": dict(self.encoders)})
        saved.put("block", {str(number): block for number, block in enumerate(self.rows)})
        saved.tensors["known"] = self.known
        if self.tfidf is not None:
            tensors, words = self.tfidf.state()
            saved.put("tfidf", tensors)
            saved.values["words"] = words
        saved.save(path)

    @classmethod
    def load(cls, path: Path, *, num_items: int, advice: str) -> ItemContent:
        """Raises: UserError naming a file that is damaged or of other items."""
        saved = Checkpoint.load(path, advice=advice)
        try:
            names, tensors = saved.values["blocks"], saved.group("block")
            blocks = {str(name): tensors[str(number)] for number, name in enumerate(names)}
            known, words = saved.tensors["known"], saved.values.get("words")
            tfidf = None if words is None else Tfidf.restored(saved.group("tfidf"), words)
            encoders = {str(name): str(one) for name, one in saved.values["encoders"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise must_be(str(path), "it", "the content of items", f"none of {error}", advice) from error
        if known.shape != (num_items, len(blocks)) or any(len(block) != num_items for block in blocks.values()):
            raise must_be(str(path), "content", f"of {num_items} items", tuple(known.shape), advice)
        return cls(blocks, known, tfidf, encoders)
