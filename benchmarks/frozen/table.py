"""The rows of `frozen_encoder.py`.

A plain resize by three filters; plans of any levels; plans with no box larger than the coarsest whole grid that fits
("levels limited"); that grid and one octave finer, or native cells ("two levels"); a coarse view with native cells over
it ("view"); plans by what features lose; plans that are told where the true region is; and what is chosen or merged
after the encoder. "position area", "corner": see `Tower.positions`; "sized": see `Tower.of_plan`, half of it where it
says so.
"""

from functools import partial

import pyrascope as ps
from rows import (
    Planner,
    Row,
    by_plan,
    feature_gain,
    levels_whole,
    limited,
    method,
    resized,
    rooted,
    selected,
    told,
    two_levels,
    with_view,
)  # fmt: skip


def _rate_distortion(aspect: int) -> Planner:
    return partial(method, method=ps.methods.method_from(f"RateDistortion(aspect={aspect})"))


FOVEATED: Planner = partial(method, method=ps.methods.Foveated())
NEXT, NATIVE = partial(two_levels, native=False), partial(two_levels, native=True)
ASPECTS = {f"aspect {aspect}": _rate_distortion(aspect) for aspect in (1, 2, 4)}
ROWS: dict[str, Row] = {
    **{f"resize, {filter}": partial(resized, filter=filter) for filter in ("lanczos", "cubic", "linear")},
    **{name: by_plan(plan) for name, plan in ASPECTS.items()},
    **{f"{name}, position area": by_plan(plan, "area") for name, plan in ASPECTS.items()},
    "aspect 1, position corner": by_plan(ASPECTS["aspect 1"], "corner"),
    **{f"{name}, sized": by_plan(plan, sized=1) for name, plan in ASPECTS.items()},
    "aspect 1, half sized": by_plan(ASPECTS["aspect 1"], sized=0.5),
    "error to the 1/2": by_plan(partial(rooted, power=0.5)),
    "error to the 1/4": by_plan(partial(rooted, power=0.25)),
    "foveated": by_plan(FOVEATED),
    "foveated, position area": by_plan(FOVEATED, "area"),
    "foveated, sized": by_plan(FOVEATED, sized=1),
    "levels limited": by_plan(limited),
    "levels limited, sized": by_plan(limited, sized=1),
    "levels limited, half sized": by_plan(limited, sized=0.5),
    "two levels, next": by_plan(NEXT),
    "two levels, next, position area": by_plan(NEXT, "area"),
    "two levels, next, sized": by_plan(NEXT, sized=1),
    "two levels, next, half sized": by_plan(NEXT, sized=0.5),
    "two levels, native": by_plan(NATIVE),
    "two levels, native, sized": by_plan(NATIVE, sized=1),
    "view 1/2 and crop": with_view(0.5),
    "view 1/2 and crop, position area": with_view(0.5, "area"),
    "view 1/2 and crop, sized": with_view(0.5, sized=1),
    "view 3/4 and crop": with_view(0.75),
    "view 3/4 and crop, sized": with_view(0.75, sized=1),
    "view 1/2 and scattered cells": with_view(0.5, scattered=True),
    "view 3/4 and scattered cells": with_view(0.75, scattered=True),
    "view 3/4 and scattered cells, sized": with_view(0.75, scattered=True, sized=1),
    "view 3/4 and crop, an octave finer": with_view(0.75, octave=True),
    "gain in features, look": by_plan(partial(feature_gain, look=True)),
    "gain in features, all known": by_plan(partial(feature_gain, look=False)),
    "gain in features, all known, sized": by_plan(partial(feature_gain, look=False), sized=1),
    "told: aspect 1, weighted": by_plan(partial(told, kind="any levels")),
    "told: aspect 1, weighted, sized": by_plan(partial(told, kind="any levels"), sized=1),
    "told: levels limited, weighted, half sized": by_plan(partial(told, kind="levels limited"), sized=0.5),
    "told: two levels, next, weighted, half sized": by_plan(partial(told, kind="two levels"), sized=0.5),
    "told: foveated": by_plan(partial(told, kind="foveated")),
    "told: foveated, sized": by_plan(partial(told, kind="foveated"), sized=1),
    "told: view 1/2 and crop": with_view(0.5, told=True),
    "told: view 1/2 and crop, sized": with_view(0.5, told=True, sized=1),
    "told: view 3/4 and crop": with_view(0.75, told=True),
    "told: view 3/4 and crop, sized": with_view(0.75, told=True, sized=1),
    "told: view 3/4 and crop, half sized": with_view(0.75, told=True, sized=0.5),
    "levels encoded whole": levels_whole,
    **{
        f"after the encoder: {kind}": partial(selected, kind=kind)
        for kind in ("top-k attention", "DivPrune", "ToMe", "resize")
    },
}
CONFIRMED = (
    "resize, lanczos", "aspect 1", "aspect 4", "aspect 1, half sized", "levels limited", "levels limited, half sized",
    "two levels, next", "two levels, next, position area", "two levels, next, half sized", "two levels, next, sized",
    "view 3/4 and crop, sized", "gain in features, look",
    "told: aspect 1, weighted", "told: levels limited, weighted, half sized",
    "told: two levels, next, weighted, half sized", "told: foveated", "told: view 3/4 and crop, half sized",
    "after the encoder: DivPrune", "after the encoder: ToMe", "after the encoder: resize",
)  # fmt: skip
"""What is measured again on fresh photographs: the best of each kind, what the defaults are held against, and two
combinations that were never tried before."""
