"""The 18 published variables: their names, and the layers of the network that hold them.

Source: tensorflow/models research/audioset/vggish/vggish_slim.py.
"""

# Keras layer → its scope in the published checkpoint, which holds <scope>/weights and
# <scope>/biases.
LAYERS = {
    "conv1": "vggish/conv1",
    "conv2": "vggish/conv2",
    "conv3_1": "vggish/conv3/conv3_1",
    "conv3_2": "vggish/conv3/conv3_2",
    "conv4_1": "vggish/conv4/conv4_1",
    "conv4_2": "vggish/conv4/conv4_2",
    "fc1_1": "vggish/fc1/fc1_1",
    "fc1_2": "vggish/fc1/fc1_2",
    "embedding": "vggish/fc2",
}
NAMES = tuple(f"{scope}/{kind}" for scope in LAYERS.values() for kind in ("weights", "biases"))
POSTPROCESS = "postprocess"  # the layer of the PCA parameters, which are no part of the 18
NUM_CONVOLUTIONS = 6  # of the nine layers, the first; the others are dense
NUM_VALUES = 72_141_184  # in the 18
