"""Log-mel examples → embeddings: the network, post-processing, and the layers of a head.

    backbone              the network as a table
    plan                  how the network is computed on this machine
    fast                  the network for inference, built from existing weights
    winograd              wide convolutions with a quarter of the multiplications
    overlap               convolutions that overlapping examples share
    onnx_graph, engines   the network as an ONNX file; ONNX Runtime and OpenVINO
    batching              examples of many clips → batches
    postprocess           PCA whitening, 8-bit quantization, and its inverse
    heads                 layers and optimizer of a classifier

No files of weights are read here.
"""
