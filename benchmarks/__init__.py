"""What speed and memory cost, measured again by `make bench`; docs/benchmarks.md says what each figure means."""
