"""What all tests share: no deadlines, since a first call may compile and machines are busy."""

from hypothesis import settings

settings.register_profile("pyrascope", deadline=None)
settings.load_profile("pyrascope")
