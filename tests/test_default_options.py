"""Every default that the documentation states, at its value: methods made without options, and public functions."""

import inspect

import pytest

import pyrascope as ps
from pyrascope.allocation import difficulty, importance
from pyrascope.methods.droppers import DROPPERS
from pyrascope.methods.named import METHODS
from pyrascope.methods.reducers import REDUCERS

GLANCE = "Glance(of=Complexity(weights=(1.0, 1.0, 1.0)), side=128)"
BEST = "RateDistortion(aspect=4, gain='recursive')"
GAZE = "Fixation(e0=0.75, pixels_per_degree=32.0, power=2.0, source='auto', count=1)"
FOVEATED = f"Foveated(gaze={GAZE}, content=False, weight=None)"
INFORMATION = "Information(levels=4, noise=0.00784313725490196)"
ORIENTATION = "Orientation(orientations=8, angle=None)"
MAPS = f"BandEnergy(levels=4), {INFORMATION}, {ORIENTATION}, Saliency(), SpectralResidual(side=64)"
LEARNED = f"Learned(maps=({MAPS}), weights=(0.26, 0.17, 0.0, 0.37, 0.2), floor=0.0)"

PIXELS = {
    "rate-distortion": BEST,
    "two-levels": "TwoLevels()",
    "resize": "Resize()",
    "uniform": "Uniform()",
    "random": "Random(seed=0)",
    "frequency": "Frequency()",
    "saliency-pyramid": "SaliencyPyramid(levels=4, weights=None)",
    "progressive-levels": "ProgressiveLevels(shares=(1.0, 0.3, 0.1), tokens_per_region=(64, 128, 400))",
    "difficulty-tiers": f"DifficultyTiers(difficulty={GLANCE}, thresholds=(0.42, 0.46), "
    "budgets=((40, 50, 60), (55, 68, 70, 80), (60, 90, 100, 100, 100)))",
    "region-tiers": f"RegionTiers(tokens=(64, 144, 400), thresholds=(0.42, 0.46), difficulty={GLANCE})",
    "dynamic-pyramid": f"DynamicPyramid(difficulty={GLANCE}, thresholds=(0.4, 0.7))",
    "adaptive-depth": f"AdaptiveDepth(method={BEST}, difficulty={GLANCE}, thresholds=(0.42, 0.46), depths=(3, 4, 5))",
    "multi-scale": "MultiScale(levels=3, region=None, minimum=None, maximum=None)",
    "anisotropic": "Anisotropic(boost=0.2, skew=4.0, region=None, minimum=None, maximum=None)",
    "foveated": FOVEATED,
    "mixture": f"Mixture(methods=({BEST}, {FOVEATED}), weights=None)",
    "with-context": f"WithContext(method={BEST}, share=0.125)",
    "zoom": "Zoom()",
    "never-worse": "NeverWorse(method=RateDistortion(aspect=1, gain='recursive'), criterion=None)",
    "coarse-to-fine": f"CoarseToFine(method={BEST}, share=50, elsewhere=0.02, counted=True)",
}
FEATURES = {
    "resize": "Resize()",
    "pool": "Pool()",
    "random": "Random(seed=0)",
    "tome": "ToMe(step=None)",
    "div-prune": "DivPrune()",
    "dart": "DART(pivots=8)",
    "faster-vlm": "FasterVLM()",
    "vision-zip": "VisionZip(contextual=10, merge='published')",
    "pru-merge": "PruMerge(neighbours=32)",
    "hired": "HiRED(whole=0.5)",
    "pyramid-token-pruning": "PyramidTokenPruning(text=0.5)",
    "cd-pruner": "CDPruner(strength=None, negated=False)",
}
LAYERS = {
    "pyramid-drop": "PyramidDrop(ratio=0.5, after=None)",
    "fast-v": "FastV(after=2, ratio=0.5, rows='last')",
    "sparse-vlm": "SparseVLM(table=192, recycle=0.3, neighbours=5)",
    "scheduled": "Scheduled(stages=((2, 0.5),))",
    "random": "Random(stages=((2, 0.5),), seed=0)",
}
MAPS = {name: getattr(room, name) for room in (importance, difficulty) for name in room.__all__}

