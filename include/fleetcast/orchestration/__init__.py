"""The one package that knows Airflow: turns a job's arguments into an operator."""
