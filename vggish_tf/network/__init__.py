"""Log-mel examples → embeddings: the network, the ways to run it, and what comes behind it. No
files of weights here.

backbone      the network as a table
winograd      its wide convolutions with a quarter of the multiplications
batching      examples of many clips into batches
postprocess   PCA, whitening, 8 bits, and back
heads         layers and optimizer of a classifier
"""
