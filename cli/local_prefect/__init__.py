"""A Prefect of one's own on this machine: a server, a worker, and what is registered with them."""
