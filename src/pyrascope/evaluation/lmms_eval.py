"""A model that spends exactly B visual tokens an image, for the benchmarks of lmms-eval.

Not run here: lmms-eval was not at hand, and its benchmarks need data from the hub. What stands here follows its
interface of a simple model (`lmms_eval.api.model.lmms`: requests of context, generation arguments, function of the
visuals, document, task and split) and of its registry (`ModelManifest` by an entry point of the group
`lmms_eval.models`), as its repository shows them in 2026; the tests hold it to a stand-in of that interface.

With an entry point `pyrascope = "pyrascope.evaluation.lmms_eval:manifest"` in that group, `python -m lmms_eval` takes
`--model pyrascope --model_args pretrained=llava-hf/llava-1.5-7b-hf,method=div-prune,budget=64`.
"""

import importlib
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch

from ..models.attach import attach
from ..models.budgets import budget_from
from ..models.by_name import any_method_from
from ..models.prepare import prepare
from ..models.prompts.chat import image_token, prompt_of
from ..models.sites import LAYERS, site_of
from ..models.stock.load import load

MODEL = "Pyrascope"


def manifest() -> Any:
    """Returns what registers the model `pyrascope`; ImportError where lmms-eval is missing or too old."""
    return _part("lmms_eval.models.registry_v2").ModelManifest("pyrascope", simple_class_path=f"{__name__}.{MODEL}")


def __getattr__(name: str) -> Any:
    if name == MODEL:
        return _model()
    raise AttributeError(f"module {__name__} has no attribute {name}")


def _part(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"lmms-eval is needed, got {error}; run: pip install 'lmms-eval>=0.5'") from error


KNOWN = {"device", "batch_size", "max_batch_size"}
"""What the harness itself gives every model."""


@cache
def _model() -> type:
    """The class, made when it is asked for, since what it is made from is optional."""

    class Pyrascope(_part("lmms_eval.api.model").lmms):  # type: ignore[misc]
        """Answers by a method and a budget; without a method with all visual tokens."""

        def __init__(
            self, pretrained: str, method: str = "", budget: float | str = 0, at_most: bool | str = False, **others: Any
        ) -> None:
            unknown = sorted(set(others) - KNOWN)
            if unknown:
                raise TypeError(
                    f"model_args must be of pretrained, method, budget, at_most, {', '.join(sorted(KNOWN))}, "
                    f"got {', '.join(unknown)}; leave it out"
                )
            super().__init__()
            self.model, self.processor = load(pretrained)
            self.model.to(others.get("device") or "cpu")
            self.method = any_method_from(method) if method else None
            self.budget = budget_from(str(budget)) or None
            self.at_most = str(at_most).lower() in ("true", "1")

        def generate_until(self, requests: Sequence[Any]) -> list[str]:
            """Returns one answer a request."""
            return [self._answer(*request.args) for request in requests]

        def _answer(self, context: str, options: Any, visuals_of: Any, number: Any, task: str, split: str) -> str:
            images = list(visuals_of(self.task_dict[task][split][number]) or [])
            text = context.replace(image_token(self.processor), " ").strip()
            most = int(options.get("max_new_tokens", options.get("max_gen_toks", 64)))
            said = generated(self.model, self.processor, images, text, self.method, self.budget, most, self.at_most)
            until = options.get("until") or []
            for end in [until] if isinstance(until, str) else until:
                said = said.split(end)[0] if end else said
            return said.strip()

        def loglikelihood(self, requests: Sequence[Any]) -> Any:
            raise NotImplementedError("pyrascope answers generate_until alone, got loglikelihood; choose another task")

        def generate_until_multi_round(self, requests: Sequence[Any]) -> Any:
            raise NotImplementedError("pyrascope answers generate_until alone, got rounds; choose another task")

    return Pyrascope


@torch.no_grad()
def generated(
    model: Any,
    processor: Any,
    images: Sequence[Any],
    text: str,
    method: Any,
    budget: float | None,
    most: int,
    at_most: bool = False,
) -> str:
    """Returns the greedy answer to a question about any number of images, each for `budget` visual tokens."""
    prompt = prompt_of(processor, text, images=len(images))
    inside = method is not None and site_of(method) == LAYERS
    if method is None or inside or not images:
        given = {"text": prompt, "return_tensors": "pt", **({"images": list(images)} if images else {})}
        inputs = dict(processor(**given).to(model.device))
    else:
        inputs = prepare(model, processor, list(images), prompt, method=method, budget=budget, at_most=at_most)[0]
    with attach(model, method, budget, processor=processor, at_most=at_most) if inside and images else nullcontext():
        out = model.generate(**inputs, max_new_tokens=most, do_sample=False, num_beams=1)
    return str(processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
