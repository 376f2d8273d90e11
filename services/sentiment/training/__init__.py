"""How the shipped classifier is made: base -> train -> evaluate -> export. Never imported by the service."""
