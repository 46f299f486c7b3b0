"""Texts that refer to values: "Bearer {token}". What authorizes is referred to, never written."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Headers and query parameters that people put secrets into.
_SENSITIVE = re.compile(
    r"auth|cookie|token|secret|passw|api[-_]?key|(?:^|[-_])(?:key|sig|pwd|session)(?:$|[-_])"
    r"|signature|credential|subscription",
    re.IGNORECASE,
)
# Beside a reference: the name of a scheme, no secret.
_SCHEME = re.compile(r"""[A-Za-z =:;,"_-]{0,40}""")


def names(template: str) -> set[str]:
    return set(_REFERENCE.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str | None:
    """None if a value that it refers to is not set. Values are not read for references again."""
    if not names(template) <= values.keys():
        return None
    return _REFERENCE.sub(lambda found: values[found[1]], template)


def is_sensitive(name: str) -> bool:
    return bool(_SENSITIVE.search(name))


def holds_a_literal(template: str) -> bool:
    """Something that may be the secret itself."""
    rest = _REFERENCE.sub("", template)
    return not names(template) or not _SCHEME.fullmatch(rest)
