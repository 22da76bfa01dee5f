"""The folders of a data directory."""

import logging
import tempfile
from pathlib import Path

from anju.embedded import binaries
from anju.errors import SettingsRefused

_log = logging.getLogger(__name__)

#: Where root's clusters go whose data directory the server's account cannot enter.
_ELSEWHERE = Path("/var/lib/anju")
_PRIVATE = ("run", "logs", "secrets")


def prepare(data_dir: Path) -> Path:
    """Make the folders that are missing, and answer the whole path.

    Raises
    ------
    SettingsRefused
        They cannot be made.
    """
    whole = data_dir.resolve()
    try:
        whole.mkdir(parents=True, exist_ok=True)
        for name in _PRIVATE:
            (whole / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsRefused(f"ANJU_DATA_DIR: cannot make {whole}: {error.strerror}") from error
    return whole


def cluster_folder(data_dir: Path) -> Path:
    """Where the embedded PostgreSQL keeps its data: ``postgres/``, if need be as a link.

    Under root the server runs as nobody, which cannot enter a data directory below a closed folder, such
    as root's home or a fresh temporary one. No such folder is opened: a new cluster is then made under
    /var/lib/anju, and ``postgres`` becomes a link to it.
    """
    folder = data_dir / "postgres"
    account = binaries.account_for(folder / "data")
    if account is None or folder.exists() or binaries.closed_to(account, folder / "data") is None:
        return folder
    folder.unlink(missing_ok=True)  # a link whose target is gone
    _ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="postgres-", dir=_ELSEWHERE))
    made.chmod(0o755)
    folder.symlink_to(made)
    _log.warning(
        "%s is closed to the account that PostgreSQL runs as under root; its data goes to %s",
        data_dir,
        made,
        extra={"action": "cluster_elsewhere"},
    )
    return folder
