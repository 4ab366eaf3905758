"""Airflow reads its settings when it is imported."""

from airflow_home import make_airflow_home

make_airflow_home()
