"""Seconds to load and milliseconds an example of exported pages, in Chromium:

    vggish-tf export --format web -o site
    python scripts/bench_web.py site --threads 1 4

onnxruntime-web computes random examples, with wasm on so many threads, or with --webgpu. The best
of five runs counts. `folded` is wasm with session.disable_quant_qdq=1, which makes float32 of the
8-bit weights once, when they are loaded, and not in every run.
"""

import argparse
import shutil
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

from vggish_tf.jobs import serve

RUNS = 5
ROWS = (1, 8)
RUN = """async ([provider, threads, folded, rows, runs]) => {
    const ort = await import(`/runtime/ort.${provider}.bundle.min.mjs`);
    ort.env.wasm.numThreads = threads;
    const extra = folded ? {session: {disable_quant_qdq: '1'}} : {};
    let start = performance.now();
    const options = {executionProviders: [provider], extra};
    const session = await ort.InferenceSession.create('/vggish.onnx', options);
    const result = [performance.now() - start];
    for (const n of rows) {
        const numbers = Float32Array.from({length: n * 96 * 64}, () => 4 * Math.random() - 4);
        const feeds = {input_features: new ort.Tensor('float32', numbers, [n, 96, 64])};
        let best = Infinity;
        for (let run = 0; run < runs; run++) {
            start = performance.now();
            const output = await session.run(feeds);
            await output.embedding.getData();
            best = Math.min(best, performance.now() - start);
        }
        result.push(best / n);
    }
    return result;
}"""
WEBGPU = ("--enable-unsafe-webgpu", "--ignore-gpu-blocklist")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sites", nargs="+", type=Path, metavar="SITE")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--webgpu", nargs="*", metavar="FLAG", help="with these flags of Chromium")
    args = parser.parse_args()
    cases = [("wasm", threads, folded) for threads in args.threads for folded in (False, True)]
    flags = [] if args.webgpu is None else [*WEBGPU, *(f"--{flag}" for flag in args.webgpu)]
    if flags:
        cases = [("webgpu", 1, False)]
    print("| page | on | load | one example | of 8 |\n|---|---|---|---|---|")
    for site in args.sites:
        for case in cases:
            print(_row(site, case, flags), flush=True)


def _row(site: Path, case: tuple[str, int, bool], flags: list[str]) -> str:
    provider, threads, folded = case
    load, *times = _measure(site, case, flags)
    where = provider if flags else f"{threads} thread{'s' * (threads > 1)}{', folded' * folded}"
    columns = (site.name, where, f"{load / 1000:.1f} s", *(f"{each:.0f} ms" for each in times))
    return f"| {' | '.join(columns)} |"


def _measure(site: Path, case: tuple[str, int, bool], flags: list[str]) -> list[float]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with serve.listening(site, "127.0.0.1", 0) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *flags])
        page = browser.new_page()
        page.goto(f"{server.address}manifest.json")
        assert page.evaluate("crossOriginIsolated")
        result = page.evaluate(RUN, [*case, ROWS, RUNS])
        browser.close()
        server.shutdown()
    return result


if __name__ == "__main__":
    main()
