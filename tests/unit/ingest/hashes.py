"""What stands in place of a value that is known by its hash."""

import hashlib
import hmac


def keyed(value: str) -> bytes:
    return hmac.digest(b"key", value.encode(), "sha256")


def hashed(value: str) -> str:
    return f"hmac:{keyed(value)[:16].hex()}"


def pictured(value: str) -> str:
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
