"""`pyrascope verify`: does a model with fewer visual tokens compute what it should?"""

import json as json_format
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..models import Report, Row
from ..models import verify as verify_model
from ..models.support import supported_types, transformers
from ..models.verify import verify_type
from .outputs import output


def verify(
    names: Annotated[list[str], typer.Argument(help="Model types, built small at random, or local folders.")],
    json: Annotated[Path | None, typer.Option(help="Write the rows to this file.", show_default=False)] = None,
) -> int:
    """Checks that models with reduced visual tokens agree with themselves; exits with 1 where a check fails."""
    for name in names:
        if name not in supported_types() and not Path(name).is_dir():
            raise ValueError(f"NAME must be a local folder or one of {', '.join(supported_types())}, got {name}")
    with output(json) if json else nullcontext() as part:
        rows: list[Row] = []
        for name in names:
            with Console(stderr=True).status(f"verifying {name}"):
                rows += _verified(name).rows
        report = Report(tuple(rows))
        if part:
            part.write_text(json_format.dumps({"ok": report.ok, "rows": [asdict(r) for r in rows]}, indent=1) + "\n")
    typer.echo(str(report))
    return 0 if report.ok else 1


def _verified(name: str) -> Report:
    if not Path(name).is_dir():
        return verify_type(name)
    module: Any = transformers()
    local = {"local_files_only": True}
    model = module.AutoModelForImageTextToText.from_pretrained(name, use_safetensors=True, dtype="float32", **local)
    return verify_model(model.eval(), module.AutoProcessor.from_pretrained(name, **local))
