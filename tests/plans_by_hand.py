"""A plan made by hand, and what is refused of one."""

import json

from hypothesis import strategies as st

from pyrascope import Plan

HAND = {
    "boxes": [[0, 0, 32, 16], [0, 16, 32, 32]],
    "levels": [[1, 0], [1, 0]],
    "scores": [0.5, 0.25],
    "image_size": (32, 32),
    "cell": 16,
    "method": "by hand",
}


def made(**fields):
    return Plan(**(HAND | fields))


def document(**fields):
    return json.dumps(json.loads(made().to_json()) | fields)


side = st.integers(1, 40)
