"""Log-mel examples → embeddings: the network, post-processing, and the layers of a head.

    backbone      the network as a table
    winograd      its wide convolutions with a quarter of the multiplications
    batching      examples of many clips → batches
    postprocess   PCA whitening, 8-bit quantization, and its inverse
    heads         layers and optimizer of a classifier

No files of weights here.
"""
