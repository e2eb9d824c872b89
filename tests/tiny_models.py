"""Small models with random weights, made once each; one with its processor as a folder."""

import functools

import numpy as np
from PIL import Image

from pyrascope.models.verify.small.tiny import IMAGE, build

model_of = functools.cache(build)
"""Returns the small model of a type, the same one each time: who changes it puts it back."""
WORDS = ["<pad>", "<unk>", "what", "is", "here", "to", "be", "seen"]
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }} {% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}to{% endif %}"
)


def tiny_processor(template=None):
    """LLaVA's processor for images of 64x64 px over a vocabulary of a few words and numbers."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlavaProcessor, PreTrainedTokenizerFast
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    words = [*WORDS, *(str(number) for number in range(80))]
    vocabulary = {word: i for i, word in enumerate(words)} | {"<image>": IMAGE}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    side = {"height": 64, "width": 64}
    return LlavaProcessor(
        CLIPImageProcessorPil(size=side, crop_size=side),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )


def save_tiny(folder, template=None):
    """Writes both and returns the folder."""
    build("llava").save_pretrained(folder)
    tiny_processor(template).save_pretrained(folder)
    return folder


TEXT = ["<image> what is here", "<image> to <image> be seen"]
"""Two prompts about the three `pictures`."""


def pictures():
    """Three pictures of noise, each of another size."""
    random = np.random.default_rng(0)
    sizes = [(120, 180), (64, 64), (256, 200)]
    return [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]


def nested(images):
    """Pictures by the prompts of `TEXT`."""
    return [images[:1], images[1:]]


def at_site(site):
    """Makes a function a method of a site: it says so itself, as a class would."""

    def told(function):
        function.site = site
        return function

    return told
