"""The typed arguments of every command: what crosses from a DAG to a pod, one model a job."""
