# All that requirements.txt names, in an image for Docker, Podman and Apptainer (docs/container.md).
# The workflow is not in it: that is the checkout, in whose folder the image is run.
FROM python:3.11-slim

# What PyTorch is built for: cpu, or cuda for NVIDIA GPUs, whose driver is the host's.
ARG TORCH=cpu

# For a user that the image does not know (`docker run --user`): a name, and a place for caches.
ENV HOME=/tmp USER=user

WORKDIR /opt/agop-collapse
COPY requirements.txt .

# PyPI's builds of PyTorch for Linux on x86 are those with CUDA.
RUN case "$TORCH" in \
        cpu) index=https://download.pytorch.org/whl/cpu ;; \
        cuda) index= ;; \
        *) echo "TORCH is cpu or cuda, and not $TORCH" >&2; exit 1 ;; \
    esac \
    && pip install --no-cache-dir ${index:+--extra-index-url "$index"} -r requirements.txt \
    && pip check

# Where the checkout comes to lie: docker run --volume "$PWD:/study"
WORKDIR /study
CMD ["python"]
