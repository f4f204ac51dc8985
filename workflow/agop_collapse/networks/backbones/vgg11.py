"""torchvision's VGG-11."""

from torch import nn


def backbone(channels: int, height: int, width: int) -> nn.Module:
    """torchvision's VGG-11 up to the ReLU before its last two poolings, 8,192 features (D25).

    The first convolution is a new one for the images' channels, without bias. An adaptive pooling
    brings images of any size to 4 x 4 (32 x 32 pixels are that already).
    """
    from torchvision.models import vgg11

    layers = vgg11(weights=None).features[:15]
    layers[0] = nn.Conv2d(channels, 64, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten())
