import subprocess
from pathlib import Path

from tests.conftest import tool


def test_the_install_says_what_it_does_and_how_long_it_takes() -> None:
    said = subprocess.run(
        [tool("make"), "--dry-run", "--always-make", "install"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (told,) = [line for line in said.splitlines() if line.startswith("echo")]
    assert "Installing" in told
    assert "minutes" in told
