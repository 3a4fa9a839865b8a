"""The ways to run VGGish, by name. All load the same checkpoint."""

from benchmark.contender import Contender
from benchmark.exported import LiteRt, OnnxRuntime, OpenVino, OpenVinoBfloat16
from benchmark.ours import Ours, OursBfloat16
from benchmark.rivals import KerasPredict, TorchVggish, Upstream

CONTENDERS: dict[str, type[Contender]] = {
    "ours": Ours,
    "ours_bfloat16": OursBfloat16,
    "upstream": Upstream,
    "torchvggish": TorchVggish,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "openvino_bfloat16": OpenVinoBfloat16,
    "litert": LiteRt,
    "keras_predict": KerasPredict,
}
