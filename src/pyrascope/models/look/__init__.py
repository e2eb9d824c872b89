"""Where the model looks: attention read from its own layers."""

from ..._moved import names_of

__getattr__ = names_of(__name__)
