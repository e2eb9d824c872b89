"""One spelling for each word, in all that people read: docstrings, comments, messages and pages."""

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent
SPELLED = {
    "behavior": "behaviour", "center": "centre", "centered": "centred", "centers": "centres", "color": "colour",
    "colored": "coloured", "colors": "colours", "gray": "grey", "grayscale": "greyscale", "labeled": "labelled",
    "modeling": "modelling", "neighbor": "neighbour", "neighboring": "neighbouring", "neighbors": "neighbours",
    "normalization": "normalisation", "normalize": "normalise", "normalized": "normalised", "optimize": "optimise",
    "quantize": "quantise", "recognize": "recognise", "summarize": "summarise", "visualize": "visualise",
}  # fmt: skip
"""Wrong -> right; `docs/style.md` says why. Names of code stand in backticks and keep their own spelling."""
WRONG = re.compile(rf"\b({'|'.join(SPELLED)})\b")  # people and suites with a capital keep their names
CODE = re.compile(
    r"```.*?```|``.*?``|`[^`]*`|\"[^\"\n]*\"|'\w+'|https?://\S+|^(?:    |\t).*$", re.DOTALL | re.MULTILINE
)
QUOTED = re.compile(r"^\s*(?:>>>|\.\.\.).*$|`[^`]*`|\"[^\"]*\"|'[^'\n]*'|^\s*\w+(?:, \w+)*:(?= )", re.MULTILINE)


GENERATED = ("builtin-methods.md", "builtin-report.md", "style.md")
"""Reports, in which families of questions stand by name, and the page that names the wrong words."""


def prose(file):
    """(line, text) of the docstrings and comments of a file of Python, without what is code in them."""
    source = file.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, QUOTED.sub("", node.value.value.split("Source:")[0])
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# fmt", "# type")):
            yield token.start[0], QUOTED.sub("", token.string)


def offenders():
    for file in sorted((ROOT / "src").rglob("*.py")):
        for line, text in prose(file):
            for match in WRONG.finditer(text):
                yield f"{file.relative_to(ROOT)}:{line + text[: match.start()].count(chr(10))} {match[0]}"
    for file in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        if file.name in GENERATED:
            continue
        text = CODE.sub(lambda match: "\n" * match[0].count("\n"), file.read_text())
        for match in WRONG.finditer(text):
            yield f"{file.relative_to(ROOT)}:{1 + text[: match.start()].count(chr(10))} {match[0]}"


def test_each_word_has_one_spelling():
    assert list(offenders()) == []


def test_the_test_sees_prose_and_not_code(tmp_path):
    file = tmp_path / "a.py"
    file.write_text('"""Some gray cells.\n\n    >>> gray = 1\n\n`gray` and "gray".\n"""\n# a color\ncolor = "gray"\n')
    assert [match for _, text in prose(file) for match in WRONG.findall(text)] == ["gray", "color"]
