"""Adapters from a step of pairs to the losses without negatives: BYOL, SwAV, Barlow Twins."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.losses.bootstrap import byol
from sgl_rec.losses.clustering import Prototypes, check_codes, swav
from sgl_rec.losses.inputs import check_positive, mean_weight
from sgl_rec.losses.pair_terms import PairStep, required
from sgl_rec.losses.redundancy import barlow_twins, check_off_diagonal_weight
from sgl_rec.types import Precision


class ByolTerm(nn.Module):
    """Mean of ``byol`` from the first view to the second's target, and the other way round: their sum.

    The views of the step are what the predictor says, the targets what the momentum encoder's projection says.

    Raises: UserError at a step without targets.

    Example:
        >>> rows = torch.eye(2)
        >>> ByolTerm()(PairStep(rows, rows, first_target=rows, second_target=-rows))  # 4 + 0
        tensor(4.)

    Reference: Grill et al. 2020 (arXiv:2006.07733), section 3.1.
    """

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        advice = "train with a momentum encoder"
        first = required("byol", "first_target", step.first_target, advice=advice)
        second = required("byol", "second_target", step.second_target, advice=advice)
        return byol(step.first, second).mean() + byol(step.second, first).mean()


class SwavTerm(nn.Module):
    """Mean of ``swav`` over the rows, with prototypes of its own.

    Args:
        num_prototypes: K; several times the number of classes one expects.
        embedding_dim: D, the width of the rows.
        temperature, epsilon, num_iterations, precision: see ``swav``.
        generator: draws the prototypes' start.

    Raises: UserError for a setting out of range, and at a step with rows of another width.

    Example:
        >>> term = SwavTerm(num_prototypes=3, embedding_dim=4, generator=torch.Generator().manual_seed(0))
        >>> list(term.state_dict()), term(PairStep(torch.eye(4), torch.eye(4))).shape
        (['prototypes.weight'], torch.Size([]))
    """

    def __init__(
        self,
        *,
        num_prototypes: int = 512,
        embedding_dim: int = 128,
        temperature: float = 0.1,
        epsilon: float = 0.05,
        num_iterations: int = 3,
        generator: torch.Generator,
        precision: Precision = "float32",
    ) -> None:
        super().__init__()
        check_positive("swav", "temperature", temperature, advice="0.1 is usual")
        check_codes(epsilon=epsilon, num_iterations=num_iterations)
        self.temperature, self.epsilon, self.num_iterations = temperature, epsilon, num_iterations
        self.precision = precision
        self.prototypes = Prototypes(
            num_prototypes=num_prototypes, embedding_dim=embedding_dim, generator=generator
        )

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        return swav(
            step.first,
            step.second,
            self.prototypes.weight,
            temperature=self.temperature,
            epsilon=self.epsilon,
            num_iterations=self.num_iterations,
            weight=mean_weight(len(step.first), step.first),
            precision=self.precision,
        )

    def after_step(self) -> None:
        self.prototypes.after_step()


class BarlowTwinsTerm(nn.Module):
    """``barlow_twins`` of the two views.

    Args:
        off_diagonal_weight: see ``barlow_twins``.

    Raises: UserError for a weight out of range.

    Example:
        >>> BarlowTwinsTerm()(PairStep(torch.ones(3, 4), torch.ones(3, 4)))  # nothing varies: 4 dimensions
        tensor(4.)
    """

    def __init__(self, *, off_diagonal_weight: float = 5e-3) -> None:
        super().__init__()
        check_off_diagonal_weight(off_diagonal_weight)
        self.off_diagonal_weight = off_diagonal_weight

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        return barlow_twins(step.first, step.second, off_diagonal_weight=self.off_diagonal_weight)
