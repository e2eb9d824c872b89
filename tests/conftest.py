"""What all tests share: no deadlines, since a first call may compile and machines are busy."""

from hypothesis import settings

settings.register_profile("pyrascope", deadline=None)
settings.load_profile("pyrascope")

collect_ignore = ["processors"]  # no tests, but what those of `make test-processors` are started with
