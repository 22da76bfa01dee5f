from pathlib import Path

import pytest
import uvicorn

from anju import logs, processes, settings


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
