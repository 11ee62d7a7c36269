"""The tests; a package because lava-nc installs another one of the name `tests`."""
