"""Writes the weights of a BERT encoder, as safetensors hold them, as a CTranslate2 model.

The same as CTranslate2's own converter for BERT does, but without torch and transformers.
"""

from pathlib import Path
from typing import Any

LAYERS, HEADS, EPSILON = 6, 12, 1e-12  # of all-MiniLM-L6-v2
UNKNOWN = "[UNK]"


def convert(weights: Path, tokenizer: Path, target: Path) -> None:
    """`target` is an empty folder; the model in it is quantised to int8."""
    import safetensors.numpy  # noqa: PLC0415 (this file runs once in a machine's life)
    from tokenizers import Tokenizer  # noqa: PLC0415

    tensors = safetensors.numpy.load_file(weights)  # pyright: ignore[reportUnknownMemberType]
    spec = _spec()
    _fill(spec, tensors)
    vocabulary = Tokenizer.from_file(str(tokenizer)).get_vocab()
    spec.register_vocabulary(sorted(vocabulary, key=vocabulary.__getitem__))
    spec.config.unk_token = UNKNOWN
    spec.config.layer_norm_epsilon = EPSILON
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(target))


def _spec() -> Any:  # noqa: ANN401 (CTranslate2 describes a model by attributes that it makes up)
    from ctranslate2.specs import common_spec, transformer_spec  # noqa: PLC0415

    encoder = transformer_spec.TransformerEncoderSpec(
        LAYERS,
        HEADS,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,  # of words and of segments
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    return transformer_spec.TransformerEncoderModelSpec(encoder)


def _fill(spec: Any, tensors: dict[str, Any]) -> None:  # noqa: ANN401
    import numpy  # noqa: PLC0415

    def linear(target: Any, *names: str) -> None:  # noqa: ANN401
        target.weight = numpy.concatenate([tensors[f"{name}.weight"] for name in names])
        target.bias = numpy.concatenate([tensors[f"{name}.bias"] for name in names])

    def norm(target: Any, name: str) -> None:  # noqa: ANN401
        target.gamma, target.beta = tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    encoder = spec.encoder
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = tensors["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = tensors["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = tensors["embeddings.position_embeddings.weight"]
    norm(encoder.layernorm_embedding, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        of = f"encoder.layer.{number}"
        attention = layer.self_attention
        parts = (f"{of}.attention.self.{part}" for part in ("query", "key", "value"))
        linear(attention.linear[0], *parts)
        linear(attention.linear[1], f"{of}.attention.output.dense")
        norm(attention.layer_norm, f"{of}.attention.output.LayerNorm")
        linear(layer.ffn.linear_0, f"{of}.intermediate.dense")
        linear(layer.ffn.linear_1, f"{of}.output.dense")
        norm(layer.ffn.layer_norm, f"{of}.output.LayerNorm")
