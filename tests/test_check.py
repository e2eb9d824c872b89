import numpy as np
import pytest

from pyrascope import _check


def test_whole_number_takes_ints_and_numpy_ints():
    assert _check.whole_number(3, "budget", 1) == 3
    assert type(_check.whole_number(np.int64(3), "budget", 1, 3)) is int


@pytest.mark.parametrize("value", [True, 2.0, "2", None, np.float32(2)])
def test_whole_number_refuses_other_types(value):
    with pytest.raises(TypeError, match="budget must be a whole number >= 1, got"):
        _check.whole_number(value, "budget", 1)


@pytest.mark.parametrize("value", [0, -1, 5, 10**400])
def test_whole_number_names_the_range(value):
    with pytest.raises(ValueError, match=r"budget must be a whole number from 1 to 4, got .+; use fewer") as error:
        _check.whole_number(value, "budget", 1, 4, hint="use fewer")
    assert len(str(error.value)) < 160


def test_one_of_lists_what_is_allowed():
    assert _check.one_of("reflect", "mode", ("reflect", "constant")) == "reflect"
    with pytest.raises(ValueError, match="mode must be one of 'reflect', 'constant', got 'mirror'"):
        _check.one_of("mirror", "mode", ("reflect", "constant"))
