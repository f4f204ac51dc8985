# What a study takes: said on demand, and held against the disk before the first job.


# It has no inputs, which would be made first. Its message, being text, is said by a dry run too.
rule plan:
    localrule: True
    message:
        ask(forecast.text, JOBS, STUDY) if "plan" in sys.argv else "What the study takes"


onstart:
    if NO_GPU and workflow.non_local_exec:
        raise WorkflowError(
            "--resources gpu=0 does not reach the jobs of a cluster: leave it out, and set "
            f"studies.{STUDY}.device to cpu."
        )
    to_run = list(workflow.dag.needrun_jobs())
    needed_mb = forecast.needed_mb(
        (each.resources.get("disk_mb", 0), bool(each.temp_output))
        for each in to_run
        if not each.is_norun
    )
    replaced = [Path(path) for each in to_run for path in each.output]
    if refused := forecast.does_not_fit(needed_mb, replaced, Path("results")):
        raise WorkflowError(refused)
    if workflow.executor_plugin.name == "slurm":
        slurm_queue.watch(logger.warning, Path(workflow.workdir_init))
