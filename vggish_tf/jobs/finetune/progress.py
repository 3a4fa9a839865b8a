"""How far a run is: the history of its epochs, and which was the best."""

from dataclasses import dataclass, field

History = list[dict[str, float]]


@dataclass
class Progress:
    """How far a run is; JSON can hold it."""

    history: History = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = float("inf")

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)

    def add(self, row: dict[str, float]) -> bool:
        """Takes in an epoch; True if it is the best by the validation loss."""
        self.history.append(row)
        if row["val_loss"] >= self.best_loss:
            return False
        self.best_loss, self.best_epoch = row["val_loss"], self.epoch
        return True


def describe_epoch(row: dict[str, float], number: int, epochs: int) -> str:
    """One line for one epoch."""
    values = "  ".join(f"{name} {value:.4f}" for name, value in row.items() if name != "seconds")
    return f"epoch {number}/{epochs}  {values}  {row['seconds']:.1f} s"


def describe_limit(progress: Progress, epochs: int) -> str:
    """One line for a run that the number of epochs ended, not the validation loss.

    Example:
        >>> describe_limit(Progress([{"val_loss": 2.0}, {"val_loss": 1.0}], best_epoch=2), 2)[:50]
        'the limit of 2 epochs ended the training with the '
    """
    falling = progress.best_epoch == progress.epoch
    how = "with the validation loss still falling" if falling else "before the validation loss had stopped falling"
    return (
        f"the limit of {epochs} epochs ended the training {how} (lowest in epoch {progress.best_epoch}). "
        "Raise epochs (--epochs), or learning_rate (--learning-rate), and start again."
    )
