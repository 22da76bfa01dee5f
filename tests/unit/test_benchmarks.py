"""`make bench` finds its measurements."""

import subprocess

import pytest

from tests.benchmarks import __main__ as bench


def test_every_measurement_that_is_there_is_run_under_its_header(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run: list[str] = []

    def pretend(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        run.append(command[-1])
        return subprocess.CompletedProcess(command, returncode=1)

    monkeypatch.setattr(bench.subprocess, "run", pretend)
    assert bench.main() == 1
    assert "tests.benchmarks.ingest" in run
    said = capsys.readouterr().out
    assert said.index("=== ingest: ") < said.index("failed: ")
    assert f"failed: {', '.join(bench.present())}" in said
