"""CMPP 2.0 and 3.0 (中国移动短信网关): the session of one SP account, and the sender of its replies."""
