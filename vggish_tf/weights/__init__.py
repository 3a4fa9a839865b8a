"""Files of weights: the published ones, readers and writers of each format, loading all or nothing.

    published                     names of the 18 variables, and the layers that hold them
    known, elsewhere              every known file; caches of other programs
    part_files, download          fetching
    digests, paths, registry      from a name or a path to a file whose digest is checked
    layouts, readers              weights by their published names, read from every format
    writers                       TF1's, safetensors' and PyTorch's files
    identity                      which weights these are: digests of file and values
    kept, engine_files            copies of weights and files of engines, kept in the cache
    arrays                        values as arrays in memory, read ahead in a thread
    pca                           PCA parameters of every format
    keras_files                   `.keras` files of any origin, checked before Keras opens them
    matching, loading             files → models: all weights or none

No networks here.
"""
