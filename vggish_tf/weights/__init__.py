"""Files of weights: the published ones, readers and writers of each format, loading all or nothing.

No networks here.

digests, download, registry   the published files: digest, download, address and cache
identity                      which weights these are: digests of the file and of the values
files                         weights by their published names, out of every format and into TF1's
keras_files                   `.keras` files that anybody may have made, checked before Keras opens them
loading                       files → models, all of it or none
"""
