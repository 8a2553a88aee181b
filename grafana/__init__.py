"""Grafana dashboards, and recording and alert rules for Prometheus."""
