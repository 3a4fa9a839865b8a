"""Files of weights: the published ones, readers and writers of each format, loading all or nothing.

    digests, download, registry   the published files: digest, download, address and cache
    identity                      which weights these are: digests of file and values
    files                         weights by their published names, read from every format, to TF1's
    keras_files                   `.keras` files of any origin, checked before Keras opens them
    loading                       files → models, all of it or none

No networks here.
"""
