"""What is particular to each family of model types: one family a file, one record for what is served in one way."""

from ..._moved import names_of
from .anyres import LLAVA_NEXT
from .aria import ARIA
from .blip import BLIP
from .cohere import COMPASS
from .deepseek import DEEPSEEK_OCR, UNLIMITED_OCR
from .dots import DOTS
from .ernie import ERNIE
from .exaone import EXAONE
from .fast_vlm import FAST_VLM
from .fuyu import FUYU
from .gemma import GEMMA3, GEMMA3N, GEMMA4, PALIGEMMA
from .glm import GLM4V, GLM5
from .granite import DOCLING, GRANITE
from .hunyuan import HUNYUAN
from .inkling import INKLING
from .internvl import INTERNVL
from .kimi import KIMI
from .lfm import LFM
from .llama4 import LLAMA4
from .llava import LLAVA, VIP_LLAVA
from .minicpm import MINICPM
from .muse import MUSE
from .nemotron import NEMOTRON
from .paddle import PADDLE_OCR
from .perception_lm import PERCEPTION_LM
from .pixtral import MISTRAL3, MISTRAL4
from .qwen import LATER_QWEN, QWEN, QWEN4
from .record import Family
from .smolvlm import SMOLVLM
from .step import STEP

FAMILIES = (
    ARIA, BLIP, COMPASS, DEEPSEEK_OCR, DOCLING, DOTS, ERNIE, EXAONE, FAST_VLM, FUYU, GEMMA3, GEMMA3N, GEMMA4, GLM4V,
    GLM5, GRANITE, HUNYUAN, INKLING, INTERNVL, KIMI, LATER_QWEN, LFM, LLAMA4, LLAVA, LLAVA_NEXT, MINICPM, MISTRAL3,
    MISTRAL4, MUSE, NEMOTRON, PADDLE_OCR, PALIGEMMA, PERCEPTION_LM, QWEN, QWEN4, SMOLVLM, STEP, UNLIMITED_OCR,
    VIP_LLAVA,
)  # fmt: skip
"""All records; a model type that is in none is served by the defaults of `Family`."""
BY_TYPE = {kind: family for family in FAMILIES for kind in family.types}


def family_of(kind: str) -> Family:
    """Returns the record of a model type."""
    return BY_TYPE.get(kind) or Family((kind,))


__all__ = ["BY_TYPE", "FAMILIES", "Family", "family_of"]

__getattr__ = names_of(__name__)
