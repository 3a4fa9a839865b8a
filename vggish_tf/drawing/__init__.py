"""Pictures: a clip → figures. Only what a picture needs is computed here.

    vggish_tf.drawing.show("clip.flac")            # every stage, on one page
    vggish_tf.drawing.draw_log_mel("clip.flac")    # one stage; ax= draws it in your own axes

axes       parts shared by all pictures: scales, colours, labels
figures    figures and axes that notebooks show
pages      figures in one style, one picture on a page, files
clip       a waveform, a file or stages → stages
panels     one stage in one pair of axes
pictures   panels on a page
"""

from vggish_tf.drawing.pages import save
from vggish_tf.drawing.panels import (
    draw_embedding,
    draw_log_mel,
    draw_mel_matrix,
    draw_mel_scale,
    draw_quantized,
    draw_segments,
    draw_similarity,
    draw_stft_magnitude,
    draw_waveform,
)
from vggish_tf.drawing.pictures import show

__all__ = [
    "draw_embedding",
    "draw_log_mel",
    "draw_mel_matrix",
    "draw_mel_scale",
    "draw_quantized",
    "draw_segments",
    "draw_similarity",
    "draw_stft_magnitude",
    "draw_waveform",
    "save",
    "show",
]
