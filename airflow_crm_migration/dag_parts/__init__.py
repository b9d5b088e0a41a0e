"""The parts that an engagement's DAG is put together from."""
