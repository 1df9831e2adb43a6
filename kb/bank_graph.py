"""A bank, or several, in one pass over 8-bit vectors, run by onnxruntime.

A query is compared with every question of both banks, and the model of phrasing sums over these
likenesses. Follow-ups have a graph of their own, without sums, since only a query of a dialogue is
compared with them. In float32 that reads 38 MB a query, more than a core's cache holds. The vectors of bank
questions are therefore rounded to 8 bits, one scale a question (``rounded``), before anything is
made of them, and the comparison and the sums are one graph over these integers:

    cos(q, r) = scale_r * (steps_r . q),    sums = weights' exp((cos - 1) / WIDTH)

A query stands in two rows of integers, ``q = high + low``, so that nothing but the rounding of the
bank, 0.0003 of a cosine, is lost; all rows are read past the same matrix. These integers have 7
bits: processors without VNNI add two products up in 16 bits, and 2 x 127 x 127 is the most that
they hold. Measured on 20,710 questions, with the encoder's weights read in between: see decision 35.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.errors import IndexFolderError
from kb.kernel import WIDTH
from kb.phrasing import GRAM_SHARE, Phrasing

__all__ = ["CHECKED", "BankGraph", "Near", "rounded", "write_graph"]

Floats = NDArray[np.float32]
STEPS = 127
QUERY_STEPS, ZERO = 63, 64
TINY = 1e-9
LARGEST_ERROR = 0.001
THREADS = 2
"""Half the matrix each; one core reads it more slowly than it could compute."""
CHECKED = 16
"""How many questions tell whether a processor runs the graph as it should."""


class Near(NamedTuple):
    """What a query is like: cosines with both banks' questions, and phrasing's sums over them."""

    questions: Floats
    outside: Floats
    sums: Floats


class BankGraph:
    """A written graph, opened. Thread safe.

    Raises:
        IndexFolderError: the file is not such a graph.
    """

    def __init__(self, path: Path, questions: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has a dozen of its own
            raise IndexFolderError(
                f"索引文件“{path.name}”无法读取，请重建索引（python -m kb build）。"
            ) from error
        self._questions = questions

    def near(self, vectors: Floats) -> list[Near]:
        """Compare queries' unit vectors, shape ``(n, d)``, with both banks."""
        end = self._questions
        found = self._run(["likeness", "sums"], vectors) if len(vectors) else ()
        return [Near(near[:end], near[end:], sums) for near, sums in zip(*found, strict=True)]

    def likeness(self, vectors: Floats) -> Floats:
        """The cosines of queries' unit vectors, shape ``(n, d)``, with every row of the graph."""
        return np.asarray(self._run(["likeness"], vectors)[0])

    def _run(self, outputs: list[str], vectors: Floats) -> list[Any]:
        rows = []
        units = np.zeros((len(vectors), 2 * len(vectors)), dtype=np.float32)
        for row, vector in enumerate(vectors):
            high, high_scale = _steps(vector)
            low, low_scale = _steps(vector - high_scale * high)
            rows += [high, low]
            units[row, 2 * row : 2 * row + 2] = high_scale, low_scale
        feed = {"rows": (np.stack(rows) + ZERO).astype(np.uint8), "units": units}
        found: list[Any] = self._session.run(outputs, feed)
        return found

    def is_exact(self, firsts: Floats) -> bool:
        """Whether it finds the first questions, given their vectors, as near as they are.

        A processor whose sums overflow after all is better served by the vectors themselves.
        """
        found = self.likeness(firsts)[:, : len(firsts)]
        return float(np.abs(found - firsts @ firsts.T).max(initial=0.0)) <= LARGEST_ERROR


def rounded(vectors: Floats) -> Floats:
    """Vectors as 8 bits hold them, one scale a row; rounded once more they stay the same."""
    scales = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), TINY) / STEPS
    return np.asarray(np.rint(vectors / scales) * scales, dtype=np.float32)


def write_graph(path: Path, vectors: Floats, phrasing: Phrasing | None = None) -> None:
    """Write the graph of a bank, or of both banks with the sums of a model over them.

    Args:
        path: the file.
        vectors: rounded rows, shape ``(n, d)``; of both banks the answerable questions first.
        phrasing: the model over the same questions.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    scales = np.maximum(np.abs(vectors).max(axis=1), TINY) / STEPS
    steps = np.rint(vectors / scales[:, None]).astype(np.int8)
    constants = {
        "steps": np.ascontiguousarray(steps.T),
        "zero": np.uint8(ZERO),
        "scales": scales.astype(np.float32),
    }
    nodes = [
        ("MatMulInteger", ["rows", "steps", "zero"], ["products"]),
        ("Cast", ["products"], ["whole"]),
        ("MatMul", ["units", "whole"], ["summed"]),
        ("Mul", ["summed", "scales"], ["likeness"]),
    ]
    widths = {"likeness": len(vectors)}
    if phrasing is not None:
        weights = (1.0 - GRAM_SHARE) * phrasing.question_weights
        constants |= {
            "one": np.float32(1.0),
            "slope": np.float32(1.0 / WIDTH),
            "weights": np.ascontiguousarray(weights.T, dtype=np.float32),
        }
        nodes += [
            ("Sub", ["likeness", "one"], ["below"]),
            ("Mul", ["below", "slope"], ["exponent"]),
            ("Exp", ["exponent"], ["kernel"]),
            ("MatMul", ["kernel", "weights"], ["sums"]),
        ]
        widths["sums"] = len(weights)
    to = {"Cast": {"to": TensorProto.FLOAT}}
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(op, *ends, **to.get(op, {})) for op, *ends in nodes],
        "banks",
        [
            value("rows", TensorProto.UINT8, ["rows", vectors.shape[1]]),
            value("units", TensorProto.FLOAT, ["queries", "rows"]),
        ],
        [value(name, TensorProto.FLOAT, ["queries", width]) for name, width in widths.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))


def _steps(vector: Floats) -> tuple[Floats, float]:
    """A vector as whole steps of one size from -63 to 63, and that size."""
    size = max(float(np.abs(vector).max()), TINY) / QUERY_STEPS
    return np.rint(vector / size), size
