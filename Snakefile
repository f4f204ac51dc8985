# One command from raw data to the figures: snakemake --cores 8 figures/
import sys

from snakemake.utils import min_version

min_version("9.27")

sys.path.insert(0, f"{workflow.basedir}/workflow")
import slurm_queue
import terminal

if workflow.is_main_process:
    terminal.install(lambda: JOBS.targets())


configfile: f"{workflow.basedir}/config.yaml"


# With `--sdm apptainer`, and only then: the image of the Dockerfile (docs/container.md).
container: f"{workflow.basedir}/agop-collapse.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/deep_rfm.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/own_networks.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/share.smk"


# All that a study keeps, so that whatever is deleted is derived again.
EVERYTHING = ask(JOBS.everything, STUDY)


rule all:
    default_target: True
    input:
        [path for job in EVERYTHING.values() for path in job.kept],
    message:
        f"All of the study {STUDY} is there"


if workflow.is_main_process and (warnings := existing.warnings(JOBS, STUDY)):
    logger.warning(warnings)
