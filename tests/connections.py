"""What NetworkPolicies let through, as Kubernetes reads them: as much of it as ours use."""

from dataclasses import dataclass, field
from typing import Any

HERE = "voxmood"  # the policies' namespace


@dataclass(frozen=True)
class Place:
    """What connects or is connected to: pods with labels in a namespace, or with neither an address outside."""

    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)  # its ports

    def matches(self, peer: dict[str, Any]) -> bool:
        """Whether a rule is about it. An address outside is what an ipBlock of everything holds."""
        if "ipBlock" in peer:
            return not self.namespace and peer["ipBlock"]["cidr"] == "0.0.0.0/0"
        if not self.namespace:
            return False
        around = peer.get("namespaceSelector", {"matchLabels": {"kubernetes.io/metadata.name": HERE}})
        pods = peer.get("podSelector", {}).get("matchLabels", {})
        known = {"kubernetes.io/metadata.name": self.namespace}.items()
        return bool(around["matchLabels"].items() <= known and pods.items() <= self.labels.items())


def passes(policies: list[dict[str, Any]], source: Place, target: Place, port: int) -> bool:
    """Whether the policies of the namespace let `source` connect to that port of `target`."""
    for direction, of_whom, other, word in (("Egress", source, target, "to"), ("Ingress", target, source, "from")):
        if of_whom.namespace != HERE:
            continue
        rules = [
            rule
            for policy in policies
            if direction in policy["spec"]["policyTypes"]
            and policy["spec"]["podSelector"].get("matchLabels", {}).items() <= of_whom.labels.items()
            for rule in policy["spec"].get(direction.lower(), [])
        ]
        if not any(
            port in [target.named.get(it["port"], it["port"]) for it in rule["ports"]]
            and (word not in rule or any(other.matches(peer) for peer in rule[word]))
            for rule in rules
        ):
            return False
    return True
