"""Text that came from outside."""


def storable(text: str) -> str:
    """Without what PostgreSQL refuses to store: NUL and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()
