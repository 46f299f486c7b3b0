"""all-MiniLM-L6-v2 on CTranslate2, int8: 24 MB, no network, no torch."""

import asyncio
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from monster.engine.embedding import hub
from monster.engine.embedding.hub import Fetch
from monster.engine.embedding.protocol import EmbedderUnavailable
from monster.engine.embedding.weights import TOKENIZER, installed, prepare
from monster.kit import clock

logger = logging.getLogger(__name__)

MAX_TOKENS = 256  # what the model was trained to read; the rest of a text is not seen
_BATCH = 16  # texts that go through the model together, padded to the longest
_FORGIVEN = 300.0  # seconds until a model that could not be had is asked for again


class MiniLM:
    """Nothing is loaded before `ready`; then it stays. Runs in at most `threads` threads."""

    name = "local:all-minilm-l6-v2"
    dimensions = 384

    def __init__(
        self,
        data_dir: Path,
        hub_url: str,
        *,
        fetch: Fetch = hub.fetch,
        threads: int = min(os.cpu_count() or 1, 4),
    ) -> None:
        self._data_dir, self._hub_url, self._fetch = data_dir, hub_url, fetch
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "embedding")
        self._loading = asyncio.Lock()
        self._failed_at = 0.0
        self._tokenizer: Any = None
        self._encoder: Any = None

    async def ready(self) -> bool:
        if self._encoder is not None:
            return True
        async with self._loading:
            if self._encoder is None and self._may_try():
                try:
                    folder = await prepare(self._data_dir, installed(), self._hub_url, self._fetch)
                    await asyncio.to_thread(self._load, folder)
                except (EmbedderUnavailable, OSError) as error:
                    self._failed_at = clock.now().timestamp()
                    logger.warning("search compares words only: no embedding model; %s", error)
            return self._encoder is not None

    def _may_try(self) -> bool:
        return clock.now().timestamp() - self._failed_at > _FORGIVEN

    def _load(self, folder: Path) -> None:
        import ctranslate2  # noqa: PLC0415 (both take time and memory: when needed)
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        encoder: Any = ctranslate2.Encoder  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        self._encoder = encoder(
            str(folder), compute_type="int8", inter_threads=self._threads, intra_threads=1
        )

    def count(self, texts: Sequence[str]) -> list[int]:
        if self._tokenizer is None:
            raise EmbedderUnavailable("the embedding model is not loaded")
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one) for one in encoded]

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if not await self.ready():
            raise EmbedderUnavailable("there is no embedding model")
        run = asyncio.get_running_loop().run_in_executor
        tokens = await run(self._pool, self._tokenize, texts)
        # By length, so that little of a batch is padding.
        order = sorted(range(len(texts)), key=lambda n: len(tokens[n]))
        batches = [order[n : n + _BATCH] for n in range(0, len(order), _BATCH)]
        work = [run(self._pool, self._encode, [tokens[n] for n in batch]) for batch in batches]
        vectors: list[list[float]] = [[]] * len(texts)
        for batch, done in zip(batches, await asyncio.gather(*work), strict=True):
            for n, vector in zip(batch, done, strict=True):
                vectors[n] = vector
        return vectors

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        ids = [one.ids for one in self._tokenizer.encode_batch_fast(list(texts))]
        return [one if len(one) <= MAX_TOKENS else [*one[: MAX_TOKENS - 1], one[-1]] for one in ids]

    def _encode(self, tokens: list[list[int]]) -> list[list[float]]:
        hidden = self._encoder.forward_batch(tokens).last_hidden_state
        return _pooled(hidden, [len(one) for one in tokens])


def _pooled(hidden: Any, lengths: list[int]) -> list[list[float]]:  # noqa: ANN401 (CTranslate2)
    """The mean of what the model says of each token, scaled to length 1."""
    numpy: Any = import_module("numpy")
    said = numpy.asarray(hidden)
    real = numpy.arange(said.shape[1]) < numpy.array(lengths)[:, None]
    summed = (said * real[:, :, None]).sum(axis=1)  # the length takes care of the mean
    return (summed / numpy.linalg.norm(summed, axis=1, keepdims=True)).tolist()
