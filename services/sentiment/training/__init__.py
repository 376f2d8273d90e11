"""How the shipped classifier is made: base -> train -> export -> evaluate. Never imported by the service."""
