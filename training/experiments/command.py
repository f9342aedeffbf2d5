"""The ablation from configs in files to its table, picture and numbers in files."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from algorithm.atomic import ensure_writable, write_bytes
from training.experiments.ablation import ablate as run
from training.experiments.ablation_plot import plot
from training.experiments.comparison import HEADINGS, compare, lines, markdown
from training.settings import Settings, SettingsError, load_settings, parse_changes


def ablate(
    configs: Sequence[Path],
    seeds: Sequence[int],
    minutes: float | None,
    work_dir: Path,
    changes: Sequence[str],
    pretrained: Path | None = None,
) -> tuple[Table, list[Path]]:
    """Run the configs; return the table and the files that hold it: ablation.json, .md and .png in work_dir."""
    if not seeds or len(set(seeds)) < len(seeds):
        raise SettingsError("--seeds: name each seed once, at least one")
    ensure_writable(work_dir)
    experiments: dict[str, Settings] = {}
    for path in configs:
        if path.stem in experiments:
            raise SettingsError(f"{path}: {path.stem} is named twice; each config needs a name of its own")
        experiments[path.stem] = load_settings(path, parse_changes(changes))
    rows = run(experiments, seeds=seeds, minutes=minutes, work_dir=work_dir, pretrained=pretrained)
    compared = compare(rows, experiments[configs[0].stem].held_back)
    files = {
        "ablation.json": (json.dumps(compared, indent=1, allow_nan=False) + "\n").encode(),
        "ablation.md": markdown(compared).encode(),
        "ablation.png": plot(compared),
    }
    for name, content in files.items():
        write_bytes(work_dir / name, content)
    shown = Table(title=f"Ensembles of the averages, held back: {', '.join(compared['slides'])}")
    for heading in HEADINGS:
        shown.add_column(heading, justify="left" if heading == "config" else "right")
    for line in lines(compared):
        shown.add_row(*line)
    return shown, [work_dir / name for name in files]
