"""The names that modules had before they moved into rooms: they keep working, with a DeprecationWarning."""

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "allocation.allocator": "allocation.contracts.allocator",
    "allocation.attention": "allocation.contracts.attention",
    "allocation.budget": "allocation.budgets.budget",
    "allocation.compiled": "allocation.tree.compiled",
    "allocation.cost": "allocation.budgets.cost",
    "allocation.crops": "allocation.export.crops",
    "allocation.density": "allocation.tree.density",
    "allocation.detail": "allocation.export.detail",
    "allocation.distortion": "allocation.tree.distortion",
    "allocation.dropper": "allocation.contracts.dropper",
    "allocation.exact": "allocation.tree.exact",
    "allocation.gate": "allocation.budgets.gate",
    "allocation.importance.difficulty": "allocation.difficulty.difficulty",
    "allocation.importance.glance": "allocation.difficulty.glance",
    "allocation.importance.trained_difficulty": "allocation.difficulty.trained_difficulty",
    "allocation.kernels": "allocation.tree.kernels",
    "allocation.kernels.distortion": "allocation.tree.kernels.distortion",
    "allocation.kernels.integration": "allocation.tree.kernels.integration",
    "allocation.kernels.pruning": "allocation.tree.kernels.pruning",
    "allocation.levels": "allocation.grids.levels",
    "allocation.measure": "allocation.tree.measure",
    "allocation.partition": "allocation.tree.partition",
    "allocation.reducer": "allocation.contracts.reducer",
    "allocation.region_plans": "allocation.grids.region_plans",
    "allocation.regions": "allocation.grids.regions",
    "allocation.selection": "allocation.budgets.selection",
    "allocation.solver": "allocation.tree.solver",
    "allocation.tiers": "allocation.grids.tiers",
    "allocation.tiles": "allocation.contracts.tiles",
    "allocation.tree": "allocation.tree.tree",
    "allocation.weight": "allocation.contracts.weight",
    "cli.compare_answers": "cli.evaluate",
    "evaluation.answering": "evaluation.answers.answering",
    "evaluation.baselines": "evaluation.answers.baselines",
    "evaluation.compare": "evaluation.pictures.compare",
    "evaluation.contenders": "evaluation.answers.contenders",
    "evaluation.density": "evaluation.pictures.density",
    "evaluation.evidence": "evaluation.answers.evidence",
    "evaluation.examples": "evaluation.answers.examples",
    "evaluation.gating": "evaluation.answers.gating",
    "evaluation.gaze": "evaluation.pictures.gaze",
    "evaluation.metrics": "evaluation.pictures.metrics",
    "evaluation.parallel": "evaluation.answers.parallel",
    "evaluation.report": "evaluation.answers.report",
    "evaluation.results": "evaluation.answers.results",
    "evaluation.scores": "evaluation.answers.scores",
    "evaluation.ssim": "evaluation.pictures.ssim",
    "evaluation.timing": "evaluation.answers.timing",
    "models.answer": "models.ask.answer",
    "models.attention_tap": "models.stock.attention_tap",
    "models.builtin": "builtin",
    "models.builtin.architecture": "builtin.architecture",
    "models.builtin.ask": "builtin.asking",
    "models.builtin.domain": "builtin.domain",
    "models.builtin.drawing": "world.drawing",
    "models.builtin.forward": "builtin.forward",
    "models.builtin.glyphs": "world.glyphs",
    "models.builtin.grounds": "world.grounds",
    "models.builtin.heads": "builtin.heads",
    "models.builtin.look": "builtin.look",
    "models.builtin.package": "builtin.package",
    "models.builtin.questions": "world.questions",
    "models.builtin.scenes": "world.scenes",
    "models.builtin.train": "builtin.train",
    "models.builtin.train.checkpoint": "learning.training.checkpoint",
    "models.builtin.train.crops": "builtin.train.crops",
    "models.builtin.train.heads": "builtin.train.losses",
    "models.builtin.train.layouts": "builtin.train.layouts",
    "models.builtin.train.loop": "builtin.train.loop",
    "models.builtin.train.muon": "learning.training.muon",
    "models.builtin.train.pages": "builtin.train.pages",
    "models.builtin.train.precision": "learning.training.precision",
    "models.builtin.train.quizzes": "builtin.train.quizzes",
    "models.builtin.train.recipe": "builtin.train.recipe",
    "models.builtin.train.stage": "builtin.train.stage",
    "models.builtin.train.targets": "builtin.train.targets",
    "models.builtin.vocabulary": "world.vocabulary",
    "models.builtin.wording": "world.wording",
    "models.canvas": "models.families.parts.canvas",
    "models.checks": "models.verify.checks",
    "models.checks.check": "models.verify.checks.check",
    "models.checks.features": "models.verify.checks.features",
    "models.checks.layers": "models.verify.checks.layers",
    "models.checks.pixels": "models.verify.checks.pixels",
    "models.checks.shorter": "models.verify.checks.shorter",
    "models.clock": "models.stock.clock",
    "models.context": "models.features.context",
    "models.decoder": "models.stock.decoder",
    "models.dispatch": "models.fewer",
    "models.encode": "models.stock.encode",
    "models.families.by_run": "models.families.parts.arrangement",
    "models.families.family": "models.families.parts.arrangement",
    "models.families.mistral3": "models.families.pixtral",
    "models.families.vit": "models.families.llava",
    "models.features": "models.features.site",
    "models.generic": "models.look.generic",
    "models.inputs": "models.stock.inputs",
    "models.layers.attached": "models.layers.site",
    "models.layout": "models.families.parts.layout",
    "models.load": "models.stock.load",
    "models.look": "models.look.first",
    "models.needed": "models.verify.small.needed",
    "models.noise": "models.verify.small.noise",
    "models.own_thread": "models.stock.own_thread",
    "models.patched": "models.stock.patched",
    "models.pixels": "models.pixels.site",
    "models.placeholders": "models.stock.placeholders",
    "models.placement": "models.prompts.placement",
    "models.placing": "models.pixels.placing",
    "models.planning": "models.pixels.planning",
    "models.probe": "models.look.probe",
    "models.prompt": "models.prompts.chat",
    "models.recipes": "models.families.parts.small",
    "models.reduce": "models.features.reduce",
    "models.remember": "models.pixels.remember",
    "models.report": "models.verify.report",
    "models.resized": "models.ask.resized",
    "models.shown": "models.ask.shown",
    "models.shrink": "models.prompts.shrink",
    "models.side_by_side": "models.ask.side_by_side",
    "models.sources": "models.pixels.sources",
    "models.support": "models.stock.support",
    "models.sweep": "models.verify.small.sweep",
    "models.tiny": "models.verify.small.tiny",
    "models.tokens": "models.families.parts.tokens",
    "models.tower_layers": "models.stock.tower",
    "models.towers": "models.families.adapter",
    "models.towers.anyres": "models.families.anyres",
    "models.towers.gemma": "models.families.gemma",
    "models.towers.internvl": "models.families.internvl",
    "models.towers.llava": "models.families.llava",
    "models.towers.paddle": "models.families.paddle",
    "models.towers.pixtral": "models.families.pixtral",
    "models.towers.qwen": "models.families.qwen",
    "models.towers.smolvlm": "models.families.smolvlm",
    "models.towers.tiles": "models.families.parts.tiles",
    "models.towers.tower": "models.families.parts.tower",
    "models.towers.trunk": "models.families.parts.trunk",
    "models.verify": "models.verify.verify",
}
"""Old module -> new module, both below `pyrascope`. Of some, the old name is a package now."""
NAMES = {
    "allocation.attention:Heads": "allocation.contracts.attention:AttentionHeads",
    "allocation.importance:Complexity": "allocation.difficulty:Complexity",
    "allocation.importance:Difficulty": "allocation.difficulty:Difficulty",
    "allocation.importance:Glance": "allocation.difficulty:Glance",
    "allocation.importance:TrainedDifficulty": "allocation.difficulty:TrainedDifficulty",
    "allocation.region_plans:Judge": "allocation.grids.region_plans:RegionJudge",
    "allocation.tiers:Judge": "allocation.grids.tiers:TierJudge",
    "allocation.tiers:measure": "allocation.grids.tiers:check_difficulty",
    "cli.compare_answers:compare_answers": "cli.evaluate:evaluate",
    "evaluation.contenders:FULL": "evaluation.answers.contenders:FULL_ROW",
    "evaluation.contenders:LOOK": "evaluation.answers.contenders:LOOK_ROW",
    "evaluation.contenders:RESIZE": "evaluation.answers.contenders:RESIZE_ROW",
    "io:Layout": "io:ArrayKind",
    "methods.mixture:token_density": "methods.mixture:tokens_of_cells",
    "models.answer:tokens_of": "models.ask.answer:seen_tokens",
    "models.attention_tap:Heard": "models.stock.attention_tap:TappedAttention",
    "models.builtin.forward:answer": "builtin.forward:reply_to",
    "models.builtin.forward:encode": "builtin.forward:features_of",
    "models.builtin.heads:LOOK": "builtin.heads:LOOK_WIDTH",
    "models.builtin.heads:PLACES": "builtin.heads:FRAME_SIDE",
    "models.builtin.heads:fill": "learning.training.checkpoint:fill",
    "models.builtin.package:LOOK": "builtin.package:LOOK_FILE",
    "models.builtin.train.quizzes:Layout": "builtin.train.quizzes:BatchKind",
    "models.builtin.wording:family_of": "world.wording:question_family",
    "models.context:Heard": "models.features.context:HeardTower",
    "models.encode:image_runs": "models.prompts.images:image_runs",
    "models.families.family:Family": "models.families.parts.arrangement:Arrangement",
    "models.families.mistral3:Mistral3": "models.families.pixtral:Mistral3Arrangement",
    "models.families.vit:ViT": "models.families.llava:LlavaArrangement",
    "models.families:AnyRes": "models.families.anyres:AnyResArrangement",
    "models.families:ByRun": "models.families.parts.arrangement:ByRun",
    "models.families:InternVL": "models.families.internvl:InternVLArrangement",
    "models.families:Mistral3": "models.families.pixtral:Mistral3Arrangement",
    "models.families:Qwen": "models.families.qwen:QwenArrangement",
    "models.families:SmolVLM": "models.families.smolvlm:SmolVLMArrangement",
    "models.families:ViT": "models.families.llava:LlavaArrangement",
    "models.inputs:PIXELS": "models.stock.inputs:PIXEL_INPUTS",
    "models.layers.attached:BACKENDS": "models.layers.site:MASKABLE",
    "models.layout:Layout": "models.families.parts.layout:TokenLayout",
    "models.load:BUILTIN": "builtin.folder:BUILTIN",
    "models.load:default_model": "builtin.folder:default_model",
    "models.load:with_weights": "builtin.folder:with_weights",
    "models.noise:PLACES": "models.verify.small.noise:MOST_PLACES",
    "models.pixels:PixelOptions": "models.options:PixelOptions",
    "models.placement:at_centres": "models.prompts.placement:with_centres",
    "models.placing:columns_of": "models.pixels.placing:columns_near",
    "models.placing:order_of": "models.pixels.placing:order_of_plan",
    "models.prepare:with_fewer_tokens": "models.fewer:with_fewer_tokens",
    "models.reduce:SHARES": "models.budgets:SHARES",
    "models.reduce:budgets_of": "models.budgets:budgets_of",
    "models.shrink:COMPACT": "models.options:COMPACT",
    "models.shrink:ORIGINAL": "models.options:ORIGINAL",
    "models.shrink:POSITIONS": "models.options:POSITIONS",
    "models.sites:OPTIONS": "models.options:TAKEN",
    "models.sites:check_options": "models.options:check_options",
    "models.sources:GRID": "models.options:GRID",
    "models.sources:SOURCE": "models.options:SOURCE",
    "models.support:check_class": "models.host:check_class",
    "models.support:check_model": "models.host:check_model",
    "models.support:supported_types": "models.host:supported_types",
    "models.tiny:CLIP": "models.families.parts.small:CLIP",
    "models.tiny:PINPOINTS": "models.families.anyres:PINPOINTS",
    "models.tiny:QWEN": "models.families.parts.small:QWEN",
    "models.tiny:Recipe": "models.families.parts.small:Recipe",
    "models.tiny:SIGLIP": "models.families.parts.small:SIGLIP",
    "models.tiny:TEXT": "models.families.parts.small:TEXT",
    "models.tiny:VIT": "models.families.parts.small:VIT",
    "models.tower_layers:tower_of": "models.stock.tower:vision_module_of",
    "models.towers.anyres:AnyRes": "models.families.anyres:AnyResTower",
    "models.towers.gemma:Gemma3": "models.families.gemma:Gemma3Tower",
    "models.towers.gemma:PaliGemma": "models.families.gemma:PaliGemmaTower",
    "models.towers.internvl:InternVL": "models.families.internvl:InternVLTower",
    "models.towers.llava:Llava": "models.families.llava:LlavaTower",
    "models.towers.llava:whole_view": "models.families.parts.canvas:whole_view",
    "models.towers.paddle:PaddleOCR": "models.families.paddle:PaddleOCRTower",
    "models.towers.pixtral:Mistral3": "models.families.pixtral:Mistral3Tower",
    "models.towers.pixtral:Pixtral": "models.families.pixtral:PixtralTower",
    "models.towers.qwen:Qwen": "models.families.qwen:QwenTower",
    "models.towers.qwen:sampled": "models.families.qwen:table_samples",
    "models.towers.smolvlm:SmolVLM": "models.families.smolvlm:SmolVLMTower",
    "models.towers:AnyRes": "models.families.anyres:AnyResTower",
    "models.towers:Cells": "models.families.parts.tower:Cells",
    "models.towers:Gemma3": "models.families.gemma:Gemma3Tower",
    "models.towers:InternVL": "models.families.internvl:InternVLTower",
    "models.towers:Llava": "models.families.llava:LlavaTower",
    "models.towers:Mistral3": "models.families.pixtral:Mistral3Tower",
    "models.towers:PaddleOCR": "models.families.paddle:PaddleOCRTower",
    "models.towers:PaliGemma": "models.families.gemma:PaliGemmaTower",
    "models.towers:Pixtral": "models.families.pixtral:PixtralTower",
    "models.towers:Qwen": "models.families.qwen:QwenTower",
    "models.towers:SmolVLM": "models.families.smolvlm:SmolVLMTower",
    "models.towers:Tower": "models.families.parts.tower:Tower",
    "models.towers:area_bias": "models.families.parts.tower:area_bias",
    "models.towers:tower_of": "models.families.adapter:adapter_of",
    "models.towers:visible_centres": "models.families.parts.tower:visible_centres",
    "signal.steerable_masks:Layout": "signal.steerable_masks:Geometry",
}
"""Old module:name -> new module:name, for what did not move with its module or has another name."""


