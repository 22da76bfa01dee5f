from pathlib import Path

import pytest
import uvicorn

from anju import cli, logs, processes, settings
from devices.errors import ProfileInvalid
from ingest import service


@pytest.mark.parametrize("https", ["true", "false"])
def test_the_api_is_told_whether_people_reach_it_by_tls(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, https: str
) -> None:
    served: list[uvicorn.Config] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self: served.append(self.config))
    monkeypatch.setattr(logs, "configure", lambda _name: None)
    monkeypatch.setattr(processes, "_asked_to_stop", lambda: None)
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ANJU_HTTPS", https)
    processes.api(settings.load())
    (config,) = served
    assert str(config.app.state.deps.https).lower() == https  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]


def test_ingest_does_not_start_with_a_profile_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ProfileInvalid("box.toml: field total: factor: nan is no number to multiply with")

    ran: list[object] = []
    monkeypatch.setattr(processes, "load_profiles", broken)
    monkeypatch.setattr(service, "run", lambda **given: ran.append(given))
    monkeypatch.setattr(logs, "configure", lambda _name: None)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["anju", "ingest"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "anju: box.toml: field total: factor: nan is no number to multiply with\n"
    )
    assert not ran
