"""Writers, one module a format: write(pipeline, path, precision), load(path, pipeline) → Loaded.

saved_model, frozen_graph, tf1_checkpoint   TensorFlow; quiet silences its log
keras_model, weights                        Keras
onnx, openvino, tflite                      other runtimes, by way of portable
web                                         a page for browsers, on network.onnx_graph
"""
