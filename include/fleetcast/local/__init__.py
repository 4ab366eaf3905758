"""Everything on one machine: Postgres, MLflow and Airflow under one supervisor."""
