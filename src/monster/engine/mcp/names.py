"""Names of tools as models accept them."""

import hashlib
import re

_ACCEPTED = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUSED = re.compile(r"[^A-Za-z0-9_-]+")
_KEPT = 50  # characters


def accepted(original: str) -> str:
    """The name itself, if models take it; else what is left of it, and part of its hash.

    It depends on nothing but the name, so a server cannot move it to another of its tools.
    """
    if _ACCEPTED.fullmatch(original):
        return original
    left = _REFUSED.sub("_", original).strip("_")[:_KEPT]
    mark = hashlib.sha256(original.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{left}_{mark}" if left else f"tool_{mark}"
