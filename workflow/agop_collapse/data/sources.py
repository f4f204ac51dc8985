"""Where data sets come from, as they say it themselves: names, creators, addresses and licences.

Facts for an archive of what was made from them, which holds none of their images. Standard library
only: the Snakefile imports it.
"""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Source:
    """A data set.

    licence : as its creators state it; "none stated" is no permission
    """

    name: str
    creators: str
    url: str
    licence: str


SOURCES = {
    "digits": Source(
        "Optical Recognition of Handwritten Digits, the test part, as scikit-learn has it",
        "E. Alpaydin and C. Kaynak",
        "https://doi.org/10.24432/C50P49",
        "CC BY 4.0",
    ),
    "mnist": Source(
        "MNIST",
        "Y. LeCun, C. Cortes and C. J. C. Burges",
        "http://yann.lecun.com/exdb/mnist/",
        "none stated on its page; CC BY-SA 3.0 according to the documentation of Keras",
    ),
    "fashion_mnist": Source(
        "Fashion-MNIST",
        "H. Xiao, K. Rasul and R. Vollgraf; Zalando SE",
        "https://github.com/zalandoresearch/fashion-mnist",
        "MIT",
    ),
    "kmnist": Source(
        "Kuzushiji-MNIST",
        "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto and D. Ha",
        "http://codh.rois.ac.jp/kmnist/",
        "CC BY-SA 4.0",
    ),
    "cifar10": Source(
        "CIFAR-10",
        "A. Krizhevsky, V. Nair and G. Hinton",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "none stated",
    ),
    "svhn": Source(
        "The Street View House Numbers (SVHN)",
        "Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu and A. Y. Ng",
        "http://ufldl.stanford.edu/housenumbers/",
        "none stated; for non-commercial use only",
    ),
}


def of(kind: str) -> dict[str, str] | None:
    """The source of a kind of data set, as plain values; None of images of the user's own."""
    return asdict(SOURCES[kind]) if kind in SOURCES else None
