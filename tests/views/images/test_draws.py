from __future__ import annotations

import torch

from sgl_rec.views.images.draws import sometimes, uniform


def test_a_number_for_each_image_of_their_type() -> None:
    image = torch.ones(1000, 1, 1, 1, dtype=torch.float64)
    drawn = uniform(image, low=-2.0, high=3.0, generator=torch.Generator().manual_seed(0))
    assert (drawn.shape, drawn.dtype) == ((1000,), torch.float64)
    assert -2 <= drawn.min() < -1.9
    assert 2.9 < drawn.max() < 3


def test_as_many_draws_whatever_the_probability() -> None:
    image = torch.zeros(5, 1, 1, 1)
    after = []
    for probability in (0.0, 0.5, 1.0):
        stream = torch.Generator().manual_seed(0)
        sometimes(image, image + 1, probability=probability, generator=stream)
        after.append(stream.get_state())
    assert torch.equal(after[0], after[1])
    assert torch.equal(after[1], after[2])


def test_chosen_in_bfloat16_as_in_float32() -> None:
    image = torch.zeros(1000, 1, 1, 1, dtype=torch.bfloat16)
    stream = torch.Generator().manual_seed(0)
    assert sometimes(image, image + 1, probability=1.0, generator=stream).all()
