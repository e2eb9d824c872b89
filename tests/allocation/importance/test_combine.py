import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.importance import (
    Attention,
    BandEnergy,
    Fixation,
    Opponent,
    Product,
    Saliency,
    SpectralResidual,
    Weighted,
)
from tolerances import near

SCENE = Scene(noise(3, 64, 80), context=Context(fixation=(10.0, 70.0), attention=noise(4, 5, seed=2)))
FIRST, SECOND = Fixation(), Attention()


def both():
    return FIRST(SCENE, 16), SECOND(SCENE, 16)


def test_weighted_is_the_weighted_mean():
    first, second = both()
    near(Weighted((FIRST, SECOND))(SCENE, 16), (first + second) / 2, "step")
    near(Weighted((FIRST, SECOND), (3.0, 1.0), floor=1.0)(SCENE, 16), (3 * first + second + 1) / 5, "step")
    near(Weighted((FIRST, SECOND), (0.0, 1.0))(SCENE, 16), second, "step")


def test_product_is_the_product_to_powers():
    first, second = both()
    expected = first**2 * second
    near(Product((FIRST, SECOND), (2.0, 1.0))(SCENE, 16), expected / expected.mean(), "step")
    near(Product((FIRST, SECOND), (0.0, 1.0))(SCENE, 16), second, "step")


def test_product_of_high_powers_is_finite_and_of_nothing_in_common_is_ones():
    found = Product((FIRST,), (500.0,))(SCENE, 16)
    near(found.max(), torch.tensor(20.0, dtype=torch.float64), "step")
    left, right = (torch.tensor([[float(side), 1.0 - side]]) for side in (0, 1))
    scene = Scene(torch.zeros(1, 16, 32), context=Context(attention=left))

    class Right:
        def __call__(self, scene, cell):
            return right.double() * 2

    assert bool((Product((Attention(), Right()))(scene, 16) == 1).all())


def test_opponent_is_the_positive_part():
    first, second = both()
    expected = (first - 0.5 * second).clamp(min=0)
    near(Opponent(FIRST, SECOND, gain=0.5)(SCENE, 16), expected / expected.mean(), "step")
    assert bool((Opponent(FIRST, FIRST)(SCENE, 16) == 1).all())


def test_maps_of_weight_zero_are_not_computed():
    near(Weighted((Attention(), Saliency()), (0.0, 1.0))(Scene(SCENE.image), 16), Saliency()(SCENE, 16), "step")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Weighted(()), TypeError),
        (lambda: Weighted((Saliency,)), TypeError),
        (lambda: Weighted([Saliency()]), TypeError),
        (lambda: Weighted((Saliency(),), (1.0, 2.0)), ValueError),
        (lambda: Weighted((Saliency(),), (0.0,)), ValueError),
        (lambda: Weighted((Saliency(),), (float("nan"),)), ValueError),
        (lambda: Product((Saliency(), BandEnergy()), (1.0, -1.0)), ValueError),
        (lambda: Opponent(Saliency(), SpectralResidual(), gain=float("inf")), ValueError),
        (lambda: Opponent(Saliency(), 3), TypeError),
    ],
)
def test_options_are_checked(make, error):
    with pytest.raises(error, match="must be"):
        make()
