"""What is used of a model of transformers and of its processor."""

from typing import Any, Protocol

import torch
from torch.nn import Module


class Model(Protocol):
    """A model of transformers for images and text: what the adapters ask of one."""

    config: Any
    generation_config: Any
    training: bool

    @property
    def base_model(self) -> Any:
        """The model without its head: towers, projector and language model."""
        ...

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        ...

    def get_input_embeddings(self) -> Module:
        """Returns the table of token embeddings."""
        ...

    def modules(self) -> Any:
        """Returns all parts."""
        ...

    def parameters(self) -> Any:
        """Returns all weights."""
        ...

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """Returns new tokens."""
        ...

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the output for one prompt or batch."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs `forward` with its hooks."""
        ...


class Processor(Protocol):
    """A processor of transformers: makes the inputs of its model."""

    tokenizer: Any
    image_token: str

    def apply_chat_template(self, *args: Any, **kwargs: Any) -> Any:
        """Returns a conversation as the model has learnt to read it."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Returns token ids, pixels and what describes them."""
        ...
