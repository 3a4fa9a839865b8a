"""Where embeddings are written and read, one file a format: each has `read(path)` and `write(path, …)`."""
