"""Serves an exported SavedModel over HTTP, with the requests and replies of TensorFlow Serving's REST API.

    pip install '.[serve]'            # in a clone of the repository
    vggish-tf export --format saved_model -o vggish
    python serve.py vggish --port 8501

    GET  /v1/models/vggish            is it up?
    GET  /v1/models/vggish/metadata   its signatures
    POST /v1/models/vggish:predict    {"inputs": {"waveform": [[0.0, 0.1, …], …]}}       → {"outputs": {…}}
                                      {"instances": [{"waveform": [0.0, 0.1, …]}, …]}    → {"predictions": [{…}, …]}

A request may name another signature ("signature_name": "examples"). All waveforms of a request have one length. This
is a stand-in for tensorflow_model_server: a client does not change when that takes its place. It knows one model and
one version, speaks no gRPC, and does not gather the requests of several clients into one batch.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

import argparse

import numpy as np
import tensorflow as tf
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

NAME = "vggish"
VERSION = "1"


class BadRequest(Exception):
    """What the client has to change."""


def create_app(folder: str) -> Starlette:
    """The ASGI application for a SavedModel."""
    signatures = tf.saved_model.load(folder).signatures

    async def predict(request: Request) -> JSONResponse:
        try:
            body = await request.json()
            return JSONResponse(await run_in_threadpool(answer, signatures, body))
        except (BadRequest, ValueError, tf.errors.InvalidArgumentError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    def status(request: Request) -> JSONResponse:
        state = {"version": VERSION, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return JSONResponse({"model_version_status": [state]})

    def metadata(request: Request) -> JSONResponse:
        return JSONResponse({"model_spec": {"name": NAME, "version": VERSION}, "metadata": describe(signatures)})

    path = f"/v1/models/{NAME}"
    routes = [
        Route(f"{path}:predict", predict, methods=["POST"]),
        Route(path, status),
        Route(f"{path}/metadata", metadata),
    ]
    return Starlette(routes=routes)


def answer(signatures, body: dict) -> dict:
    """The reply to a request in rows ("instances") or in columns ("inputs")."""
    name = body.get("signature_name", "serving_default") if isinstance(body, dict) else None
    if name not in signatures:
        raise BadRequest(f"no signature {name!r}; there are {', '.join(signatures)}.")
    if ("instances" in body) == ("inputs" in body):
        raise BadRequest('the request must have either "instances" or "inputs".')
    signature = signatures[name]
    columns = body["inputs"] if "inputs" in body else as_columns(body["instances"])
    outputs = {key: value.numpy() for key, value in signature(**as_tensors(signature, columns)).items()}
    if "inputs" in body:
        return {"outputs": {key: value.tolist() for key, value in outputs.items()}}
    rows = zip(*(value.tolist() for value in outputs.values()), strict=True)
    return {"predictions": [dict(zip(outputs, row, strict=True)) for row in rows]}


def as_columns(instances) -> dict:
    """Rows, each {input: value}, as {input: values}."""
    if not isinstance(instances, list) or not instances or not all(isinstance(row, dict) for row in instances):
        raise BadRequest('"instances" must be a list of objects, {"waveform": [...]} each.')
    if any(row.keys() != instances[0].keys() for row in instances):
        raise BadRequest('all "instances" must have the same names.')
    return {name: [row[name] for row in instances] for name in instances[0]}


def as_tensors(signature, columns) -> dict[str, tf.Tensor]:
    """{input: nested lists} as tensors of the dtype and shape that the signature has."""
    specs = signature.structured_input_signature[1]
    if not isinstance(columns, dict) or columns.keys() != specs.keys():
        raise BadRequest(f"the inputs must be {', '.join(specs)}.")
    tensors = {}
    for name, spec in specs.items():
        array = np.asarray(columns[name], spec.dtype.as_numpy_dtype)  # ValueError if the rows differ in length
        if not spec.shape.is_compatible_with(array.shape):
            raise BadRequest(f"{name!r} must have the shape {spec.shape}; received {array.shape}.")
        tensors[name] = tf.constant(array)
    return tensors


def describe(signatures) -> dict:
    return {
        name: {
            "inputs": {key: str(spec.shape) for key, spec in signature.structured_input_signature[1].items()},
            "outputs": {key: str(spec.shape) for key, spec in signature.structured_outputs.items()},
        }
        for name, signature in signatures.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve an exported SavedModel over HTTP.")
    parser.add_argument("folder")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    args = parser.parse_args()
    uvicorn.run(create_app(args.folder), host=args.host, port=args.port, log_level="warning")
