"""`pyrascope verify`: does a model with fewer visual tokens compute what it should?"""

import json as json_format
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..models import Report, Row
from ..models import verify as verify_model
from ..models.host import supported_types
from ..models.stock.load import load
from ..models.stock.support import image_text_types
from ..models.verify.verify import verify_type
from .outputs import JsonFile, outputs
from .quiet import quiet


def verify(
    names: Annotated[list[str], typer.Argument(help="Model types, built small at random, local folders or hub ids.")],
    json: JsonFile = None,
) -> int:
    """Checks that models with reduced visual tokens agree with themselves; exits with 1 where a check fails."""
    for name in names:
        if not Path(name).is_dir() and "/" not in name and name not in image_text_types():
            known = ", ".join(supported_types())
            raise ValueError(f"NAME must be a local folder, a hub id such as org/name or one of {known}, got {name}")
    with outputs(json, kinds=("rows", "")) as files:
        rows: list[Row] = []
        for name in names:
            with Console(stderr=True).status(f"verifying {name}"):
                rows += _verified(name).rows
        report = Report(tuple(rows))
        files.write(json_format.dumps({"ok": report.ok, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
        typer.echo(str(report))
    return 0 if report.ok else 1


def _verified(name: str) -> Report:
    if "/" not in name and not Path(name).is_dir():
        return verify_type(name)
    with quiet():
        return verify_model(*load(name))
