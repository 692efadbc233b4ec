"""Views that predict each other's cluster (SwAV): balanced codes, and the prototypes they refer to."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.kernels.contrast import log_sum, unit_rows, weighted_log_sum
from sgl_rec.losses.inputs import check_length, check_matrix, check_pair, check_positive, check_width, whole
from sgl_rec.types import Precision


def swav(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    prototype: Float[Tensor, "K D"],
    *,
    temperature: float | Float[Tensor, ""],
    epsilon: float = 0.05,
    num_iterations: int = 3,
    weight: Float[Tensor, " B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " B"] | Float[Tensor, ""]:
    r"""Each view predicts the other's code over the prototypes; the mean of the two.

    .. math:: \ell_b = \tfrac12 \bigl( H(q^2_b, x_b) + H(q^1_b, y_b) \bigr), \quad
        H(q, z) = -\sum_k q_k \log \frac{e^{\cos(z, c_k) / \tau}}{\sum_j e^{\cos(z, c_j) / \tau}}

    with the codes q of ``balanced_codes``, which are constants: no gradient comes through them.

    Args:
        first, second: row b of one belongs to row b of the other.
        prototype: one row a cluster, see ``Prototypes``; it gets a gradient.
        temperature, weight, precision: see ``info_nce``.
        epsilon, num_iterations: see ``balanced_codes``.

    Returns: nats for each row, log K at equal prototypes; with ``weight`` their weighted sum.

    Raises: UserError for views of two shapes, prototypes of another width, or a setting out of range.

    Example:
        >>> prototype = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> swav(prototype, prototype, prototype, temperature=0.5)  # log(1 + exp(-1 / 0.5)): codes are certain
        tensor([0.1269, 0.1269])

    Reference: Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments"
        (arXiv:2006.09882), eqs. 1 and 2. Different: the mean of the two directions, as in its code, where the
        equation has the sum; two views, no smaller crops, and no queue of earlier rows.
    """
    check_pair("swav", ("first", first), ("second", second))
    check_width("swav", "prototype", prototype, first.shape[1])
    check_positive("swav", "temperature", temperature, advice="0.1 is usual")
    views = [unit_rows(whole(view)) for view in (first, second)]
    centre = unit_rows(whole(prototype)).to(views[0].dtype)
    with torch.autocast(first.device.type, enabled=False):
        scores = [view.detach() @ centre.detach().T for view in views]
        codes = [balanced_codes(part, epsilon=epsilon, num_iterations=num_iterations) for part in scores]
        expected = [code @ centre for code in reversed(codes)]
    forward, backward = (
        _cross_entropy(view, centre, mean, temperature=temperature, weight=weight, precision=precision)
        for view, mean in zip(views, expected, strict=True)
    )
    return (forward + backward) / 2


@torch.no_grad()
def balanced_codes(
    scores: Float[Tensor, "B K"], *, epsilon: float = 0.05, num_iterations: int = 3
) -> Float[Tensor, "B K"]:
    r"""Soft assignments of rows to clusters that use all clusters alike, by Sinkhorn and Knopp.

    .. math:: Q = \operatorname{diag}(u) \, e^{S / \varepsilon} \operatorname{diag}(v)

    Each iteration scales the columns (clusters) to equal sums, then the rows to sum 1. The logarithms are what
    is computed, so that a small epsilon overflows nothing.

    Args:
        scores: similarities of rows and prototypes.
        epsilon: finite and > 0; how soft the assignment is. 0.05 is usual for cosines.
        num_iterations: at least 1.

    Returns: rows that sum to 1, without gradient, in float32 at least.

    Raises: UserError for a setting out of range.

    Example:
        >>> scores = torch.tensor([[1.0, 0.9], [1.0, 0.1]])
        >>> balanced_codes(scores, num_iterations=100).round(decimals=2)  # one each
        tensor([[0., 1.],
                [1., 0.]])

    Reference: Caron et al. 2020 (arXiv:2006.09882), eq. 5 and its algorithm 1; Cuturi 2013 (arXiv:1306.0895).
    """
    check_matrix("balanced_codes", "scores", scores)
    check_codes(epsilon=epsilon, num_iterations=num_iterations)
    logs = whole(scores) / epsilon
    for _ in range(num_iterations):
        logs = logs - logs.logsumexp(0, keepdim=True)
        logs = logs - logs.logsumexp(1, keepdim=True)
    return logs.exp()


def check_codes(*, epsilon: float, num_iterations: int) -> None:
    """Raises: UserError for a setting of ``balanced_codes`` that is out of range."""
    check_positive("balanced_codes", "epsilon", epsilon, advice="0.05 is usual")
    if num_iterations < 1:
        raise must_be("balanced_codes", "num_iterations", "at least 1", num_iterations, "3 is usual")


class Prototypes(nn.Module):
    """The rows that stand for clusters: parameters of length 1, brought back to it after every step.

    Args:
        num_prototypes: K, at least 1; several times the number of classes one expects is usual.
        embedding_dim: D.
        generator: draws the start, uniform on the sphere.

    Raises: UserError for a size below 1.

    Example:
        >>> prototypes = Prototypes(num_prototypes=3, embedding_dim=4, generator=torch.Generator().manual_seed(0))
        >>> prototypes.weight.shape, bool((prototypes.weight.norm(dim=1) - 1).abs().max() < 1e-6)
        (torch.Size([3, 4]), True)

    Reference: Caron et al. 2020 (arXiv:2006.09882), section 3. Different: its code also keeps them fixed for the
        first epoch.
    """

    def __init__(self, *, num_prototypes: int, embedding_dim: int, generator: torch.Generator) -> None:
        super().__init__()
        for name, value in (("num_prototypes", num_prototypes), ("embedding_dim", embedding_dim)):
            if value < 1:
                raise must_be("Prototypes", name, "at least 1", value)
        start = torch.randn(num_prototypes, embedding_dim, generator=generator, device=generator.device)
        self.weight = nn.Parameter(unit_rows(start))

    @torch.no_grad()
    def after_step(self) -> None:
        """Length 1 again; the optimiser knows nothing of it."""
        self.weight.copy_(unit_rows(self.weight))


def _cross_entropy(
    view: Float[Tensor, "B D"],
    centre: Float[Tensor, "K D"],
    expected: Float[Tensor, "B D"],
    *,
    temperature: float | Tensor,
    weight: Tensor | None,
    precision: Precision,
) -> Tensor:
    """Of a code with the softmax over the centres; ``expected`` is the mean of the centres by that code."""
    own = (view * expected).sum(1) / temperature
    if weight is None:
        return log_sum(view, centre, temperature=temperature, precision=precision) - own
    check_length("swav", "weight", weight, len(view))
    total, _ = weighted_log_sum(view, centre, weight=weight, temperature=temperature, precision=precision)
    return total - (weight.to(own.dtype) * own).sum()  # no @, which autocast would round