def resolved(module: str, name: str) -> Any:
    """Returns what `name` of an old module below `pyrascope` is now, and warns that it has moved.

    Raises:
        AttributeError: the old module did not have it, or nothing has taken its place.
    """
    now, new = NAMES.get(f"{module}:{name}", f"{MODULES.get(module, module)}:{name}").split(":")
    if name.startswith("__") or (now == module and new == name):
        raise AttributeError(f"module 'pyrascope.{module}' has no attribute {name!r}")
    value = getattr(import_module(f"pyrascope.{now}"), new)
    warnings.warn(
        f"pyrascope.{module}.{name} has moved; import {new} from pyrascope.{now}", DeprecationWarning, stacklevel=3
    )
    return value


def names_of(module: str) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module that stands where another was, or that has lost names to others."""
    old = module.removeprefix("pyrascope.")
    return lambda name: resolved(old, name)


class Moved(ModuleType):
    """A module under its old name: it holds nothing, and looks each name up where it is now."""

    def __getattr__(self, name: str) -> Any:
        return resolved(self.__name__.removeprefix("pyrascope."), name)


class OldNames(MetaPathFinder, Loader):
    """Finds the old names of modules. It is asked last, when nothing else has found a module."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Returns the specification of a module that has moved; None for all others."""
        old = fullname.removeprefix("pyrascope.")
        if old == fullname or old not in MODULES:
            return None
        return ModuleSpec(fullname, self, is_package=any(name.startswith(f"{old}.") for name in MODULES))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Returns an empty module that knows where its names are."""
        return Moved(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Does nothing: names are looked up when they are asked for."""


SHADOWED = ("models.answer", "models.probe", "models.side_by_side")
"""Old modules beside which a function of that name lies: found by the finder, they would take its place."""


def install() -> None:
    """Makes the old names importable, once for a process."""
    if not any(isinstance(finder, OldNames) for finder in sys.meta_path):
        sys.meta_path.append(OldNames())
        sys.modules.update({f"pyrascope.{name}": Moved(f"pyrascope.{name}") for name in SHADOWED})
