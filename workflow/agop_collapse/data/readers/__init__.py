"""Where images come from: one file for each kind of data set, with the function `load`.

It is called as load(n, n_test, path, **options): how many images are wanted to train and to test
on, where they lie, and those keys of the configuration that are of this kind alone. It may return
more images than wanted, or fewer where there are no more; `prepare` takes the first, or complains.
"""
