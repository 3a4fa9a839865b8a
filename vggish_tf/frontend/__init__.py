"""Mono samples → log-mel examples. No files and no other channels here: that is audio/'s.

framing      the arithmetic of lengths
transforms   a frame: window, Fourier transform, mel filters
layers       waveform → STFT magnitude → log-mel → examples, as Keras layers
resampling   other rates in the graph
blocks       the same for samples that come in blocks, bit for bit
"""
