"""One call asks the built-in model: its own look, its warnings, its refusals."""

import warnings

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.builtin.asking import ask
from pyrascope.builtin.look import TrainedLook
from pyrascope.builtin.package import load, load_heads
from pyrascope.methods import CoarseToFine, Zoom
from pyrascope.methods.reducers import ToMe
from pyrascope.models import answer
from pyrascope.world.scenes import sample
from tiny_builtin import save_tiny_builtin
from tolerances import near


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_builtin(tmp_path_factory.mktemp("builtin"))


@pytest.fixture(scope="module")
def shown():
    return sample(2, 0)


def test_it_is_the_same_as_asking_step_by_step(folder, shown):
    model, processor = load(folder)
    method = CoarseToFine(Zoom(), share=67, detector=TrainedLook(load_heads(folder)))
    wanted = answer(model, processor, shown.image, shown.question, method=method, budget=96)
    for given in ({}, {"method": CoarseToFine(Zoom(), share=67)}):
        found = ask(shown.image, shown.question, folder=folder, **given)
        assert (found.text, found.tokens, found.plan) == (wanted.text, 96, wanted.plan)
        near(found.entropy, wanted.entropy, "transform", dtype=torch.float32)


def test_all_tokens_and_other_methods(folder, shown):
    assert ask(shown.image, shown.question, None, folder=folder).tokens == 1024
    assert ask(shown.image, shown.question, 20, method=ToMe(), folder=folder).tokens == 20


def test_a_stranger_gets_an_answer_and_a_warning(folder):
    with pytest.warns(UserWarning, match="knows only its own scenes") as warned:
        found = ask(np.full((40, 60, 3), 99, np.uint8), "is there a red star?", folder=folder)
    assert len(warned) == 1
    assert 0 <= found.entropy < 5


def test_refusals(folder, shown, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="got meaning, life"):
            ask(shown.image, "what is the meaning of life?", folder=folder)
        with pytest.raises(ValueError, match="budget must be a whole number from 1 to 1024, got 0"):
            ask(shown.image, shown.question, 0, folder=folder)
        with pytest.raises(FileNotFoundError, match="weights must be in"):
            ask(shown.image, shown.question, folder=tmp_path)
