"""What an operator looks at: dashboards, and the rules that Prometheus computes and watches."""
