"""What comes before the head: one file each, with the function `backbone`.

It takes (channels, height, width) and returns a module that maps (n, channels, height, width)
images to (n, features).
"""
