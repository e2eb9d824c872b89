"""A question about images as the prompt that a processor expects."""

from ...world.wording import checked, knows_these_words_alone
from ..stock.protocols import Processor


def prompt_of(processor: Processor, question: str, images: int = 1) -> str:
    """Returns the prompt of a question: by the processor's chat template where it has one, else plainly.

    Plain is one image token an image, in front of the question. A beginning that the tokenizer adds by itself is left
    out, so that it comes once. The built-in model's question is checked, and ends with a question mark.

    Args:
        processor: The model's processor.
        question: The question.
        images: How many images it is about.

    Raises:
        ValueError: the question holds an image token itself, or words that the built-in model does not know.
    """
    token = getattr(processor, "boi_token", None) or getattr(processor, "image_token", None)
    if token and token in question:
        raise ValueError(f"the question must be text alone, got {token} in it; leave it out, since the image is added")
    if knows_these_words_alone(processor):
        question = checked(question)
    if getattr(processor, "chat_template", None):
        content = [{"type": "image"}] * images + [{"type": "text", "text": question}]
        text = str(processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True))
        tokenizer = processor.tokenizer
        begin = tokenizer.bos_token
        if begin and text.startswith(begin) and tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]:
            return text.removeprefix(begin)
        return text
    return f"{image_token(processor) * images} {question}"


def image_token(processor: Processor) -> str:
    """Returns what stands for an image in a prompt that the processor takes."""
    return str(getattr(processor, "boi_token", None) or processor.image_token)
