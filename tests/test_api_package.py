"""Gathering and rendering with what does not fit; the package as a whole."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import pyrascope as ps
from containers import picture, sentence
from pictures import PHOTO, photo
from tolerances import near


@pytest.mark.parametrize("size", [(56, 40), (40, 55), (1, 1), (80, 112)])
def test_gather_from_another_size_is_refused(size):
    plan = ps.plan(picture(), 4)
    with pytest.raises(ValueError, match=rf"image must be 40x56 px as its plan, got {size[0]}x{size[1]}; make a plan"):
        ps.gather(np.zeros((*size, 3)), plan)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda t: t[:-1], ValueError),
        (lambda t: t[:, :-1], ValueError),
        (lambda t: t[:, :, :-1], ValueError),
        (lambda t: t[0], (ValueError, TypeError)),
        (lambda t: t[None], (ValueError, TypeError)),
        (lambda t: t.astype(np.uint8), (ValueError, TypeError)),
        (lambda t: t.astype(object), (ValueError, TypeError)),
        (lambda t: t.astype(complex), (ValueError, TypeError)),
        (lambda t: t.transpose(0, 3, 1, 2), ValueError),
        (lambda t: torch.from_numpy(t), ValueError),
        (lambda t: t.tolist(), TypeError),
        (lambda t: None, TypeError),
    ],
)
def test_render_with_other_tokens_is_refused(change, error):
    plan = ps.plan(picture(), 4)
    with pytest.raises(error, match="tokens must be") as caught:
        ps.render(plan, change(ps.gather(picture(), plan)))
    sentence(caught)


def test_render_takes_tokens_of_any_byte_order_and_float():
    plan = ps.plan(picture(), 4)
    tokens = ps.gather(picture(), plan)
    near(ps.render(plan, tokens.astype(">f4")), ps.render(plan, tokens), "step")


@pytest.mark.parametrize("other", [None, "plan.json", [1], {"boxes": []}])
def test_what_is_no_plan_is_refused(other):
    with pytest.raises(TypeError, match=r"plan must be a pyrascope Plan, got .*; make one with pyrascope.plan"):
        ps.gather(picture(), other)
    with pytest.raises(TypeError, match=r"plan must be a pyrascope Plan, got .*; make one with pyrascope.plan"):
        ps.render(other, np.zeros((1, 16, 16, 3)))


def test_a_loaded_plan_gathers_the_same(tmp_path):
    plan = ps.plan(PHOTO, 100)
    plan.save(tmp_path / "plan.json")
    again = ps.Plan.load(tmp_path / "plan.json")
    assert torch.equal(ps.gather(photo(), again), ps.gather(photo(), plan))


def test_importing_has_no_side_effects(tmp_path):
    script = """
import logging, os, random, sys, warnings
import numpy, torch
def state():
    return (
        warnings.filters[:], torch.get_default_dtype(), torch.get_num_threads(), torch.initial_seed(),
        torch.are_deterministic_algorithms_enabled(), torch.is_grad_enabled(), numpy.geterr(), random.getstate(),
        str(numpy.random.get_state()), logging.root.handlers[:], dict(os.environ), sys.getrecursionlimit(), os.getcwd(),
    )
before = state()
import pyrascope
assert state() == before
assert pyrascope.__version__ and all(hasattr(pyrascope, name) for name in pyrascope.__all__)
top = {name.partition(".")[0] for name in sys.modules}
print(*sorted(top & set("matplotlib cv2 transformers rich typer pytest hypothesis einops scipy rapidocr".split())))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
