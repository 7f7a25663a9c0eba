"""`hotline import` without its command line: files of other systems become raw records of back-fill."""
