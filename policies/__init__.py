"""The privacy policies, as package data: the shop's own, and the JSON Schema that editors check any policy with."""
