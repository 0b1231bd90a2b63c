"""What counts as equal, whatever form an answer has, and the sentence on what does not."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from helpers.exercises.compare import compare, equal, number, numbers, shown, tensor_of

FORMS = [(3, 4), [3, 4], (3.0, 4), torch.Size([3, 4]), torch.tensor([3, 4]), np.array([3, 4]), np.array([3.0, 4.0]),
         (np.int64(3), np.uint8(4)), [torch.tensor(3), torch.tensor(4.0)], (Fraction(3), Decimal(4)), range(3, 5),
         torch.tensor([3, 4]).to_sparse(), torch.tensor([3 + 0j, 4]), np.array([4, 3])[::-1],
         torch.tensor([3.0, 4.0], requires_grad=True), torch.tensor([3, 4], dtype=torch.bfloat16)]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_a_shape_is_the_same_in_every_form(form):
    assert numbers(form, 2) == (3, 4) and all(type(value) is int for value in numbers(form))
    assert equal(form, (3, 4)) and compare(form, (3, 4)) is None
    assert not equal(form, (4, 3)) and "differs at (0,)" in compare(form, (4, 3))


@pytest.mark.parametrize("form", [7, 7.0, np.int32(7), np.float32(7), torch.tensor(7), torch.tensor(7.0), np.array(7),
                                  Fraction(7), 7 + 0j])  # fmt: skip
def test_a_number_is_the_same_in_every_form(form):
    assert number(form) == 7 and type(number(form)) is int and equal(form, 7)


def test_whole_numbers_are_equal_to_the_last_digit_and_others_within_a_tolerance():
    assert not equal(138_357_545, 138_357_544) and not equal((83_126, 2), (83_127, 2))
    assert equal(torch.tensor(1.00001), 1.0) and not equal(1.001, 1.0)


@pytest.mark.parametrize("form", ["24", {"a": 1}, {1, 2}, None, int, (lambda: 3), [[1, 2], [3]], ["1", "2"],
                                  (n for n in (3, 4)), np.array(["3", "4"]), object()])  # fmt: skip
def test_what_holds_no_numbers_in_an_order_is_none(form):
    assert tensor_of(form) is None and numbers(form) is None and number(form) is None and not equal(form, 3)


@pytest.mark.parametrize(
    ("got", "want", "advice"),
    [
        (torch.ones(2, 2), torch.ones(2, 2), None),
        (torch.ones(2, 3), torch.ones(2, 2), "shape (2, 3); expected (2, 2)"),
        (torch.eye(2), torch.ones(2, 2), "differs at (0, 1): yours is 0, expected 1"),
        ("text", 1.0, "should be a number, but is text"),
        (None, 1.0, "is None: does it end in `return …`?"),
        ({"a": 1}, (1, 2), "but is a dict"),
        (map(abs, [1]), (1, 2), "a generator, which has computed nothing yet"),
        ([[1, 2], [3]], (1, 2), "a list whose parts do not fit together"),
        (float("nan"), 1.0, "nan"),
        (1 + 2j, 1.0, "1+2j"),
        ((1, 2), (1, 2), None),
    ],
)
def test_compare_says_what_differs(got, want, advice):
    said = compare(got, want)
    assert said is None if advice is None else advice in said


@pytest.mark.parametrize("value", ["x" * 10**7, list(range(10**6)), torch.zeros(3000, 3000),
                                   {i: i for i in range(10**5)}, 10**4000, torch.zeros((1,) * 50),
                                   [[]] * 10**5])  # fmt: skip
def test_what_is_shown_is_short(value):
    assert len(shown(value)) < 200
    assert len(compare(value, 1.0)) < 300


@pytest.mark.parametrize("value, words", [
    (torch.zeros(10) == 0, "a tensor of shape (10,)"), ([[1, 2], [3, 4]], "a list of shape (2, 2)"),
    ((1, 2), "(1, 2)"), (torch.tensor([1.5]), "(1.5)"),
])  # fmt: skip
def test_an_answer_is_named_so_that_a_sentence_can_go_on(value, words):
    assert shown(value) == words


def test_where_one_number_is_asked_for_the_advice_says_so():
    assert compare((2, 2), 4, "f(2)") == "f(2) is (2, 2); expected one number."
    assert compare(torch.zeros(2, 2), 4, "f(2)") == "f(2) is a tensor of shape (2, 2); expected one number."
