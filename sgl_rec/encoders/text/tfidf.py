"""TF-IDF of words, projected on few directions: texts to vectors with no weights to fetch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float
from scipy.sparse.linalg import svds
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.rng import numpy_stream

WORD = re.compile(r"\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}]\w+)*")
MOST_WORDS = 50_000


class Tfidf:
    r"""A text is the mean direction of its words, rare ones counting more, in ``width`` dimensions.

    .. math:: x_{tw} = (1 + \log n_{tw}) \left(1 + \log \frac{1 + N}{1 + N_w}\right), \qquad
        h_t = V^\top \frac{x_t}{\lVert x_t \rVert}

    where :math:`n_{tw}` is how often word w stands in text t, :math:`N_w` the number of texts that have it, and V
    the first right singular vectors of all rows. A text of unknown words alone is the zero row.

    Args:
        words: the vocabulary.
        weight: the second factor, of each word.
        directions: V.

    Example:
        >>> texts = ["red wool hat", "red silk hat", "blue wool sock", "blue silk sock"]
        >>> rows = torch.nn.functional.normalize(Tfidf.learnt(texts, width=3)(texts), dim=1)
        >>> (rows[0] @ rows[1] > rows[0] @ rows[3]).item()
        True

    Reference: Salton and Buckley 1988; latent semantic analysis, Deerwester et al. 1990. Weights as
        scikit-learn's ``TfidfVectorizer(sublinear_tf=True, min_df=2)`` has them.
    """

    def __init__(
        self, words: Sequence[str], weight: Float[Tensor, " W"], directions: Float[Tensor, "W D"]
    ) -> None:
        if not len(words) == len(weight) == len(directions):
            raise must_be(
                "Tfidf", "words, weights and directions", "as many", (len(words), len(weight), len(directions))
            )
        self.words, self.weight, self.directions = tuple(words), weight, directions
        self._place = {word: place for place, word in enumerate(self.words)}

    @classmethod
    def learnt(cls, texts: Sequence[str], *, width: int = 256) -> Tfidf:
        """Words that stand in two texts or more (in one, where no word stands in two), at most ``MOST_WORDS``."""
        found = Counter(word for text in texts for word in set(_words(text)))
        often = {word: number for word, number in found.items() if number > 1} or dict(found)
        kept = sorted(often, key=lambda word: (-often[word], word))[:MOST_WORDS]
        count = torch.tensor([often[word] for word in kept], dtype=torch.float64)
        weight = (1 + torch.log((1 + len(texts)) / (1 + count))).float()
        unprojected = cls(kept, weight, torch.zeros(len(kept), 0))
        return cls(kept, weight, _directions(unprojected.matrix(texts), width))

    def __call__(self, texts: Sequence[str]) -> Float[Tensor, "B D"]:
        return torch.from_numpy(np.asarray(self.matrix(texts) @ self.directions.numpy(), np.float32))

    def matrix(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The rows before they are projected, of length 1."""
        start, places, values = [0], [], []
        for text in texts:
            known = Counter(self._place[word] for word in _words(text) if word in self._place)
            row = np.array([1 + np.log(number) for number in known.values()]) * self.weight.numpy()[list(known)]
            places += list(known)
            values.append(row / max(float(np.linalg.norm(row)), 1e-12))
            start.append(len(places))
        data = np.concatenate(values).astype(np.float32) if values else np.empty(0, np.float32)
        return sp.csr_matrix((data, places, start), shape=(len(texts), len(self.words)))

    def state(self) -> tuple[dict[str, Tensor], list[str]]:
        """Its tensors and its words: what ``restored`` takes."""
        return {"weight": self.weight, "directions": self.directions}, list(self.words)

    @classmethod
    def restored(cls, tensors: Mapping[str, Tensor], words: Sequence[Any]) -> Tfidf:
        """The same again. Raises: KeyError, UserError where these are of no such thing."""
        return cls([str(word) for word in words], tensors["weight"], tensors["directions"])


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def _directions(rows: sp.csr_matrix, width: int) -> Float[Tensor, "W D"]:
    """The right singular vectors of the ``width`` largest singular values; fewer where there are no more."""
    rank = min(width, min(rows.shape))
    if rank == min(rows.shape):  # of a small matrix all, which the sparse solver does not give
        right = np.linalg.svd(rows.toarray(), full_matrices=False)[2]
    else:
        start = numpy_stream(0, "tfidf").standard_normal(min(rows.shape))
        right = svds(rows, k=rank, v0=start)[2][::-1]
    return torch.from_numpy(np.array(right.T, np.float32, order="C", copy=True))
