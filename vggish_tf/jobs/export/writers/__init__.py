"""Writers, one for each format: write(pipeline, path, precision), load(path, pipeline) → Loaded.

saved_model, frozen_graph, tf1_checkpoint   TensorFlow; quiet silences its log
keras_model, weights                        Keras
onnx, openvino, tflite                      other runtimes, through portable
web                                         a page for browsers, with network.onnx_graph
"""
