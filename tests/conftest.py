"""Fixtures of all tests: a quiet TensorFlow, no network, an empty cache, and shared files."""

import gc
import os
import shutil
import signal
import sys

import places

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread a worker: those that wait take others' time
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(threads, "1")

from pathlib import Path

import pytest

from vggish_tf import importing
from vggish_tf.weights import registry

# A shell's background ignores Ctrl-C, and the programs that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
importing.triton_first("triton")  # of a GPU build of PyTorch, if that is what is installed
USER_CACHE = registry.cache_folder()  # asked before any test hides it
CHECKPOINT_NAME, PCA_NAME = "vggish_model.ckpt", "vggish_pca_params.npz"
os.environ["VGGISH_TF_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"
CACHES = {name: name.lower() for name in ("TORCH_HOME", "TFHUB_CACHE_DIR", "KAGGLEHUB_CACHE")}
least = {"resident": float("inf")}  # bytes, since models were freed
collect_ignore = ["helpers/on_backend.py"]  # a script: it runs when it is imported


def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("-m") or ""
    checkpoint = published_checkpoint_path()
    for item in items:
        if item.get_closest_marker("slow") and "slow" not in wanted:
            item.add_marker(pytest.mark.skip(reason="slow; run with -m slow"))
        elif item.get_closest_marker("thorough") and not {*wanted.split()} & {"slow", "thorough"}:
            item.add_marker(pytest.mark.skip(reason="thorough; run with -m thorough"))
        if item.get_closest_marker("checkpoint") and not checkpoint.is_file():
            item.add_marker(
                pytest.mark.skip(reason=f"the published {CHECKPOINT_NAME} is absent: {checkpoint}")
            )


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A file of tests that cannot be imported is an error. --doctest-ignore-import-errors is meant
    for modules of the package that need an extra, and would skip all tests of the file.
    """
    report = yield
    if report.skipped and "unable to import module" in str(report.longrepr):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """The summary lists each reason to skip once, with the number of tests, and not once a test."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        report.longrepr = ("tests", None, report.longrepr[2])
    return report


def published_checkpoint_path() -> Path:
    """Where the published file would be: VGGISH_TF_CHECKPOINT, or in the user's own cache."""
    if path := os.environ.get("VGGISH_TF_CHECKPOINT"):
        return Path(path)
    return USER_CACHE / CHECKPOINT_NAME


@pytest.fixture(scope="session")
def kept_weights(tmp_path_factory):
    """The copies of weights that were loaded, one folder a session: those of a test alone would
    be written in every test.
    """
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(autouse=True)
def no_network_and_an_empty_cache(monkeypatch, tmp_path_factory, kept_weights):
    cache = tmp_path_factory.mktemp("cache")
    (cache / "weights").symlink_to(kept_weights)
    monkeypatch.setenv("VGGISH_TF_OFFLINE", "1")
    monkeypatch.setenv("VGGISH_TF_CACHE", str(cache))
    for name, folder in CACHES.items():  # nor a file that another program has fetched
        monkeypatch.setenv(name, str(tmp_path_factory.getbasetemp() / folder))


@pytest.fixture
def copies_of_each_test(no_network_and_an_empty_cache):
    """No copy that another test has made stands in for the file that is read."""
    (registry.cache_folder() / "weights").unlink()


@pytest.fixture(autouse=True, scope="module")
def models_do_not_outlive_their_tests():
    """A model is 288 MB, and Keras and the garbage collector hold on to them."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()
    free()


@pytest.fixture(autouse=True)
def models_do_not_pile_up():
    """Frees models once a few have come together, so that two workers fit into 8 GB.

    Models lie in reference cycles, and Python's collector counts objects, not bytes. To collect
    after every test would take longer than the tests: there are a million objects.
    """
    yield
    least["resident"] = min(least["resident"], resident_bytes())
    if resident_bytes() > least["resident"] + 0.6e9:
        free()
        least["resident"] = resident_bytes()


def free():
    """Collects garbage; what is alive now, such as TensorFlow, is not looked at again."""
    gc.collect()
    gc.freeze()


def resident_bytes() -> int:
    """Memory of this process, or 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if status.exists() else 0


@pytest.fixture
def small_networks(monkeypatch):
    """Networks with a few filters a layer, for tests of the code around the network."""
    import small_network

    small_network.shrink(monkeypatch.setattr)


@pytest.fixture(scope="session")
def published_checkpoint() -> Path:
    """The published vggish_model.ckpt; mark the test `checkpoint` as well."""
    path = published_checkpoint_path()
    if not path.is_file():
        pytest.skip(f"the published {CHECKPOINT_NAME} is absent: {path}")
    return path


@pytest.fixture(scope="session")
def seeded_checkpoint(tmp_path_factory):
    """A V1 checkpoint with seeded weights, 288.6 MB, one a session. Do not change it."""
    import seeded

    path = seeded.write_seeded_checkpoint(tmp_path_factory.mktemp("seeded") / CHECKPOINT_NAME)
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory):
    """The same of a small network, 20 kB; `small_networks` must be in use. Do not change it."""
    import seeded
    import small_network

    with small_network.shrunken():
        return seeded.write_seeded_checkpoint(tmp_path_factory.mktemp("small") / CHECKPOINT_NAME)


@pytest.fixture(
    scope="module", params=["small", pytest.param("published size", marks=pytest.mark.slow)]
)
def sized_checkpoint(request):
    """The small checkpoint, while all networks are small; with -m slow, the large one."""
    if request.param == "published size":
        yield request.getfixturevalue("seeded_checkpoint")
        return
    import small_network

    with small_network.shrunken():
        yield request.getfixturevalue("small_checkpoint")


@pytest.fixture(scope="session")
def onnxruntime_web() -> Path:
    """The folder of onnxruntime-web's files in the user's cache, or the test is skipped."""
    import web_runtime

    return web_runtime.real(USER_CACHE)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The project's shared/data folder: see DESIGN section 5."""
    if not places.SHARED_DATA.is_dir():
        pytest.skip(f"shared/data is not beside the repository: {places.SHARED_DATA}")
    return places.SHARED_DATA


def there(path: Path) -> Path:
    """The same, or the test is skipped."""
    if not path.is_file():
        pytest.skip(f"{path.name} is not in shared/data")
    return path


@pytest.fixture(scope="session")
def pca_params(tmp_path_factory) -> Path:
    """The genuine published vggish_pca_params.npz, alone in a folder that can be a cache."""
    paths = [folder / PCA_NAME for folder in (places.SHARED_DATA, USER_CACHE)]
    path = next(filter(Path.is_file, paths), None)
    if path is None:
        pytest.skip(f"{PCA_NAME} is neither in shared/data nor in the cache: {USER_CACHE}")
    return Path(shutil.copy(path, tmp_path_factory.mktemp("pca")))


@pytest.fixture(scope="session")
def audioset_shard(shared_data) -> Path:
    """A genuine shard of the AudioSet release, 328 records."""
    return there(shared_data / "audioset_rm.tfrecord")
