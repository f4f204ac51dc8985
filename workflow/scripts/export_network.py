"""Write the points of a network's layers at an epoch, for other programs."""

from agop_collapse_job import gpus, job  # isort: split

from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.data.dataset import load_dataset
from agop_collapse.data.export import save_points
from agop_collapse.files.resumable import resumable
from agop_collapse.networks.architecture import build
from agop_collapse.networks.checkpoints import trained
from agop_collapse.networks.features import layer_points
from agop_collapse.networks.from_settings import architecture_of, training_of

with job(snakemake) as given, device.tf32(False):
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    data = load_dataset(snakemake.input.data, given["data"])
    x, test_x = (points.float().to(where) for points in (data.x, data.test_x))
    epoch = given["epoch"]
    architecture = architecture_of(given["settings"])
    network = build(architecture, data.image_shape, data.classes, given["named"]["seed"]).to(where)
    checkpoint = snakemake.input.checkpoints, epoch, given["stem"]
    known = x, data.labels, training_of(given["settings"]).loss, f"model {architecture.model!r}"
    with (
        trained(network, *checkpoint, *known),
        resumable(Path(snakemake.output[0]), given["identity"]) as folder,
    ):
        both = zip(layer_points(network, x), layer_points(network, test_x), strict=True)
        for number, (train, test) in enumerate(both):
            if number in given["layers"]:
                path = folder / f"layer_{number:02d}.safetensors"
                facts = given["named"] | {"epoch": epoch, "layer": number}
                save_points(path, data, train, test, given["identity"], facts)
