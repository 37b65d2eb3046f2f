"""Privacy policies as code: autopar.yaml, the demo shop's, and schema.json, by which editors check one while it is written."""
