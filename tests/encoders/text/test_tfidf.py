"""TF-IDF against scikit-learn and the loops, and its projection against the dense one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.encoders.text.tfidf import WORD, Tfidf
from sgl_rec.errors import UserError
from tests.reference.content import tfidf

TEXTS = [
    "Red wool hat, red, RED!",
    "A blue silk hat",
    "the blue sock; the wool sock",
    "silk's the best: don't wool",
    "Don't - a red silk sock 42",
    "Straße 42: the best hat",
]


def many(number: int = 60, *, num_words: int = 50) -> list[str]:
    """Texts of 3 to 11 words, the first of which are the more frequent."""
    draw = np.random.default_rng(1)
    share = 1 / np.arange(1, num_words + 1)
    return [
        " ".join(f"w{word}" for word in draw.choice(num_words, draw.integers(3, 12), p=share / share.sum()))
        for _ in range(number)
    ]


def cosines(rows: Tensor) -> Tensor:
    unit = torch.nn.functional.normalize(rows, dim=1)
    return unit @ unit.T


def before(encoder: Tfidf, texts: list[str]) -> Tensor:
    """The rows before they are projected."""
    return torch.from_numpy(encoder.matrix(texts).toarray())


@pytest.mark.parametrize("texts", [TEXTS, many()], ids=["few", "many"])
def test_the_rows_are_those_of_scikit_learn(texts: list[str]) -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    oracle = text.TfidfVectorizer(
        sublinear_tf=True, min_df=2, norm="l2", token_pattern=WORD.pattern, preprocessor=str.casefold
    )
    expected, encoder = oracle.fit_transform(texts).toarray(), Tfidf.learnt(texts)
    assert sorted(encoder.words) == oracle.get_feature_names_out().tolist()
    columns = [oracle.vocabulary_[word] for word in encoder.words]
    np.testing.assert_allclose(before(encoder, texts), expected[:, columns], rtol=1e-5, atol=1e-7)
    new = ["wool silk wool unheard w3 w3 w1", ""]
    np.testing.assert_allclose(before(encoder, new), oracle.transform(new).toarray()[:, columns], rtol=1e-5)


@pytest.mark.parametrize("new", [None, ["w1 w1 w2 elsewhere", "w3", "elsewhere", ""]], ids=["learnt", "new"])
def test_the_rows_are_those_of_the_loops(new: list[str] | None) -> None:
    encoder, texts = Tfidf.learnt(many()), new or many()
    expected = tfidf([text.split() for text in many()], [text.split() for text in texts])
    rows = before(encoder, texts)
    for row, words in zip(rows, expected, strict=True):
        assert {encoder.words[place] for place in row.nonzero()[:, 0].tolist()} == set(words)
        np.testing.assert_allclose(row, [words.get(word, 0.0) for word in encoder.words], rtol=1e-5)


def test_what_a_word_is() -> None:
    """Letters and digits, one apostrophe between them as well; capitals do not matter, in other scripts too."""
    texts = ["Don't rock'n'roll O\N{RIGHT SINGLE QUOTATION MARK}Hara 'quoted' ÉTÉ STRASSE", "x"]
    same = ["don't ROCK'N'ROLL o\N{RIGHT SINGLE QUOTATION MARK}hara quoted été straße", "y"]
    words = {"don't", "rock'n'roll", "o\N{RIGHT SINGLE QUOTATION MARK}hara", "quoted", "été", "strasse"}
    assert set(Tfidf.learnt(texts + same).words) == words


def test_frequent_words_come_first_and_equal_ones_by_the_alphabet() -> None:
    encoder = Tfidf.learnt(["c b a d", "d b a c", "c d e"])
    assert encoder.words == ("c", "d", "a", "b")
    assert bool((encoder.weight[1:] >= encoder.weight[:-1]).all())


def test_the_most_words_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sgl_rec.encoders.text.tfidf.MOST_WORDS", 2)
    assert Tfidf.learnt(["c b a d", "d b a c", "c d e"]).words == ("c", "d")


@pytest.mark.parametrize("texts", [TEXTS, many()], ids=["few", "many"])
def test_the_full_projection_keeps_every_cosine(texts: list[str]) -> None:
    encoder = Tfidf.learnt(texts, width=1000)
    rows = encoder(texts)
    assert rows.shape == (len(texts), min(len(texts), len(encoder.words)))
    torch.testing.assert_close(cosines(rows), cosines(before(encoder, texts)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(rows.norm(dim=1), before(encoder, texts).norm(dim=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("number", "num_words"), [(60, 50), (40, 90)], ids=["tall", "wide"])
@pytest.mark.parametrize("width", [1, 5, 20])
def test_fewer_directions_are_those_of_the_dense_decomposition(number: int, num_words: int, width: int) -> None:
    texts = many(number, num_words=num_words)
    encoder = Tfidf.learnt(texts, width=width)
    rows = before(encoder, texts).double()
    assert width < min(rows.shape)
    left, values, right = np.linalg.svd(rows.numpy(), full_matrices=False)
    assert (values[:-1] - values[1:])[width - 1] > 1e-6  # the first ones are well defined
    found, expected = encoder(texts), torch.from_numpy(left[:, :width] * values[:width])
    torch.testing.assert_close(found.double() @ found.double().T, expected @ expected.T, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(cosines(found), cosines(expected).float(), rtol=1e-3, atol=1e-4)
    aligned = (encoder.directions.double() * torch.from_numpy(right[:width].T)).sum(0).abs()
    torch.testing.assert_close(
        aligned, torch.ones(width, dtype=torch.float64), rtol=1e-3, atol=0
    )  # in that order


@pytest.mark.parametrize("number", [1, 10])
def test_copies_of_few_texts(number: int) -> None:
    """Most singular values are 0; the directions stay orthonormal and the cosines what they were."""
    texts = many(number, num_words=300) * 30 + [f"w{word}" for word in range(60)] * 2
    encoder = Tfidf.learnt(texts[: 30 * number], width=8)
    width = encoder.directions.shape[1]
    torch.testing.assert_close(encoder.directions.T @ encoder.directions, torch.eye(width), rtol=0, atol=1e-4)
    assert bool(encoder(texts).isfinite().all())
    if number == 1:
        torch.testing.assert_close(encoder(texts[:3]).norm(dim=1), torch.ones(3))


def test_a_large_width() -> None:
    encoder = Tfidf.learnt(TEXTS, width=10**6)
    assert encoder.directions.shape == (len(encoder.words), min(len(TEXTS), len(encoder.words)))


@pytest.mark.parametrize("width", [5, 1000])
def test_the_same_texts_give_the_same_bits(width: int) -> None:
    one, other = (Tfidf.learnt(many(), width=width) for _ in range(2))
    assert one.words == other.words
    assert torch.equal(one.directions, other.directions)
    assert torch.equal(one(many()), other(many()))


def test_the_global_generators_are_left_alone() -> None:
    before_it = np.random.get_state()[1].copy()  # type: ignore[index]
    Tfidf.learnt(many(), width=5)
    assert (np.random.get_state()[1] == before_it).all()  # type: ignore[index]


@pytest.mark.parametrize("width", [5, 1000])
def test_restored_it_is_the_same_bit_for_bit(width: int) -> None:
    encoder = Tfidf.learnt(many(), width=width)
    tensors, words = encoder.state()
    assert all(tensor.dtype == torch.float32 and tensor.is_contiguous() for tensor in tensors.values())
    again = Tfidf.restored({name: tensor.clone() for name, tensor in tensors.items()}, words)
    new = [*many(), "w1 w2 w2 unheard", ""]
    assert torch.equal(again(new), encoder(new))
    assert again.words == encoder.words


def test_a_text_alone_is_as_among_others() -> None:
    encoder = Tfidf.learnt(many(), width=5)
    rows = encoder(many())
    for place in (0, 7):
        torch.testing.assert_close(encoder([many()[place]]), rows[place : place + 1])
    assert encoder([]).shape == (0, 5)


def test_the_order_of_words_does_not_matter() -> None:
    encoder = Tfidf.learnt(many(), width=5)
    turned = [" ".join(reversed(text.split())) for text in many()]
    torch.testing.assert_close(encoder(turned), encoder(many()))


@pytest.mark.parametrize("text", ["", "   ", "?! ...", "unheard of", "'"])
def test_without_a_known_word_the_row_is_zero(text: str) -> None:
    rows = Tfidf.learnt(many(), width=5)([text, "w0 w1", text])
    assert rows.dtype == torch.float32
    assert rows[0].tolist() == rows[2].tolist() == [0.0] * 5
    assert bool(rows[1].any())


def test_no_word_stands_in_two_texts() -> None:
    encoder = Tfidf.learnt(["red wool", "blue silk hat"])
    assert set(encoder.words) == {"red", "wool", "blue", "silk", "hat"}
    torch.testing.assert_close(cosines(encoder(["red", "wool", "hat"])), torch.tensor(
        [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    ))  # fmt: skip


def test_one_text() -> None:
    encoder = Tfidf.learnt(["a b b"])
    torch.testing.assert_close(encoder(["a b b"]).abs(), torch.tensor([[1.0]]))


@pytest.mark.parametrize("texts", [[], [""], ["...", " "]])
def test_no_words_at_all(texts: list[str]) -> None:
    encoder = Tfidf.learnt(texts)
    assert encoder.words == ()
    assert encoder(["red", ""]).shape == (2, 0)


def test_parts_that_do_not_fit() -> None:
    tensors, words = Tfidf.learnt(TEXTS).state()
    with pytest.raises(UserError, match="Tfidf: words, weights and directions must be as many, got"):
        Tfidf.restored(tensors, words[1:])
    with pytest.raises(Exception, match=r"must be as many, got|Type-check error"):
        Tfidf.restored({**tensors, "directions": tensors["directions"][1:]}, words)
    with pytest.raises(KeyError):
        Tfidf.restored({"weight": tensors["weight"]}, words)
