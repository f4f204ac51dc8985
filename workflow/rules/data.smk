# Data sets: public ones are downloaded; the first n images, standardised, sorted by class.

# Only a file that is missing has a rule. One that is there is a source file, whoever put it there:
# no change of code, and not --forceall, deletes it to download it again.
for kind, of_kind in addresses.ARCHIVES.items():
    for archive in of_kind:
        if missing := addresses.missing_files(archive, f"{DATA_ROOT}/{kind}"):

            rule:
                name:
                    f"download_{kind}_{archive.name}"
                output:
                    local(missing),
                log:
                    f"{DATA_ROOT}/{kind}/logs/{archive.name}.log",
                # The compute nodes of a cluster may have no internet.
                localrule: True
                conda:
                    COMPUTE
                resources:
                    mem_mb=500,
                    runtime=60,
                    disk_mb=500,
                params:
                    settings=dict(kind=kind, archive=archive.name, folder=f"{DATA_ROOT}/{kind}"),
                message:
                    f"Downloading {archive.name} of {kind}"
                script:
                    "../scripts/download_data.py"


# For a machine with internet, before the data folder or the work moves to one without.
rule download:
    input:
        local(ask(JOBS.public_files, STUDY)),


rule prepare_data:
    input:
        # Whose times say nothing: archives are known by their checksums, other data by content.
        local(ancient(inputs("prepare_data", "files"))),
    output:
        DATA,
    log:
        f"{LOGS}/prepare_data/{{dataset}}.log",
    # Raw data are read where they lie.
    localrule: not SHARED_FILES
    conda:
        COMPUTE
    resources:
        mem_mb=needs("prepare_data", "mem_mb"),
        runtime=needs("prepare_data", "minutes"),
        disk_mb=needs("prepare_data", "disk_mb"),
    params:
        identity=identity("prepare_data"),
        settings=settings("prepare_data"),
    message:
        "Preparing {wildcards.dataset} for the study {wildcards.study}"
    script:
        "../scripts/prepare_data.py"
