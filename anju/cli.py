"""The command `anju`: thin; each command's module does the work."""

import typer

app = typer.Typer(
    name="anju",
    help="Anju 安居: telemetry of public-rental housing becomes leads that people can check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def anju() -> None:
    """Anju 安居."""


def main() -> None:
    """Entry point of `.venv/bin/anju`."""
    app()
