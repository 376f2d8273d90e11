"""The tests. A package, because some distributions bring a package of that name, which would be taken for this one."""
