"""How the shipped classifier is made: base (-> pretrain) -> train -> export -> evaluate. No part of the service."""
