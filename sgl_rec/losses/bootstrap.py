"""Views that predict each other, without negatives."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sgl_rec.losses.alignment import alignment
from sgl_rec.losses.inputs import check_pair, whole


def byol(prediction: Float[Tensor, "B D"], target: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
    r"""How far the prediction of one view is from the other, both at unit length.

    .. math:: \ell_b = \lVert \hat q_b - \hat z'_b \rVert^2 = 2 - 2 \cos(q_b, z'_b)

    What keeps it from collapsing stands outside: a predictor, and a target by the momentum encoder. The target
    gets no gradient.

    Args:
        prediction: of the one view, by the predictor on top of the encoder that is trained.
        target: the projection of the other view, by the momentum encoder. A zero row stays zero.

    Returns: 0 (the same direction) to 4 (opposite) for each row; the caller reduces, and adds the same with the
        views swapped.

    Raises: UserError for inputs of two shapes.

    Example:
        >>> import torch
        >>> byol(torch.tensor([[2.0, 0.0], [1.0, 0.0]]), torch.tensor([[5.0, 0.0], [0.0, 3.0]]))
        tensor([0., 2.])

    Reference: Grill et al. 2020, "Bootstrap your own latent" (arXiv:2006.07733), eq. 2. Relations: this is
        ``alignment`` with a target that stands still.
    """
    check_pair("byol", ("prediction", prediction), ("target", target))
    return alignment(whole(prediction), whole(target.detach()))
