"""Where the scripts lie: in the operator's folder, then in our own."""

import re
from pathlib import Path

from devices.errors import ScriptUnreadable

_OURS = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: The largest vendor's script known has 120 kB.
MAX_BYTES = 1024 * 1024


class Scripts:
    """Scripts by name; read anew each time, so that a better one counts at once."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folders = [folder, _OURS] if folder is not None else [_OURS]

    def read(self, codec: str) -> str:
        """Read the script of a profile's `codec`.

        Raises
        ------
        ScriptUnreadable
            There is none, or it is too large or no text.
        """
        if not _NAME.fullmatch(codec):
            raise ScriptUnreadable(f"not the name of a script: {codec[:64]}")
        for folder in self._folders:
            file = folder / f"{codec}.js"
            try:
                if file.stat().st_size > MAX_BYTES:
                    raise ScriptUnreadable(f"{codec}.js is too large")
                return file.read_text(encoding="utf-8-sig")
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise ScriptUnreadable(f"{codec}.js: {error}") from error
        raise ScriptUnreadable(f"there is no script {codec}.js")
