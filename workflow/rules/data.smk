# Data sets: public ones are downloaded; the first n images, standardised, sorted by class.

# Only a file that is missing has a rule. One that is there is a source file, whoever put it there:
# no change of code, and not --forceall, deletes it to download it again.
for kind, archives in downloads.ARCHIVES.items():
    for archive in archives:
        if missing := downloads.missing_files(archive, f"{DATA_ROOT}/{kind}"):

            rule:
                name:
                    f"download_{kind}_{archive.name}"
                input:
                    code=code("download_data"),
                output:
                    missing,
                log:
                    f"{DATA_ROOT}/{kind}/logs/{archive.name}.log",
                # The compute nodes of a cluster may have no internet.
                localrule: True
                conda:
                    "../../envs/compute.yaml"
                resources:
                    mem_mb=500,
                    runtime=60,
                params:
                    kind=kind,
                    archive=archive.name,
                    folder=public_folder(kind),
                message:
                    "Downloading {params.archive} of {params.kind}"
                script:
                    "../scripts/download_data.py"


# For a machine with internet, before the data folder or the work moves to one without.
rule download:
    input:
        public_files(DEFAULT_STUDY),


rule prepare_data:
    input:
        data_files,
        code=code("prepare_data"),
    output:
        "results/{study}/data/{dataset}.safetensors",
    log:
        "results/{study}/logs/prepare_data/{dataset}.log",
    conda:
        "../../envs/compute.yaml"
    resources:
        mem_mb=data_mem_mb,
        runtime=30,
    params:
        settings=dataset_settings,
        path=data_path,
        listing=data_listing,
    message:
        "Preparing {wildcards.dataset} for the study {wildcards.study}"
    script:
        "../scripts/prepare_data.py"
