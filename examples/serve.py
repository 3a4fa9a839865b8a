"""Serves an exported SavedModel over HTTP.

Requests and replies are those of TensorFlow Serving's REST API.

    pip install '.[serve]'            # in a clone of the repository
    vggish-tf export --format saved_model -o vggish
    python examples/serve.py vggish --port 8501

    GET  /v1/models/vggish            status
    GET  /v1/models/vggish/metadata   signatures
    POST /v1/models/vggish:predict    embeddings

    {"inputs": {"waveform": [[0.0, 0.1, …], …]}}       → {"outputs": {…}}
    {"instances": [{"waveform": [0.0, 0.1, …]}, …]}    → {"predictions": [{…}, …]}

A request may name another signature ("signature_name": "examples"). All waveforms of a request have
one length. tensorflow_model_server can replace this server without a change to the clients. It
serves one model and one version, without gRPC, and does not batch the requests of several clients.
A malformed request gets status 400, and one larger than the limits 413, both with {"error": "…"}.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

import argparse
import json

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
MAX_MEGABYTES = 64  # of a body: about 3 million samples as JSON
MAX_SAMPLES = 4_000_000  # of a request, all its instances together: four minutes at 16 kHz
MAX_INSTANCES = 1_000


class BadRequest(Exception):
    """An error of the client, with the status code of its kind."""

    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.status = status


def create_app(
    folder: str, *, max_megabytes: float = MAX_MEGABYTES, max_samples: int = MAX_SAMPLES
) -> Starlette:
    """The ASGI application for a SavedModel."""
    signatures = tf.saved_model.load(folder).signatures

    async def predict(request: Request) -> JSONResponse:
        try:
            body = await read_body(request, int(max_megabytes * 1e6))
            return JSONResponse(await run_in_threadpool(answer, signatures, body, max_samples))
        except BadRequest as error:
            return JSONResponse({"error": str(error)}, status_code=error.status)

    def status(request: Request) -> JSONResponse:
        state = {
            "version": VERSION,
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
        return JSONResponse({"model_version_status": [state]})

    def metadata(request: Request) -> JSONResponse:
        return JSONResponse(
            {"model_spec": {"name": NAME, "version": VERSION}, "metadata": describe(signatures)}
        )

    path = f"/v1/models/{NAME}"
    routes = [
        Route(f"{path}:predict", predict, methods=["POST"]),
        Route(path, status),
        Route(f"{path}/metadata", metadata),
    ]
    return Starlette(routes=routes)


async def read_body(request: Request, limit: int) -> bytes:
    """The body, read no further than the limit."""
    body, length = bytearray(), request.headers.get("content-length", "0")
    too_large = BadRequest(
        f"the body has more than {limit:,} bytes. Send fewer or shorter clips in a request.", 413
    )
    if length.isdecimal() and int(length[:20]) > limit:
        raise too_large
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def answer(signatures, body: bytes, max_samples: int = MAX_SAMPLES) -> dict:
    """The reply to a request in rows ("instances") or columns ("inputs")."""
    request = parsed(body)
    name = request.get("signature_name", "serving_default")
    if not isinstance(name, str) or name not in signatures:
        raise BadRequest(f"no signature {name!r:.100}; there are {', '.join(signatures)}.")
    if ("instances" in request) == ("inputs" in request):
        raise BadRequest('the request must have either "instances" or "inputs".')
    columns = request["inputs"] if "inputs" in request else as_columns(request["instances"])
    outputs = run(signatures[name], as_arrays(signatures[name], columns, max_samples))
    if "inputs" in request:
        return {"outputs": {key: value.tolist() for key, value in outputs.items()}}
    rows = zip(*(value.tolist() for value in outputs.values()), strict=True)
    return {"predictions": [dict(zip(outputs, row, strict=True)) for row in rows]}


def parsed(body: bytes) -> dict:
    """JSON as an object."""
    try:
        request = json.loads(body)
    except RecursionError:
        raise BadRequest("the JSON is nested too deeply.") from None
    except ValueError as error:  # also UnicodeDecodeError and numbers of too many digits
        raise BadRequest(f"the body is not JSON: {error!s:.200}") from None
    if not isinstance(request, dict):
        raise BadRequest(
            "no signature: the request must be an object, "
            '{"instances": [...]} or {"inputs": {...}}.'
        )
    return request


def run(signature, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of the signature by name."""
    try:
        outputs = signature(**{name: tf.constant(array) for name, array in arrays.items()})
    except tf.errors.InvalidArgumentError as error:
        raise BadRequest(f"the model does not take this: {error.message:.200}") from None
    found = {name: value.numpy() for name, value in outputs.items()}
    if not all(np.isfinite(value).all() for value in found.values()):  # JSON has no NaN
        raise BadRequest(
            "the answer is not finite: the input is too large. A waveform is in [-1, 1]."
        )
    return found


