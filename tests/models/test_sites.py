"""Where a method belongs: it says so itself."""

import inspect

import pytest

import pyrascope as ps
from pyrascope.methods.droppers import DROPPERS
from pyrascope.methods.named import METHODS
from pyrascope.methods.reducers import REDUCERS
from pyrascope.models.options import TAKEN, PixelOptions
from pyrascope.models.sites import FEATURES, LAYERS, PIXELS, check_site, site_of


@pytest.mark.parametrize(("table", "site"), [(METHODS, PIXELS), (REDUCERS, FEATURES), (DROPPERS, LAYERS)])
def test_every_class_says_its_site(table, site):
    assert {name: kind.site for name, kind in table.items()} == dict.fromkeys(table, site)


class Own:
    """An allocator of somebody else, whose first parameter has another name."""

    site = "pixels"

    def __call__(self, images, budget, cell):
        return []


def test_an_own_method_is_believed_whatever_its_parameters_are_called():
    assert site_of(Own()) == PIXELS
    check_site(Own(), PIXELS)
    with pytest.raises(TypeError, match=r"method must be a reducer \(features site\), got .* of the pixels site"):
        check_site(Own(), FEATURES)


@pytest.mark.parametrize(
    ("method", "site"),
    [
        (lambda scenes, budget, cell: [], PIXELS),
        (lambda features, budget: None, FEATURES),
        (type("Dropping", (), {"schedule": None, "keep": None})(), LAYERS),
    ],
)
def test_a_method_without_a_site_is_recognised_and_told_to_say_it(method, site):
    with pytest.warns(DeprecationWarning, match=f"has no attribute `site`.*give its class `site: ClassVar = '{site}'`"):
        assert site_of(method) == site


@pytest.mark.parametrize("method", [7, "resize", lambda *anything: [], lambda image, budget: [], len, None])
def test_what_is_not_a_method_is_refused_and_the_attribute_named(method):
    with pytest.raises(TypeError, match="or have the attribute `site` with the value 'pixels', 'features' or 'layers'"):
        site_of(method)


def test_a_site_that_is_not_one_of_the_three_is_refused():
    with pytest.raises(TypeError, match="have the attribute `site`"):
        site_of(type("Elsewhere", (Own,), {"site": "tokens"})())
    with pytest.raises(TypeError, match=r"got the class Own; make one: Own\(\)"):
        site_of(Own)


@pytest.mark.parametrize("door", [ps.attach, ps.prepare, ps.models.plan_inputs])
def test_the_doors_name_their_options(door):
    names = set(inspect.signature(door).parameters)
    assert set(TAKEN[PIXELS]) <= names
    assert not any(kind.kind is inspect.Parameter.VAR_KEYWORD for kind in inspect.signature(door).parameters.values())
    defaults = {name: inspect.signature(door).parameters[name].default for name in TAKEN[PIXELS]}
    assert defaults == vars(PixelOptions())
