"""One self-contained HTML page about a deployment: it loads nothing from anywhere, and prints."""

from basalt.deploy.report.arrays import ReportArrays, SampleTrace
from basalt.deploy.report.build import write_report

__all__ = ["ReportArrays", "SampleTrace", "write_report"]
