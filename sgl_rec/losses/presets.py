"""Contrastive losses that are ``info_nce`` with other arguments, under the names of their papers."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.losses.contrastive import info_nce
from sgl_rec.losses.inputs import check_pair, check_width
from sgl_rec.types import Precision


def nt_xent(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    *,
    temperature: float | Float[Tensor, ""],
    weight: Float[Tensor, " 2*B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " 2*B"] | Float[Tensor, ""]:
    r"""SimCLR's loss: each row of both views picks its partner out of all the other rows of both.

    .. math:: \ell_i = -\log \frac{e^{\cos(z_i, z_{p(i)}) / \tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k) / \tau}},
        \quad z = (\text{first}, \text{second}),\ i = 1 \dots 2B

    Args:
        first, second: row b of one belongs to row b of the other.
        temperature, weight, precision: see ``info_nce``; weights are those of ``first``, then of ``second``.

    Returns: nats for each row of ``first``, then of ``second``: log(2B - 1) at equal rows, 0 for a single pair;
        with ``weight`` their weighted sum.

    Raises: UserError for inputs of two shapes, or what ``info_nce`` refuses.

    Example:
        >>> nt_xent(torch.ones(2, 4), torch.ones(2, 4), temperature=0.5)  # log 3
        tensor([1.0986, 1.0986, 1.0986, 1.0986])

    Reference: Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations"
        (arXiv:2002.05709), eq. 1; its algorithm 1 takes the mean of the 2B rows.
    """
    check_pair("nt_xent", ("first", first), ("second", second))
    rows = torch.cat([first, second])
    place = torch.arange(len(rows), device=rows.device)
    return info_nce(
        rows,
        rows,
        place.roll(len(first)),
        temperature=temperature,
        anchor_id=place,
        candidate_id=place,
        weight=weight,
        precision=precision,
    )


def clip(
    image: Float[Tensor, "B D"],
    text: Float[Tensor, "B D"],
    *,
    temperature: float | Float[Tensor, ""],
    weight: Float[Tensor, " B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " B"] | Float[Tensor, ""]:
    r"""CLIP's loss: an image picks its text out of the batch, the text its image; the mean of the two.

    .. math:: \ell_b = \tfrac12 \Bigl( -\log \frac{e^{s_{bb}}}{\sum_j e^{s_{bj}}}
        - \log \frac{e^{s_{bb}}}{\sum_j e^{s_{jb}}} \Bigr), \quad s_{bj} = \cos(x_b, y_j) / \tau

    Args:
        image, text: row b of one belongs to row b of the other; any two modalities.
        temperature, weight, precision: see ``info_nce``; a ``LearnedTemperature`` gives the first.

    Returns: nats for each pair, log B at equal rows; with ``weight`` their weighted sum.

    Raises: UserError for inputs of two shapes, or what ``info_nce`` refuses.

    Example:
        >>> pairs = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> clip(pairs, pairs, temperature=0.5)  # log(1 + exp(-1 / 0.5)), both ways
        tensor([0.1269, 0.1269])

    Reference: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision"
        (arXiv:2103.00020), figure 3.
    """
    check_pair("clip", ("image", image), ("text", text))
    own = torch.arange(len(image), device=image.device)
    to_text, to_image = (
        info_nce(anchor, candidate, own, temperature=temperature, weight=weight, precision=precision)
        for anchor, candidate in ((image, text), (text, image))
    )
    return (to_text + to_image) / 2


def moco(
    query: Float[Tensor, "B D"],
    key: Float[Tensor, "B D"],
    queue: Float[Tensor, "K D"],
    *,
    temperature: float | Float[Tensor, ""],
    weight: Float[Tensor, " B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " B"] | Float[Tensor, ""]:
    r"""MoCo's loss: a query picks its own key out of that one and the K of the queue.

    .. math:: \ell_b = -\log \frac{e^{\cos(q_b, k_b) / \tau}}
        {e^{\cos(q_b, k_b) / \tau} + \sum_{j=1}^{K} e^{\cos(q_b, u_j) / \tau}}

    The other keys of the batch are no candidates. Keys and queue get no gradient.

    Args:
        query: by the encoder that is trained.
        key: row b is the other view of query b, by the momentum encoder.
        queue: keys of earlier batches, see ``Queue``.
        temperature, weight, precision: see ``info_nce``.

    Returns: nats for each query, log(1 + K) at equal rows; with ``weight`` their weighted sum.

    Raises: UserError for queries and keys of two shapes, a queue of another width, or what ``info_nce`` refuses.

    Example:
        >>> moco(torch.ones(2, 4), torch.ones(2, 4), torch.ones(7, 4), temperature=0.2)  # log 8
        tensor([2.0794, 2.0794])

    Reference: He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning"
        (arXiv:1911.05722), eq. 1 and algorithm 1.
    """
    check_pair("moco", ("query", query), ("key", key))
    check_width("moco", "queue", queue, query.shape[1])
    # A candidate with its anchor's id is left out unless it is the target: of the keys each query sees its own.
    batch = torch.zeros(len(key), dtype=torch.int64, device=key.device)
    return info_nce(
        query,
        torch.cat([key, queue.to(key.device)]).detach(),
        torch.arange(len(key), device=key.device),
        temperature=temperature,
        anchor_id=batch,
        candidate_id=torch.cat([batch, batch.new_ones(len(queue))]),
        weight=weight,
        precision=precision,
    )


def simcse(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    *,
    temperature: float | Float[Tensor, ""],
    negative: Float[Tensor, "M D"] | None = None,
    weight: Float[Tensor, " B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " B"] | Float[Tensor, ""]:
    r"""SimCSE's loss: a sentence picks its positive out of the batch's, and of their hard negatives.

    .. math:: \ell_b = -\log \frac{e^{\cos(h_b, h^+_b) / \tau}}
        {\sum_j e^{\cos(h_b, h^+_j) / \tau} + \sum_m e^{\cos(h_b, h^-_m) / \tau}}

    Args:
        first: the sentences.
        second: row b is the positive of sentence b: the same by another dropout (unsupervised), or one that it
            entails (supervised).
        temperature, weight, precision: see ``info_nce``.
        negative: hard negatives, contradictions for example, which all sentences of the batch share.

    Returns: nats for each sentence, log(B + M) at equal rows; with ``weight`` their weighted sum.

    Raises: UserError for sentences and positives of two shapes, negatives of another width, or what
        ``info_nce`` refuses.

    Example:
        >>> simcse(torch.ones(2, 4), torch.ones(2, 4), temperature=0.05)  # log 2
        tensor([0.6931, 0.6931])
        >>> simcse(torch.ones(2, 4), torch.ones(2, 4), temperature=0.05, negative=torch.ones(2, 4))  # log 4
        tensor([1.3863, 1.3863])

    Reference: Gao et al. 2021, "SimCSE: Simple Contrastive Learning of Sentence Embeddings" (arXiv:2104.08821),
        eqs. 4 and 5.
    """
    check_pair("simcse", ("first", first), ("second", second))
    candidate = second
    if negative is not None:
        check_width("simcse", "negative", negative, first.shape[1])
        candidate = torch.cat([second, negative])
    own = torch.arange(len(first), device=first.device)
    return info_nce(first, candidate, own, temperature=temperature, weight=weight, precision=precision)
