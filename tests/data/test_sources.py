"""Where data sets come from: each is named, with a licence."""

from agop_collapse.data import addresses, sources

OWN = {"npz", "image_folder"}


def test_each_data_set_of_the_projects_has_a_source():
    assert {*sources.SOURCES} == {*addresses.ARCHIVES, "digits"}
    for kind in sources.SOURCES:
        found = sources.of(kind)
        assert {*found} == {"name", "creators", "url", "licence"}
        assert all(found.values())
        assert found["url"].startswith("http")


def test_a_users_own_have_none():
    assert all(sources.of(kind) is None for kind in OWN)
