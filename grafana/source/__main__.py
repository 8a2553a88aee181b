"""`make dashboards`: writes the dashboards to grafana/dashboards/."""

from pathlib import Path

from grafana.source.device import device
from grafana.source.fleet import fleet
from grafana.source.model import model
from grafana.source.reputation import reputation

FOLDER = Path(__file__).parents[1] / "dashboards"


def dashboards() -> dict[str, str]:
    """Return the JSON of each dashboard by file name."""
    return {
        "fleet.json": fleet(),
        "device.json": device(),
        "model.json": model(),
        "reputation.json": reputation(),
    }


if __name__ == "__main__":
    for file, content in dashboards().items():
        (FOLDER / file).write_text(content, encoding="utf-8")
