"""The network of a page in Chromium, by onnxruntime-web: on threads, and on WebGPU, by SwiftShader
where there is no graphics card. Oracle: ONNX Runtime in Python.
"""

import contextlib
import shutil

import browser
import numpy as np
import pytest
from cases import slow
from serving_folders import serving
from signals import uniform_noise

from vggish_tf import VGGish
from vggish_tf.jobs.export import export

pytestmark = pytest.mark.thorough

onnxruntime = pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
WEBGPU = (
    *("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"),
    *("--enable-features=Vulkan", "--use-angle=swiftshader"),
)
RUN = """async ([provider, threads, numbers]) => {
    const ort = await import(`/runtime/ort.${provider}.bundle.min.mjs`);
    ort.env.wasm.numThreads = threads;
    const session = await ort.InferenceSession.create('/vggish.onnx', {
        executionProviders: [provider], logSeverityLevel: provider === 'webgpu' ? 0 : 2,
    });
    const examples = new ort.Tensor('float32', Float32Array.from(numbers), [2, 96, 64]);
    const {embedding} = await session.run({input_features: examples});
    return Array.from(await embedding.getData());
}"""
ADAPTER = "navigator.gpu ? navigator.gpu.requestAdapter().then((found) => !!found) : false"


MORE = [slow(name) for name in ("int4", "float16", "float32")]


@pytest.mark.usefixtures("small_networks", "pretended_runtime")
@pytest.mark.parametrize("precision", ["int8", *MORE])
def test_the_embeddings_are_those_of_python(precision, onnxruntime_web, small_checkpoint, tmp_path):
    network = VGGish(small_checkpoint, inputs="examples")
    site = export(network, tmp_path / "site", format="web", precision=precision)
    shutil.rmtree(site / "runtime")
    (site / "runtime").symlink_to(onnxruntime_web)
    examples = uniform_noise(2, 96, 64) * 8
    session = onnxruntime.InferenceSession(site / "vggish.onnx")
    expected = session.run(None, {"input_features": examples})[0]
    with opened(site) as (page, lines):
        for provider, threads in (("wasm", 1), ("wasm", 2), ("webgpu", 1)):
            if provider == "webgpu" and not page.evaluate(ADAPTER):
                pytest.skip("no WebGPU in this Chromium, not even in software")
            found = page.evaluate(RUN, [provider, threads, examples.ravel().tolist()])
            # float32 sums in another order
            atol = 1e-5 * np.abs(expected).max()
            np.testing.assert_allclose(np.reshape(found, expected.shape), expected, atol=atol)
        # nothing is left to the processor
        assert any("All nodes placed on [WebGpuExecutionProvider]" in line for line in lines)


@contextlib.contextmanager
def opened(site):
    """A page of the site's origin, and the lines of its console."""
    lines = []
    with serving(site) as server, browser.chromium(*WEBGPU) as chromium:
        page = chromium.new_page()
        page.on("console", lambda message: lines.append(message.text))
        page.goto(f"{server.address}manifest.json")
        yield page, lines
