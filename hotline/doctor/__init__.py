"""`hotline doctor`: connects to every service and says of each fault, in one sentence, what to do next."""

from hotline.doctor.examine import examine
from hotline.doctor.findings import Finding

__all__ = ["Finding", "examine"]
