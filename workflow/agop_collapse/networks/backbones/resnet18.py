"""torchvision's ResNet18."""

from torch import nn


def backbone(channels: int, height: int, width: int) -> nn.Module:
    """torchvision's ResNet18 up to its pooled 512 features (D26).

    The first convolution is a new one of the same shape (7 x 7, stride 2, no bias) for the images'
    channels; images are not enlarged.
    """
    from torchvision.models import resnet18

    network = resnet18(weights=None)
    network.conv1 = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
    network.fc = nn.Identity()
    return network
