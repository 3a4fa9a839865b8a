"""The public names of README, docs, notebook and DESIGN, none of which may be removed."""

import importlib

import pytest

from vggish_tf import drawing, reference
from vggish_tf.jobs import finetune

NAMES = [
    *("Params", "load_audio", "VGGish", "load_model", "Embedder", "Embeddings", "EmbeddingStream"),
    *("StftMagnitude", "LogMel", "FrameExamples", "WaveformToExamples", "Resample"),
    *("Postprocessor", "dequantize"),
    *("VGGishError", "ParamsError", "AudioError", "CheckpointError"),
    *(
        "audio.to_mono",
        "audio.load_audio",
        "audio.read_blocks",
        "audio.audio_info",
        "audio.MonoStream",
    ),
    *("params.SAMPLE_RATE", "params.LEARNING_RATE", "params.ADAM_EPSILON", "params.Params"),
    *("errors.VGGishError", "errors.AudioError"),
    *(
        f"checkpoints.{name}"
        for name in ("fetch", "verify", "read", "LAYERS", "md5_of", "is_untrained")
    ),
    *(f"checkpoints.{name}" for name in ("load_weights", "copy_weights", "save_tf1_checkpoint")),
    *("formats.npz.read", "formats.npz.write", "formats.tfrecord.read", "formats.tfrecord.write"),
    "formats.tfrecord.Record",
    *("jobs.export.export", "jobs.report.inspect", "jobs.bulk.embed_archive", "jobs.demo.run"),
    *(f"jobs.embed.{name}" for name in ("embed_archive", "embed_bytes", "embed_many", "Failure")),
    *(f"jobs.classify.{name}" for name in ("Classifier", "classify_files", "teach")),
    *("jobs.classify.NearestPrototype", "jobs.classify.Prototypes", "jobs.search.nearest"),
    "jobs.map.write",
    *(
        "jobs.panels.Stages",
        "jobs.pictures.overview",
        "jobs.pictures.save",
        "jobs.spectrum.measure",
    ),
    *("jobs.stages.compute", "jobs.stages.describe"),
    *("stages.compute", "stages.compute_file", "stages.describe"),
    *(f"drawing.{name}" for name in drawing.__all__),
    *(f"jobs.finetune.{name}" for name in finetune.__all__),
    *(f"reference.{name}" for name in reference.__all__),
    *(f"reference.mel_features.{name}" for name in ("frame", "periodic_hann", "stft_magnitude")),
    *(f"reference.mel_features.{name}" for name in ("hertz_to_mel", "log_mel_spectrogram")),
    "reference.mel_features.spectrogram_to_mel_matrix",
    *("reference.vggish_input.waveform_to_examples", "reference.vggish_input.wavfile_to_examples"),
    "reference.vggish_postprocess.Postprocessor",
    *(
        "reference.vggish_slim.define_vggish_slim",
        "reference.vggish_slim.load_vggish_slim_checkpoint",
    ),
    "reference.vggish_params.SAMPLE_RATE",
]
MODULES = [  # as `import vggish_tf.x` and `from vggish_tf.x import y`
    *(
        "audio",
        "checkpoints",
        "cli",
        "errors",
        "formats",
        "jobs",
        "params",
        "reference",
        "embedding",
        "model",
    ),
    *("jobs.bulk", "jobs.report", "jobs.classify", "jobs.demo", "jobs.export", "jobs.finetune"),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_reached_by_attribute(name):
    found = importlib.import_module("vggish_tf")
    for part in name.split("."):
        found = getattr(found, part)
    assert found is not None


@pytest.mark.parametrize("name", MODULES)
def test_the_module_is_imported_by_name(name):
    assert importlib.import_module(f"vggish_tf.{name}").__doc__