def as_columns(instances) -> dict:
    """Rows, each {input: value}, as {input: values}."""
    rows = instances if isinstance(instances, list) else []
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise BadRequest('"instances" must be a list of objects, {"waveform": [...]} each.')
    if len(instances) > MAX_INSTANCES:
        raise BadRequest(
            f"{len(instances):,} instances; at most {MAX_INSTANCES:,} go into a request.", 413
        )
    if any(row.keys() != instances[0].keys() for row in instances):
        raise BadRequest('all "instances" must have the same names.')
    return {name: [row[name] for row in instances] for name in instances[0]}


def as_arrays(signature, columns, max_samples: int) -> dict[str, np.ndarray]:
    """{input: nested lists} as finite arrays of the dtype and shape that the signature has."""
    specs = signature.structured_input_signature[1]
    if not isinstance(columns, dict) or columns.keys() != specs.keys():
        raise BadRequest(f"the inputs must be {', '.join(specs)}.")
    return {name: as_array(name, columns[name], spec, max_samples) for name, spec in specs.items()}


def as_array(name: str, values, spec, max_samples: int) -> np.ndarray:
    """Nested lists of numbers as an array; an error names the first number that is not finite."""
    try:
        numbers = np.asarray(values)  # ValueError if the rows differ in length
        # O: null, which becomes NaN, and integers over 64 bits
        if numbers.dtype.kind not in "iufO":
            raise ValueError(f"could not convert {numbers.flat[0].item()!r:.50} to a number")
        with np.errstate(over="ignore"):
            array = numbers.astype(spec.dtype.as_numpy_dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRequest(
            f"{name!r} must be numbers in lists of one length: {error!s:.200}"
        ) from None
    if not spec.shape.is_compatible_with(array.shape):
        raise BadRequest(f"{name!r} must have the shape {spec.shape}; received {array.shape}.")
    if array.size > max_samples:
        raise BadRequest(
            f"{name!r} has {array.size:,} numbers; at most {max_samples:,} go into a request.", 413
        )
    if not np.isfinite(array).all():
        index = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise BadRequest(f"{name!r} must be finite; {list(index)} is {array[index]}.")
    return array


def describe(signatures) -> dict:
    return {
        name: {
            "inputs": {
                key: str(spec.shape)
                for key, spec in signature.structured_input_signature[1].items()
            },
            "outputs": {key: str(spec.shape) for key, spec in signature.structured_outputs.items()},
        }
        for name, signature in signatures.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve an exported SavedModel over HTTP.")
    parser.add_argument("folder")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument(
        "--max-megabytes",
        type=float,
        default=MAX_MEGABYTES,
        help="of a body (default: %(default)s)",
    )
    parser.add_argument(
        "--max-samples", type=int, default=MAX_SAMPLES, help="of a request (default: %(default)s)"
    )
    args = parser.parse_args()
    app = create_app(args.folder, max_megabytes=args.max_megabytes, max_samples=args.max_samples)
    uvicorn.run(app, host=args.host, port=args.port, log_level="warning")
