"""Heads over an encoder: what a contrastive loss sees of its rows, and BYOL's predictor."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.rng import scope

MOST_LAYERS = 16
"""A head of more is a slip."""


class IdentityHead(nn.Module):
    """The rows as they are.

    Args:
        input_dim: width of the rows; the output is as wide (``output_dim``).

    Example:
        >>> IdentityHead(8, generator=torch.Generator()).output_dim
        8
    """

    def __init__(self, input_dim: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.output_dim = input_dim

    def forward(self, embedding: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        return embedding


class LinearHead(nn.Module):
    r"""One affine map.

    .. math:: z = W h + b

    Args:
        input_dim: width of the rows.
        output_dim: width of what comes out.
        generator: draws the start, on the CPU.

    Raises: UserError for a width below 1.

    Example:
        >>> head = LinearHead(8, output_dim=4, generator=torch.Generator().manual_seed(0))
        >>> tuple(head(torch.ones(2, 8)).shape)
        (2, 4)
    """

    def __init__(self, input_dim: int, *, output_dim: int = 128, generator: torch.Generator) -> None:
        super().__init__()
        _check_widths("LinearHead", input_dim=input_dim, output_dim=output_dim)
        self.output_dim = output_dim
        with scope(generator):
            self.map = nn.Linear(input_dim, output_dim)

    def forward(self, embedding: Float[Tensor, "B D"]) -> Float[Tensor, "B O"]:
        mapped: Tensor = self.map(embedding)
        return mapped


class MlpHead(nn.Module):
    r"""Affine maps with a rectifier after all but the last.

    .. math:: z = W_n \, \sigma(\dots \sigma(W_1 h)), \quad \sigma(x) = \max(0, \text{norm}(x))

    Args:
        input_dim: width of the rows.
        hidden_dim: width between the maps; by default ``input_dim``.
        output_dim: width of what comes out.
        num_layers: n, 1 to 16; SimCLR, MoCo, SwAV and BYOL have 2, Barlow Twins has 3.
        batch_norm: whether the norm is that of the batch (then training needs two rows) or none, as in MoCo.
        generator: draws the start, on the CPU.

    Raises: UserError for a width or a number of layers out of range.

    Example:
        >>> head = MlpHead(8, output_dim=4, generator=torch.Generator().manual_seed(0))
        >>> tuple(head(torch.ones(2, 8)).shape)
        (2, 4)

    Reference: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (ICML 2020),
    section 4.2.
    """

    def __init__(
        self,
        input_dim: int,
        *,
        hidden_dim: int | None = None,
        output_dim: int = 128,
        num_layers: int = 2,
        batch_norm: bool = True,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        hidden_dim = input_dim if hidden_dim is None else hidden_dim
        _check_widths("MlpHead", input_dim=input_dim, hidden_dim=hidden_dim, output_dim=output_dim)
        if not 1 <= num_layers <= MOST_LAYERS:
            raise must_be("MlpHead", "num_layers", f"in 1 .. {MOST_LAYERS}", num_layers)
        self.output_dim = output_dim
        widths = [input_dim, *[hidden_dim] * (num_layers - 1), output_dim]
        layers: list[nn.Module] = []
        with scope(generator):
            for index, width in enumerate(widths[1:]):
                last = index == num_layers - 1
                # What a norm subtracts, no bias need add before it.
                layers.append(nn.Linear(widths[index], width, bias=last or not batch_norm))
                if not last:
                    layers += [nn.BatchNorm1d(width)] if batch_norm else []
                    layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers)

    def forward(self, embedding: Float[Tensor, "B D"]) -> Float[Tensor, "B O"]:
        projected: Tensor = self.layers(embedding)
        return projected


def predictor(dim: int, *, hidden_dim: int | None = None, generator: torch.Generator) -> MlpHead:
    """BYOL's predictor: a guess at the other view's projection from this one's, as wide as that.

    Args:
        dim: width of the projections.
        hidden_dim: width between its two maps; by default 4 ``dim``.

    Example:
        >>> predictor(8, generator=torch.Generator().manual_seed(0)).output_dim
        8

    Reference: Grill et al., "Bootstrap Your Own Latent" (NeurIPS 2020), section 3.3 (256, through 4096).
    """
    hidden_dim = 4 * dim if hidden_dim is None else hidden_dim
    return MlpHead(dim, hidden_dim=hidden_dim, output_dim=dim, generator=generator)


def _check_widths(where: str, *, input_dim: int, output_dim: int, hidden_dim: int = 1) -> None:
    for name, width in (("input_dim", input_dim), ("hidden_dim", hidden_dim), ("output_dim", output_dim)):
        if width < 1:
            raise must_be(where, name, "at least 1", width)
