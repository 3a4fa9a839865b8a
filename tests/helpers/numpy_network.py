"""The network in NumPy float64, layer by layer."""

import numpy as np
import seeded


def convolve(net, kernel, bias):
    """3×3, stride 1, SAME, ReLU."""
    padded = np.pad(net, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = net.shape[1:3]
    shifts = [(row, column) for row in range(3) for column in range(3)]
    total = sum(
        padded[:, row : row + height, column : column + width] @ kernel[row, column]
        for row, column in shifts
    )
    return np.maximum(total + bias, 0)


def pool(net):
    """The larger of each 2×2."""
    batch, height, width, channels = net.shape
    return net.reshape(batch, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def numpy_layers(examples, weights):
    """Each layer's name and output, in float64."""
    net = examples[..., np.newaxis].astype(np.float64)
    for layer in seeded.SHAPES:
        name = layer.split("/")[-1]
        kernel, bias = (
            weights[f"{layer}/weights"].astype(np.float64),
            weights[f"{layer}/biases"].astype(np.float64),
        )
        if name.startswith("conv"):
            net = convolve(net, kernel, bias)
            yield name, net
        else:
            net = net.reshape(len(net), -1) @ kernel + bias
            net = net if name == "fc2" else np.maximum(net, 0)
            yield name.replace("fc2", "embedding"), net
        if name in ("conv1", "conv2", "conv3_2", "conv4_2"):
            net = pool(net)
            yield f"pool{name[4]}", net
