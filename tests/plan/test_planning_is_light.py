"""`snakemake -n` shall answer at once: what the Snakefile imports, and does, is light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "pandas", "numpy", "pyarrow", "matplotlib", "sklearn", "scipy", "torchvision"}
PLAN = """
import sys, yaml
from pathlib import Path
{imports}
configuration = load(yaml.safe_load(Path(sys.argv[1]).read_text()))
jobs = Jobs(configuration, Path(sys.argv[2]), "data", Contents(Path(sys.argv[3])))
for study in configuration.studies:
    assert jobs.everything(study)
print(*sys.modules)
"""


def imports_of_the_rules() -> str:
    """The statements by which Snakefile and rules import from the library."""
    found = []
    for file in [ROOT / "Snakefile", *sorted((ROOT / "workflow" / "rules").glob("*.smk"))]:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        assert not [line for line in lines if line.startswith("import agop_collapse")]
        found += [line for line in lines if line.startswith("from agop_collapse")]
    ast.parse("\n".join(found))  # each on one line
    return "\n".join(found)


def test_planning_needs_no_torch_and_no_pandas(tmp_path):
    imports = imports_of_the_rules()
    assert "plan.jobs import" in imports
    arguments = [ROOT / "config.yaml", ROOT / "workflow", tmp_path / "contents.json"]
    run = subprocess.run(
        [sys.executable, "-c", PLAN.format(imports=imports), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    modules = set(run.stdout.split())
    assert "agop_collapse.plan.jobs" in modules
    assert not modules & HEAVY
    rooms = {name.split(".")[1] for name in modules if name.startswith("agop_collapse.")}
    assert rooms == {"plan", "common", "data", "files"}
