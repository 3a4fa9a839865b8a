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
