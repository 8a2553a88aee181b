"""What the service says of itself to /healthz and /readyz."""

import time
from dataclasses import dataclass, field


@dataclass
class Health:
    """Whether each part that a tweet needs is there."""

    model_loaded: bool = False
    broker_connected: bool = False
    stopping: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the service began to start."""
        return time.monotonic() - self.started

    def missing(self) -> list[str]:
        """Why no tweet would be labelled now; empty where one would."""
        reasons = {
            "the model is being loaded": not self.model_loaded,
            "the broker is not connected": not self.broker_connected,
            "the service is stopping": self.stopping,
        }
        return [reason for reason, holds in reasons.items() if holds]
