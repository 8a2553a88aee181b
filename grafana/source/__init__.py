"""The dashboards as code; `make dashboards` generates grafana/dashboards/ from it."""
