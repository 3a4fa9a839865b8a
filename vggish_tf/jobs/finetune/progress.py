"""Progress of a training: history of epochs, best epoch, picture of the losses."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vggish_tf.errors import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

History = list[dict[str, float]]


@dataclass
class Progress:
    """Progress of a training; JSON can hold its values."""

    history: History = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = float("inf")

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history)

    def add(self, row: dict[str, float]) -> bool:
        """Adds an epoch; returns True if its validation loss is the lowest."""
        self.history.append(row)
        if row["val_loss"] >= self.best_loss:
            return False
        self.best_loss, self.best_epoch = row["val_loss"], self.epoch
        return True


def describe_epoch(row: dict[str, float], number: int, epochs: int) -> str:
    """The line printed after an epoch."""
    values = "  ".join(f"{name} {value:.4f}" for name, value in row.items() if name != "seconds")
    return f"epoch {number}/{epochs}  {values}  {row['seconds']:.1f} s"


def draw_loss(ax: "Axes", progress: Progress) -> None:
    """Draws the training and validation losses over the epochs, with the best epoch marked."""
    from matplotlib.ticker import MaxNLocator

    epochs = range(1, progress.epoch + 1)
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        losses = [row[name] for row in progress.history]
        ax.plot(epochs, losses, marker=".", label=f"{label}, {losses[-1]:.4f} at the end")
    best = progress.best_epoch, progress.best_loss
    ring: Any = {"color": "black", "fillstyle": "none", "markersize": 10, "linestyle": "none"}
    ax.axvline(best[0], color="0.6", linestyle=":")
    ax.plot(*best, "o", label="best: epoch {}, validation {:.4f}".format(*best), **ring)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=(1, 2, 5, 10)))
    ax.set(xlim=(0.5, progress.epoch + 0.5), xlabel="epoch", ylabel="loss", title="loss")
    ax.set_ylim(0.0, 1.08 * max(max(row["loss"], row["val_loss"]) for row in progress.history))
    ax.legend(frameon=False)


def describe_limit(progress: Progress, epochs: int) -> str:
    """The line printed if `epochs`, not the validation loss, ended the training.

    Example:
        >>> describe_limit(Progress([{"val_loss": 2.0}, {"val_loss": 1.0}], best_epoch=2), 2)[:50]
        'the limit of 2 epochs ended the training with the '
    """
    falling = progress.best_epoch == progress.epoch
    loss = "the validation loss"
    how = f"with {loss} still falling" if falling else f"before {loss} had stopped falling"
    return (
        f"the limit of {counted(epochs, 'epoch')} ended the training {how} "
        f"(lowest in epoch {progress.best_epoch}). "
        "Raise epochs (--epochs), or learning_rate (--learning-rate), and start again."
    )
