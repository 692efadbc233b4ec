"""Adam by PyTorch's fused kernel, without the compiler that comes with ``torch.optim``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class Adam:
    r"""One pass over memory a step; its state is plain tensors.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g,\quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2,\quad
        p \leftarrow p - \lambda \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    The same bits as ``torch.optim.Adam(..., fused=True)``, which loads ``torch._dynamo`` when it is made: 150 MB
    and a second that nothing here has a use for. The step count lies on the device, so that a step can be
    recorded as a CUDA graph.

    Args:
        parameters: on their device; moving them later is not seen.
        learning_rate: :math:`\lambda`; it may be set between steps.

    Example:
        >>> weight = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Adam([weight], learning_rate=0.1)
        >>> (weight * 3).sum().backward()
        >>> optimizer.step()
        >>> weight.item()  # the first step is the learning rate long, whatever the gradient
        0.8999999761581421

    Reference: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), algorithm 1.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self._parameters = list(parameters)
        self.learning_rate, self._betas, self._epsilon = learning_rate, betas, epsilon
        self._state = {
            "first": [torch.zeros_like(parameter) for parameter in self._parameters],
            "second": [torch.zeros_like(parameter) for parameter in self._parameters],
            "step": [torch.zeros((), device=parameter.device) for parameter in self._parameters],
        }

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        gradients = {index: parameter.grad for index, parameter in enumerate(self._parameters)}
        moved = {index: gradient for index, gradient in gradients.items() if gradient is not None}
        if not moved:
            return
        first, second, steps = ([values[index] for index in moved] for values in self._state.values())
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            [self._parameters[index] for index in moved],
            list(moved.values()),
            first,
            second,
            [],
            steps,
            lr=self.learning_rate,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=0.0,
            eps=self._epsilon,
            amsgrad=False,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """The state as ``<parameter>.<name>`` tensors, not copied."""
        return {
            f"{index}.{name}": value for name, values in self._state.items() for index, value in enumerate(values)
        }

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned. Raises: KeyError where a tensor is missing or another's."""
        for name, values in self._state.items():
            for index, value in enumerate(values):
                found = tensors[f"{index}.{name}"]
                if (found.shape, found.dtype) != (value.shape, value.dtype):
                    raise KeyError(f"{index}.{name} of shape {tuple(value.shape)}")
                value.copy_(found)
