"""The local model says what the original says, and comes into its folder once and whole."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from safetensors import numpy as safetensors
from tokenizers import Tokenizer

from monster.engine.embedding import minilm, weights
from monster.engine.embedding.hub import REPOSITORY, fetch
from monster.engine.embedding.minilm import MiniLM
from monster.engine.embedding.protocol import EmbedderUnavailable
from monster.engine.embedding.weights import FILES, TOKENIZER, WEIGHTS, installed, prepare

PACKAGE = installed()
pytestmark = pytest.mark.skipif(PACKAGE is None, reason="the package of the model is not installed")
NOWHERE = "http://127.0.0.1:9"

SENTENCES = [
    "A cat sat on the mat.",
    "Employees have thirty days of paid leave a year.",
    "SELECT name FROM city WHERE population > 1000000;",
    "Grüße aus Köln 東京 and naïve café",
    "",
]


@pytest.fixture(scope="session")
def package() -> Path:
    assert PACKAGE is not None
    return PACKAGE


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def model(data_dir: Path) -> MiniLM:
    return MiniLM(data_dir, NOWHERE, threads=1)


@np.vectorize
def gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def reference(package: Path, tensors: dict[str, Any], text: str) -> Any:  # noqa: ANN401
    """BERT in float32, as the paper has it; pooled and scaled as the model's card says."""
    tokenizer: Any = Tokenizer.from_file(str(package / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    ids = tokenizer.encode(text).ids

    def linear(x: Any, name: str) -> Any:  # noqa: ANN401
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:  # noqa: ANN401
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(6):
        of = f"encoder.layer.{layer}"
        q, k, v = (
            linear(x, f"{of}.attention.self.{part}").reshape(-1, 12, 32).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = np.exp(q @ k.swapaxes(1, 2) / math.sqrt(32))
        seen = (scores / scores.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(-1, 384)
        said = linear(seen, f"{of}.attention.output.dense")
        x = norm(x + said, f"{of}.attention.output.LayerNorm")
        said = linear(gelu(linear(x, f"{of}.intermediate.dense")), f"{of}.output.dense")
        x = norm(x + said, f"{of}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


async def test_int8_says_what_float32_says(model: MiniLM, package: Path) -> None:
    tensors: dict[str, Any] = safetensors.load_file(package / WEIGHTS)  # pyright: ignore[reportUnknownMemberType]
    vectors = await model.embed(SENTENCES)
    for sentence, vector in zip(SENTENCES, vectors, strict=True):
        assert len(vector) == model.dimensions
        assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-5)
        assert np.dot(vector, reference(package, tensors, sentence)) > 0.98, sentence[:40]


async def test_of_a_long_text_the_beginning_counts(model: MiniLM) -> None:
    whole, beginning = await model.embed(["word " * 400, "word " * 254])
    assert np.dot(whole, beginning) > 0.9999


async def test_company_changes_nothing(model: MiniLM) -> None:
    """Each text has its own vector, whatever it is embedded with, in the order asked for."""
    texts = [f"{'long ' * n}text number {n}" for n in range(40)]
    together = await model.embed(texts)
    alone = [(await model.embed([text]))[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert np.dot(one, other) > 0.999
    assert await model.embed([]) == []


async def test_tokens_are_counted_without_the_frame(model: MiniLM) -> None:
    assert await model.ready()
    assert model.count(["a cat", "", "word " * 400]) == [2, 0, 400]
    with pytest.raises(EmbedderUnavailable):
        MiniLM(Path("unused"), NOWHERE).count(["a"])


async def test_two_processes_at_once_are_both_served(tmp_path: Path, package: Path) -> None:
    found = await asyncio.gather(*(prepare(tmp_path, package, NOWHERE, fetch) for _ in range(3)))
    assert len(set(found)) == 1
    assert [entry.name for entry in found[0].parent.iterdir()] == [FILES[WEIGHTS].digest]
    assert {entry.name for entry in found[0].iterdir()} > {"model.bin", TOKENIZER}


@pytest.fixture
async def hub(package: Path) -> AsyncIterator[tuple[str, Callable[[str, bytes | None], None]]]:
    """A hub that serves the files, or what a test says instead; None is a 404."""
    instead: dict[str, bytes | None] = {}

    async def serve(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        content = instead.get(name, b"")
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content) if content else web.FileResponse(package / name)

    app = web.Application()
    app.router.add_get(f"/{REPOSITORY}/resolve/main/{{name}}", serve)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), instead.__setitem__


async def test_without_the_package_the_hub_is_asked(tmp_path: Path, hub: Any) -> None:  # noqa: ANN401
    url, _ = hub
    assert (await prepare(tmp_path, None, url, fetch) / "model.bin").is_file()


@pytest.mark.parametrize("content", [None, b"something else", bytes(FILES[TOKENIZER].size + 1)])
async def test_what_is_not_the_file_we_know_is_not_used(
    tmp_path: Path,
    hub: Any,  # noqa: ANN401
    content: bytes | None,
) -> None:
    url, serve = hub
    serve(TOKENIZER, content)
    with pytest.raises(EmbedderUnavailable, match=r"tokenizer\.json"):
        await prepare(tmp_path, None, url, fetch)
    assert [*(tmp_path / "models" / "all-minilm-l6-v2").iterdir()] == []


async def test_without_any_model_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "there_is_no_such_package")
    model = MiniLM(tmp_path, NOWHERE)
    assert not await model.ready()
    assert not await model.ready()
    assert len(caplog.records) == 1  # the second time it was not even tried
    assert "words only" in caplog.text
    with pytest.raises(EmbedderUnavailable):
        await model.embed(["a"])


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    assert not {"ctranslate2", "tokenizers", "numpy"} & set(vars(minilm))
