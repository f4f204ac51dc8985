# What leaves this folder: of a study a manifest, an archive, for others; a packed study, for a machine
# without Snakemake; and a reference, which others' tables are compared with.


rule make_manifest:
    input:
        inputs("make_manifest", "files"),
        # Of a folder Snakemake knows its time alone, which says nothing; of a record its content.
        ancient(inputs("make_manifest", "folders")),
    output:
        MANIFEST,
    log:
        f"{LOGS}/make_manifest.log",
    localrule: True
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        identity=identity("make_manifest"),
        settings=settings("make_manifest"),
    message:
        "Manifest of the study {wildcards.study}: {output}"
    script:
        "../scripts/make_manifest.py"


rule manifest:
    input:
        MANIFEST.format(study=STUDY),
    message:
        f"The manifest of the study {STUDY} is there: {MANIFEST.format(study=STUDY)}"


rule archive_study:
    input:
        inputs("archive_study", "results"),
    output:
        directory(ARCHIVE),
    log:
        f"{LOGS}/archive_study.log",
    localrule: True
    conda:
        "../../envs/plot.yaml"
    threads: 1
    params:
        identity=identity("archive_study"),
        settings=settings("archive_study"),
    message:
        "Archive of the study {wildcards.study}: {output}"
    script:
        "../scripts/archive_study.py"


rule archive:
    input:
        ARCHIVE.format(study=STUDY),
    message:
        f"The archive of the study {STUDY} is there: {ARCHIVE.format(study=STUDY)}"


rule pack_study:
    input:
        inputs("pack_study", "data"),
    output:
        PACKED,
    log:
        f"{LOGS}/pack_study.log",
    localrule: True
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        disk_mb=needs("pack_study", "disk_mb"),
    params:
        identity=identity("pack_study"),
        settings=settings("pack_study"),
    message:
        "The study {wildcards.study}, packed: {output}"
    script:
        "../scripts/pack_study.py"


rule pack:
    input:
        PACKED.format(study=STUDY),
    message:
        f"The study {STUDY} is packed: {PACKED.format(study=STUDY)}"


# These two have no inputs, which would be made first: they take what is there.
rule compare:
    log:
        f"{LOGS.format(study=STUDY)}/compare.log",
    localrule: True
    conda:
        "../../envs/plot.yaml"
    params:
        settings=lambda wildcards: shared.compared(JOBS, STUDY, REPOSITORY),
    message:
        f"The study {STUDY} beside its reference"
    script:
        "../scripts/compare.py"


rule reference:
    log:
        f"{LOGS.format(study=STUDY)}/reference.log",
    localrule: True
    conda:
        "../../envs/plot.yaml"
    params:
        settings=lambda wildcards: shared.referenced(JOBS, STUDY, REPOSITORY),
    message:
        f"The reference of the study {STUDY}"
    script:
        "../scripts/reference.py"
