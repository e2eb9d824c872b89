import math

import pytest
import torch

from pictures import noise
from pyrascope.allocation.contracts.allocator import Context, Scene
from pyrascope.allocation.importance import Attention, Query
from pyrascope.allocation.importance.query import (
    cosine_relevance,
    cross_attention,
    encoded,
    has_query,
    query_map,
    relative_attention,
)
from tolerances import near


def cells():
    return noise(3, 4, 8, dtype=torch.float64) - 0.5, noise(8, dtype=torch.float64, seed=1) - 0.5


def test_cosine_by_torch():
    features, query = cells()
    near(cosine_relevance(features, query), torch.cosine_similarity(features, query, dim=-1), "step")
    assert not cosine_relevance(torch.zeros(2, 2, 8), query).any()


def test_cross_attention_is_scaled_dot_product_attention():
    features, query = cells()
    keys = features.reshape(1, 12, 8)
    weights = torch.nn.functional.scaled_dot_product_attention(query[None, None], keys, torch.eye(12).double()[None])
    near(cross_attention(features, query).flatten(), weights.flatten(), "step")
    near(cross_attention(features, query, 1e15), torch.full((3, 4), 1 / 12, dtype=torch.float64))


def test_relative_attention_takes_out_what_always_draws():
    sink = torch.tensor([[9.0, 1.0, 1.0]])
    near(relative_attention(sink, sink), torch.ones(1, 3, dtype=torch.float64), "step")
    found = relative_attention(torch.tensor([[9.0, 1.0, 3.0]]), sink)
    near(found, torch.tensor([[1.0, 1.0, 3.0]], dtype=torch.float64), "step")
    assert bool(relative_attention(torch.ones(1, 2), torch.tensor([[0.0, 1.0]])).isfinite().all())
    with pytest.raises(ValueError, match="one shape"):
        relative_attention(torch.ones(2, 2), torch.ones(2, 3))


def test_query_follows_the_question_at_any_grid_of_features():
    image = noise(3, 64, 96)
    features = torch.zeros(2, 3, 2)
    features[0, 0], features[1, 2] = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    for kind in ("cosine", "attention"):
        maps = [
            Query(kind)(Scene(image, context=Context(query=torch.tensor(q), features=features)), 16)
            for q in ([1.0, 0.0], [0.0, 1.0])
        ]
        places = [divmod(int(one.argmax()), 6) for one in maps]
        assert [(row // 2, column // 2) for row, column in places] == [(0, 0), (1, 2)]


def test_query_does_not_need_a_cone_to_be_centred():
    """Cosines of real models lie in a narrow cone: what all cells share does not count."""
    image, (features, query) = noise(1, 48, 64), cells()
    lifted = torch.cat([features, torch.full((3, 4, 1), 50.0)], -1)
    context = Context(query=torch.cat([query, torch.tensor([50.0])]), features=lifted)
    found = Query()(Scene(image, context=context), 16)
    assert float(found.max()) > 1.5
    assert float(found.min()) == 0


def test_attention_is_averaged_over_cells():
    attention = torch.tensor([[0.0, 1.0], [2.0, 5.0]])
    found = Attention()(Scene(torch.zeros(1, 32, 32), context=Context(attention=attention)), 16)
    near(found, attention.double() / 2, "step")
    assert bool((Attention()(Scene(torch.zeros(1, 32, 32), context=Context(attention=attention * 0)), 8) == 1).all())


def test_encoders_plug_in():
    scene = Scene(noise(3, 32, 32), context=Context(question="where is the cat?"))
    context = encoded(scene, lambda question: torch.ones(len(question)), lambda image: torch.ones(2, 2, 17))
    assert has_query(context)
    assert not has_query(scene.context)
    assert context.question == "where is the cat?"
    assert bool((query_map(Scene(scene.image, context=context), 16) == 1).all())
    with pytest.raises(ValueError, match=r"context\.question"):
        encoded(Scene(scene.image), lambda question: torch.ones(1))


def test_what_is_missing_is_named():
    image = torch.zeros(1, 8, 8)
    for context, match in ((Context(), "features"), (Context(features=torch.ones(1, 1, 2)), "no query")):
        with pytest.raises(ValueError, match=match):
            Query()(Scene(image, context=context), 16)
    with pytest.raises(ValueError, match=r"context\.attention"):
        Attention()(Scene(image), 16)


@pytest.mark.parametrize(
    "make", [lambda: Query("dot"), lambda: Query(temperature=0.0), lambda: Query(temperature=math.inf)]
)
def test_options_are_checked(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((2, 2, 3), (4,)), ((2, 2, 3), (1, 3))])
def test_shapes_are_checked(shapes):
    with pytest.raises(ValueError, match="of the same d"):
        cosine_relevance(*(torch.ones(shape) for shape in shapes))
