"""A folder that runs the network in a web browser: page, network, front end, runtime.

    site        the whole folder; write() and load() of the format
    graph       the network as ONNX in each precision
    rounding    weights in 8 and 4 bits
    front_end   the front end as data, for the page's JavaScript
    sounds      the sounds on which the cosines are measured
    runtime     the files of onnxruntime-web, from the cache, npm or a public address

The page itself is in vggish_tf/web; nothing here is specific to it.
"""
