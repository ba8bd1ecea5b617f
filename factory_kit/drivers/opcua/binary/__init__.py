"""OPC UA binary (OPC 10000-6, 5.2) straight to columns: what a server publishes and what it answers to Read.

``items`` reads runs of DataValues, ``wire`` everything around them, ``messages`` whole answers, ``requests`` encodes a Read once
for many times. Lengths and counts are checked against the bytes that are there before anything is made of them.
"""
