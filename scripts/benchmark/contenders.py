"""The ways to run VGGish, by name. All load the same checkpoint."""

from benchmark.backends import OursJax, OursJaxBfloat16, OursTorch, OursTorchBfloat16
from benchmark.contender import Contender
from benchmark.exported import LiteRt, OnnxRuntime, OpenVino, OpenVinoBfloat16
from benchmark.ours import (
    Ours,
    OursBfloat16,
    OursOnnxRuntime,
    OursOpenVino,
    OursOpenVinoBfloat16,
)
from benchmark.rivals import KerasPredict, TorchVggish, Upstream

CONTENDERS: dict[str, type[Contender]] = {
    "ours": Ours,
    "ours_bfloat16": OursBfloat16,
    "ours_openvino": OursOpenVino,
    "ours_openvino_bfloat16": OursOpenVinoBfloat16,
    "ours_onnxruntime": OursOnnxRuntime,
    "upstream": Upstream,
    "torchvggish": TorchVggish,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "openvino_bfloat16": OpenVinoBfloat16,
    "litert": LiteRt,
    "keras_predict": KerasPredict,
    "ours_jax": OursJax,
    "ours_jax_bfloat16": OursJaxBfloat16,
    "ours_torch": OursTorch,
    "ours_torch_bfloat16": OursTorchBfloat16,
}
# other backends, which gain on a GPU alone
ON_A_GPU = ("ours_jax", "ours_jax_bfloat16", "ours_torch", "ours_torch_bfloat16")