IMPORTANCE = {
    "Attention": "Attention()",
    "BandEnergy": "BandEnergy(levels=4)",
    "Complexity": "Complexity(weights=(1.0, 1.0, 1.0))",
    "Fixation": GAZE,
    "Glance": GLANCE,
    "Information": INFORMATION,
    "Learned": LEARNED,
    "Orientation": ORIENTATION,
    "Query": "Query(kind='cosine', temperature=1.0)",
    "RelevanceRealization": f"RelevanceRealization(propositional={INFORMATION}, perspectival=Saliency(), "
    f"participatory=Coupling(), procedural={LEARNED}, weights=(0.25, 0.25, 0.25, 0.25), floor=0.0)",
    "Saliency": "Saliency()",
    "SpectralResidual": "SpectralResidual(side=64)",
    "TrainedDifficulty": "TrainedDifficulty()",
}
GIVEN_MAPS = {
    "Weighted": {"weights": None, "floor": 0.0},
    "Product": {"powers": None},
    "Opponent": {"gain": 1.0},
}
FUNCTIONS = {
    "methods.Frequency": {"weights": None, "thresholds": None},
    "plan": {"budget": None, "method": None, "cell": 16, "weight": None, "context": None},
    "allocate": {"minimum": 1, "maximum": 400},
    "importance_map": {"cell": 16, "context": None},
    "Context": {"question": None, "query": None, "features": None, "fixation": None, "attention": None},
    "gaussian_pyramid": {"levels": None, "mode": "reflect", "channel_axis": None},
    "laplacian_pyramid": {"levels": None, "mode": "reflect", "channel_axis": None},
    "laplacian_reconstruct": {"mode": "reflect", "channel_axis": None},
    "reduce": {"mode": "reflect", "channel_axis": None},
    "expand": {"mode": "reflect", "channel_axis": None},
    "mipmap": {"levels": None, "channel_axis": None},
    "steerable_pyramid": {
        "levels": None, "orientations": 4, "complex": False, "decimate": True, "channel_axis": None,
    },
    "steerable_reconstruct": {"levels": None, "orientations": None, "residuals": True},
    "LaplacianLoss": {
        "levels": 4, "weights": (1.0, 0.5, 0.25, 0.125), "norm": "l1", "reduction": "mean", "mode": "reflect",
    },
    "CrossScaleAttention": {"own": False, "bias": True},
    "probe": {"layer": None, "generic": None, "debias": "none", "processor": None},
    "viz.importance_figure": {"cell": 16},
    "viz.methods_figure": {"plans": None, "budget": 256, "cell": 16},
    "viz.plan_figure": {"compare": True},
    "viz.pyramid_figure": {"bands": False, "title": ""},
    "viz.steerable_figure": {"title": ""},
}  # fmt: skip


def defaults(function):
    values = {name: one.default for name, one in inspect.signature(function).parameters.items()}
    return {name: value for name, value in values.items() if value is not inspect.Parameter.empty}


@pytest.mark.parametrize(
    ("kinds", "stated"),
    [(METHODS, PIXELS), (REDUCERS, FEATURES), (DROPPERS, LAYERS)],
    ids=["pixels", "features", "layers"],
)
def test_methods_without_options_are_as_stated(kinds, stated):
    assert {name: repr(kind()) for name, kind in kinds.items()} == stated


def test_maps_without_options_are_as_stated():
    made = {name: repr(MAPS[name]()) for name in IMPORTANCE}
    assert made == IMPORTANCE
    classes = {name for name, kind in MAPS.items() if hasattr(kind, "__dataclass_fields__")}
    assert classes == set(IMPORTANCE) | set(GIVEN_MAPS)


@pytest.mark.parametrize("name", GIVEN_MAPS)
def test_maps_of_maps_have_the_stated_defaults(name):
    assert defaults(MAPS[name]) == GIVEN_MAPS[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_stated_defaults(name):
    function = ps
    for part in name.split("."):
        function = getattr(function, part)
    assert defaults(function) == FUNCTIONS[name]
