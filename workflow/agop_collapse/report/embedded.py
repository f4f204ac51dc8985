"""Files within a page, so that it needs no other and no network."""

import base64


def data_address(kind: str, content: bytes) -> str:
    """Bytes of a media type, as the address of a link or an image that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
