"""Options that many commands have."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Embedded servers, keys, logs (ANJU_DATA_DIR; .anju).")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")]
