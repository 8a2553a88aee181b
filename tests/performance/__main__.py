"""`python -m tests.performance`: renders docs/performance/*.json into docs/performance.md and plots."""

from pathlib import Path

from tests.performance.pages import rendered
from tests.performance.plots import plot_growth

PAGE = Path("docs/performance.md")
FOLDER = Path("docs/performance")


def main() -> None:
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), FOLDER), encoding="utf-8")
    if (growth := FOLDER / "growth.json").exists():
        plot_growth(growth, FOLDER)


if __name__ == "__main__":
    main()
