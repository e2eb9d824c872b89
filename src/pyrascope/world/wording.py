"""What the built-in model can be asked: words that it does not know are refused, since it would guess at them."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from .vocabulary import COLORS, EOS, IDS, IMAGE, PAD, SHAPES, UNKNOWN, WORDS, joined, words_of

EXAMPLES = {
    "number": "what number is on the red circle?",
    "word": "what word is on the red plate?",
    "table": "what number is top left on the red table?",
    "color": "what color is the star?",
    "shape": "what shape is the red object?",
    "count": "how many objects are there?",
    "compare": "is the red star larger than the blue cross?",
    "side": "is the red star left of the blue cross?",
    "presence": "is there a red cross?",
    "lean": "which way is the red grating?",
    "dial": "where does the red dial point?",
    "background": "what color is the background?",
    "hop": "what number is left of the red star?",
}
"""A question of each family."""
_SLOTS = (
    (("top left", "top right", "bottom left", "bottom right"), "CORNER"),
    (("left of", "right of", "above", "below"), "SIDE"),
    (tuple(COLORS), "COLOR"),
    (tuple(SHAPES), "SHAPE"),
)


def checked(question: str) -> str:
    """Returns the question as the model takes it: a question mark at its end is added where it is missing.

    Raises:
        ValueError: it is empty, or has words that the model does not know, all of them named.

    >>> checked("What color is the star")
    'what color is the star?'
    """
    words = words_of(question)
    meant = [word for word in WORDS if word not in (PAD, EOS, IMAGE, UNKNOWN)]
    unknown = list(dict.fromkeys(word for word in words if word not in meant))
    near = [_with_hint(word, meant) for word in unknown]
    if unknown or not words:
        shown = ", ".join([*near[:4], *([f"and {len(near) - 4} more"] if len(near) > 4 else [])])
        got = f"got {shown}" if unknown else "got none"
        raise ValueError(
            f"the question must use words that the built-in model knows, {got}; ask as in "
            + " ".join(f"{family}: {example}" for family, example in EXAMPLES.items())
        )
    return joined(words if words[-1] == "?" else [*words, "?"])


def check_prompts(processor: Any, prompts: Iterable[str]) -> None:
    """Refuses prompts for the built-in model with words that it does not know; those for other models are left alone.

    Raises:
        ValueError: as `checked`.
    """
    if knows_these_words_alone(processor):
        for prompt in prompts:
            checked(prompt.replace(IMAGE, " "))


def _with_hint(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word[:40], known, 1, 0.75)
    return f"{word[:40]} (did you mean {near[0]}?)" if near else word[:40]


def question_family(question: str) -> str | None:
    """Returns the family that a question is of by its wording; None where it is of none that the model was taught.

    >>> question_family("what number is on the green star?"), question_family("what number is the star?")
    ('number', None)
    """
    return _FAMILIES.get(_form(question))


def knows_these_words_alone(processor: Any) -> bool:
    """Returns whether a processor's tokenizer has the built-in model's vocabulary, and no other word."""
    tokenizer = getattr(processor, "tokenizer", None)
    same = getattr(tokenizer, "unk_token", None) == UNKNOWN and len(tokenizer or ()) == len(WORDS)
    return bool(same and tokenizer is not None and tokenizer.get_vocab() == IDS)


def _form(question: str) -> str:
    """The question with its colours, shapes, sides and corners left open."""
    text = joined(words_of(question))
    for words, slot in _SLOTS:
        text = re.sub(rf"\b({'|'.join(words)})\b", slot, text)
    return text


_FAMILIES = {_form(example): family for family, example in EXAMPLES.items()}
