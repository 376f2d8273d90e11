"""What the export does to the tables of embeddings."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from training.export import quantise_embeddings


def test_a_large_row_does_not_take_the_precision_of_the_others() -> None:
    scales = np.array([[100.0], [1.0], [0.01], [0.0]], np.float32)
    rows = scales * np.random.default_rng(1).uniform(-1, 1, (4, 64)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["rows"])],
        "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 64])],
        [numpy_helper.from_array(rows, "table")],
    )
    quantise_embeddings(graph)
    assert {tensor.data_type for tensor in graph.initializer if list(tensor.dims) == [4, 64]} == {TensorProto.INT8}
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"ids": np.array([3, 2, 1, 0, 2])})
    expected = rows[[3, 2, 1, 0, 2]]
    assert (np.abs(found - expected).max(axis=1) <= 0.005 * np.abs(expected).max(axis=1)).all()
