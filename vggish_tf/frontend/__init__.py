"""Mono waveform → log-mel examples. Files and channels belong to audio/.

framing      numbers of samples, frames and examples
transforms   one frame: window, Fourier transform, mel filters
layers       waveform → STFT magnitude → log-mel → examples, as Keras layers
resampling   resampling inside the graph
blocks       waveform → examples, block by block, with the same result bit for bit
"""
