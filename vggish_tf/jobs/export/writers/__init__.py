"""The formats, a file each with write(pipeline, path, precision) and load(path, pipeline) → Loaded.

saved_model, frozen_graph, tf1_checkpoint   TensorFlow's, quiet among them
keras_model, weights                        Keras's
onnx, openvino, tflite                      other runtimes', by way of portable
"""
