"""The guide to adding a device is followed, word by word, in a copy of the code that it is about."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDE = (ROOT / "docs/how-to/add-a-device.md").read_text(encoding="utf-8")


def test_the_guide_leads_to_devices_that_work(tmp_path: Path) -> None:
    for part in ("devices", "wire", "tests/unit/devices/payloads"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "tests/unit/devices/messages.py", "tests/unit/devices/samples.py"):
        shutil.copy(ROOT / part, tmp_path / part)
    blocks = dict(BLOCK.findall(GUIDE))
    formats = blocks.pop("devices/formats.py")
    for name, content in blocks.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        assert not file.exists(), f"{name} is there already: the guide needs another example"
        file.write_text(content, encoding="utf-8")
    put_in(tmp_path / "devices/formats.py", formats)

    assert "00000051327643" in run(tmp_path, "read.py")
    tests = [name for name in blocks if name.startswith("tests/") and name.endswith(".py")]
    assert "passed" in run(tmp_path, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", *tests)


def put_in(file: Path, line: str) -> None:
    """The module in the list of imports, and the line in the table."""
    text = file.read_text(encoding="utf-8")
    text, imports = re.subn(r"(?m)^(from devices\.decoders import \()$", r"\1\n    tasmota,", text)
    text, tables = re.subn(r"(?m)^(FORMATS = _table\()$", lambda found: f"{found[1]}\n{line}", text)
    assert (imports, tables) == (1, 1)
    file.write_text(text, encoding="utf-8")


def run(folder: Path, *command: str) -> str:
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
